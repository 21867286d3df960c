"""The canonical rows of a SKU, and an order-independent digest of many.

Two builds of one journal are equal when their digests are: the digest is the sum of the hashes of
the rows modulo 2^128, so it does not depend on the order in which SKUs are visited, and a part can
be taken away or added.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from stockfold.ledger.state import SkuState

MODULUS = 1 << 128
Row = tuple[object, ...]

_encode = msgspec.json.Encoder(order="deterministic").encode


def rows(state: SkuState) -> list[Row]:
    """Everything the fold of a SKU holds, as sorted rows; what is derived from it is left out."""
    sku = state.sku
    found: list[Row] = [(sku, "sku", state.seq, state.outside.tolist(), state.moves_floor_us)]
    found += [
        (sku, "position", location, state.row(location).tolist()) for location in state.locations
    ]
    found += [(sku, "claim", *key, held) for key, held in state.claims.items()]
    found += [(sku, "backordered", *item) for item in state.backordered.items()]
    found += [(sku, "line", line) for line in state.lines.values()]
    found += [(sku, "transfer", transfer) for transfer in state.transfers.values()]
    found += [(sku, "inbound", inbound) for inbound in state.inbounds.values()]
    found += [(sku, "return", returned) for returned in state.returns.values()]
    found += [(sku, "fence", fence) for fence in state.fences.values()]
    found += [(sku, "limit", limit) for limit in state.limits.values()]
    found += [(sku, "count", *key, as_of_us) for key, as_of_us in state.counts.items()]
    found += [
        (sku, "document", *key, units, state.document_times[key])
        for key, units in state.documents.items()
    ]
    found += [(sku, "numbers", source, n.row()) for source, n in state.numbers.items()]
    found += [(sku, "ahead", ahead) for ahead in state.ahead]
    found += [(sku, "parked", p) for waiting in state.parked.values() for p in waiting]
    found.append((sku, "moves", state.moves.tolist()))
    return sorted(found, key=_encode)


def digest(states: Iterable[SkuState]) -> str:
    """128 bits in hexadecimal that are equal when all rows are."""
    total = 0
    for state in states:
        for row in rows(state):
            raw = hashlib.blake2b(_encode(row), digest_size=16).digest()
            total = (total + int.from_bytes(raw, "big")) % MODULUS
    return f"{total:032x}"
