"""The numbers of a SKU's places as records of ``Position`` and ``SkuSummary``, for every rebuild.

A *place* is a location, or the empty name for the numbers that a SKU has without one. Lists inside
a record are sorted: equal numbers make equal records, whatever the order of their history.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from stockfold.ledger.accounts import BACKORDERED, STRIDE
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
        if change.left:
            yield change.left
        if change.inbound is not None:
            for line in change.inbound.lines:
                if line.location:
                    yield line.location


def position_record(
    sku: str,
    location: str,
    seq: int,
    numbers: Sequence[int],
    claims: Sequence[tuple[str, int, int]],
    expected: Sequence[ExpectedRow],
    touched: Touched,
) -> Record:
    """A ``Position``; ``numbers`` in the order of ``accounts``, claims as (channel, soft, hard)."""
    on_hand, quality_hold, damaged, in_transit, reserved, allocated = numbers
    recorded_us, correlation_id, caused_us = touched
    # Written out: a rebuild makes one for every place there is.
    return {
        "sku": sku,
        "location": location,
        "seq": seq,
        "on_hand": on_hand,
        "quality_hold": quality_hold,
        "damaged": damaged,
        "in_transit": in_transit,
        "reserved": reserved,
        "allocated": allocated,
        "atp": on_hand - reserved - allocated,
        "claims": [_claim(*claim) for claim in sorted(claims)] if claims else [],
        "expected": [_line(*row) for row in sorted(expected, key=_document)] if expected else [],
        "recorded_at": recorded_us,
        "correlation_id": correlation_id,
        "caused_at": caused_us,
    }


def _claim(channel: str, reserved: int, allocated: int) -> Record:
    return {"channel": channel, "reserved": reserved, "allocated": allocated}


def _line(inbound: str, line: str, units: int, eta_us: int | None, confidence: int) -> Record:
    return {
        "inbound": inbound,
        "line": line,
        "quantity": units,
        "eta": eta_us,
        "confidence": confidence,
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
