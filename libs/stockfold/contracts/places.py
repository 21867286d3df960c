"""The numbers of a SKU's places as records of ``Position`` and ``SkuSummary``, for every rebuild.

A *place* is a location, or the empty name for the numbers that a SKU has without one. Lists inside
a record are sorted: equal numbers make equal records, whatever the order of their history.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from stockfold.ledger.accounts import ALLOCATED, BACKORDERED, NAMES, ON_HAND, RESERVED, STRIDE
from stockfold.ledger.entities import Fence, Limit
from stockfold.ledger.facts import Fact
from stockfold.ledger.state import ExpectedRow, SkuState

Record = dict[str, Any]

SUMMARY = ""
"""The place of a SKU's numbers without a location."""


class Touched(NamedTuple):
    """Of the last fact that changed a place: when it was recorded, and what caused it."""

    recorded_us: int
    correlation_id: str
    caused_us: int


def places_changed(fact: Fact) -> Iterator[str]:
    """The places that a fact changes; the ledger writes a position or summary for each.

    A place may come more than once.
    """
    for account, location, _, _ in fact.deltas:
        if account < STRIDE:
            yield location
        elif account == BACKORDERED:
            yield SUMMARY
    change = fact.change
    if change is not None:
        if change.fence is not None or change.limit is not None:
            yield SUMMARY
        if change.inbound is not None:
            for line in change.inbound.lines:
                if line.location:
                    yield line.location


def position_record(
    sku: str,
    location: str,
    seq: int,
    numbers: Sequence[int],
    claims: Iterable[tuple[str, int, int]],
    expected: Iterable[ExpectedRow],
    touched: Touched,
) -> Record:
    """A ``Position``; ``numbers`` in the order of ``accounts``, claims as (channel, soft, hard)."""
    return {
        "sku": sku,
        "location": location,
        "seq": seq,
        **dict(zip(NAMES[:STRIDE], numbers, strict=True)),
        "atp": numbers[ON_HAND] - numbers[RESERVED] - numbers[ALLOCATED],
        "claims": [
            {"channel": channel, "reserved": reserved, "allocated": allocated}
            for channel, reserved, allocated in sorted(claims)
        ],
        "expected": [
            {
                "inbound": inbound,
                "line": line,
                "quantity": units,
                "eta": eta_us,
                "confidence": confidence,
            }
            for inbound, line, units, eta_us, confidence in sorted(expected, key=_document)
        ],
        **_cause(touched),
    }


def _document(row: ExpectedRow) -> tuple[str, str]:
    return row[0], row[1]


def summary_record(
    sku: str,
    seq: int,
    backordered: Mapping[str, int],
    fences: Iterable[Fence],
    limits: Iterable[Limit],
    touched: Touched,
) -> Record:
    """A ``SkuSummary``; ``backordered`` are units by channel."""
    return {
        "sku": sku,
        "seq": seq,
        "backordered": [
            {"channel": channel, "quantity": units}
            for channel, units in sorted(backordered.items())
        ],
        "fences": [
            {
                "channel": f.channel,
                "quantity": f.quantity,
                "priority": f.priority,
                "revision": f.revision,
            }
            for f in sorted(fences, key=lambda fence: fence.channel)
        ],
        "limits": [
            {"channel": limit.channel, "quantity": limit.quantity, "revision": limit.revision}
            for limit in sorted(limits, key=lambda limit: limit.channel)
        ],
        **_cause(touched),
    }


def _cause(touched: Touched) -> Record:
    return {
        "recorded_at": touched.recorded_us,
        "correlation_id": touched.correlation_id,
        "caused_at": touched.caused_us,
    }


def place_record(state: SkuState, place: str, touched: Touched) -> Record:
    """The record of one place of a folded SKU."""
    if place == SUMMARY:
        return summary_record(
            state.sku,
            state.seq,
            state.backordered,
            state.fences.values(),
            state.limits.values(),
            touched,
        )
    claims = [
        (c, held[0], held[1]) for (location, c), held in state.claims.items() if location == place
    ]
    return position_record(
        state.sku,
        place,
        state.seq,
        state.row(place),
        claims,
        state.expected.get(place, ()),
        touched,
    )
