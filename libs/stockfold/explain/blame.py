"""Why a location fell into deficit.

The question is what would have been, had everything been told when it happened. A promise that the
ledger gave is then *over* by the units that were not there at that moment, as it is known now; the
events that were told only afterwards and took those units are the late ones. Where no promise was
over, the fact that took the ATP below zero is the cause itself.
"""

from __future__ import annotations

from bisect import bisect_left

import msgspec

from stockfold.availability.words import units
from stockfold.explain.describe import describe
from stockfold.explain.entry import Entry
from stockfold.explain.timeline import Effect, Timeline, atp_delta
from stockfold.explain.words import duration, listed, moment, order_line, was
from stockfold.ledger.accounts import ALLOCATED, ON_HAND, RESERVED
from stockfold.ledger.facts import Fact
from stockfold.ledger.state import LineKey

GIVEN_BY_US = frozenset(
    {
        "ReservationConfirmed",
        "ReservationPartiallyConfirmed",
        "ReservationMoved",
        "BackorderConfirmed",
    }
)
"""Promises that the ledger gives only where there is stock; an allocation is told, not asked."""
NAMED_MAX = 3


class Blame(msgspec.Struct, frozen=True):
    """The cause of a deficit."""

    cause: str
    sentence: str
    prevention: str
    late: tuple[Effect, ...] = ()
    over: dict[LineKey, int] = {}
    """Units by which each line was promised too much."""


class OverPromise(msgspec.Struct, frozen=True):
    """A promise that was over by some units, and when it was given."""

    us: int
    seq: int
    line: LineKey
    units: int


def over_promises(timeline: Timeline, location: str) -> list[OverPromise]:
    """The promises at a location that were over, in the order in which they were given."""
    found = []
    for fact in timeline.facts():
        line = fact.change.line if fact.change is not None else None
        claimed = -atp_delta(fact, location)
        if fact.kind in GIVEN_BY_US and claimed > 0 and line is not None:
            beyond = claimed - max(timeline.before(fact), 0)
            if beyond > 0:
                key = (line.order, line.line)
                found.append(OverPromise(fact.recorded_us, fact.seq, key, beyond))
    return found


def blame(
    timeline: Timeline,
    overs: list[OverPromise],
    began: Entry,
    ended: Entry | None,
    location: str,
    atp_before: int,
) -> Blame:
    """Why the ATP of a location fell below zero with the fact ``began``; ``overs`` are the
    ``over_promises`` of the location.
    """
    late, over = _ignorance(timeline, overs, began, ended)
    if late:
        return _late_event(late, over, location)
    if timeline.after(began.fact) >= 0:
        return _late_receipt(timeline, began, location)
    return _by_kind(began.fact, location, atp_before)


def _ignorance(
    timeline: Timeline, overs: list[OverPromise], began: Entry, ended: Entry | None
) -> tuple[tuple[Effect, ...], dict[LineKey, int]]:
    """What was told too late within a deficit, and what was promised too much for that reason."""
    last_seq = ended.fact.seq if ended is not None else None
    late: list[Effect] = []
    blamed: dict[int, OverPromise] = {}
    for effect in timeline.told_from(began.fact.seq):
        if last_seq is not None and effect.seq > last_seq:
            break
        if effect.units >= 0 or not effect.late_us:
            continue
        # Promises given between the time that it took effect and the time that it was told.
        first = bisect_left(overs, effect.us, key=lambda one: one.us)
        end = bisect_left(overs, effect.seq, key=lambda one: one.seq)
        if first < end:
            late.append(effect)
            blamed.update({one.seq: one for one in overs[first:end]})
    over: dict[LineKey, int] = {}
    for one in blamed.values():
        over[one.line] = over.get(one.line, 0) + one.units
    return tuple(late), over


def _late_event(late: tuple[Effect, ...], over: dict[LineKey, int], location: str) -> Blame:
    worst = min(late, key=lambda effect: (effect.units, -effect.late_us))
    fact = worst.entry.fact
    total = sum(over.values())
    promised = [f"{number} to {order_line(*key)}" for key, number in over.items()]
    more = f" and {len(promised) - NAMED_MAX} other lines" if len(promised) > NAMED_MAX else ""
    told_by = f" by {fact.cause.source}" if fact.cause.source else ""
    were = "was" if total == 1 else "were"
    source = fact.cause.source or "its producer"
    return Blame(
        "late_event",
        f"{describe(fact)}; that was so at {moment(worst.us)} but was told{told_by} only "
        f"{duration(worst.late_us)} later. In between {was(total)} promised at {location} that "
        f"{were} no longer there: {listed(promised[:NAMED_MAX])}{more}",
        "Had it been told when it happened, these promises would not have been given at "
        f"{location}. Make {source} send its events at once, or keep a safety stock of "
        f"{units(total)} for the time that it takes.",
        late,
        over,
    )


def _late_receipt(timeline: Timeline, began: Entry, location: str) -> Blame:
    came = [e for e in timeline.learned_after(began.fact) if e.units > 0]
    best = max(came, key=lambda effect: effect.units)
    fact = best.entry.fact
    return Blame(
        "late_receipt",
        f"nothing was missing at {location}, it only looked so: {describe(fact)} at "
        f"{moment(best.us)}, but that was told only {duration(best.late_us)} later",
        f"Make {fact.cause.source or 'its producer'} send its events at once.",
        tuple(came),
    )


def _by_kind(fact: Fact, location: str, atp_before: int) -> Blame:
    said = f"{describe(fact)}, when {units(max(atp_before, 0))} could be promised there"
    shelf = sum(d[3] for d in fact.deltas if d[0] == ON_HAND and d[1] == location)
    claimed = sum(d[3] for d in fact.deltas if d[0] in {RESERVED, ALLOCATED} and d[1] == location)
    source = fact.cause.source or "its source"
    if claimed > 0 and not shelf:
        return Blame(
            "allocated_without_stock",
            f"{said}; an allocation is a fact of the floor and never refused",
            f"Let {source} allocate what was reserved before: a reservation is refused where there "
            "is no stock.",
        )
    if fact.kind in {"StockShipped", "TransferDispatched"} and "on_hand_negative" in fact.flags:
        return Blame(
            "missing_receipt",
            f"{said}; more left the shelf than was ever received or counted there",
            f"Find the receipt that was not told, or count the shelf at {location}.",
        )
    if fact.kind == "StockShipped":
        return Blame(
            "shipped_without_promise",
            f"{said}; the shipment took units that were promised to others",
            f"Let {source} name the order line, reservation or allocation that each shipment "
            "serves, and reserve before shipping.",
        )
    if fact.kind == "TransferDispatched":
        return Blame(
            "sent_away",
            f"{said}; the transfer took units that were promised",
            f"Let transfers from {location} leave what is promised there: ask for its ATP first.",
        )
    missing = -(atp_before + atp_delta(fact, location))
    return Blame(
        "stock_shrank",
        f"{said}; the shelf held less than the books, and the rest was promised already",
        f"A safety stock of {units(missing)} at {location} would have covered it; counting more "
        "often finds such differences while they are small.",
    )
