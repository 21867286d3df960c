"""Physical facts: never refused, they have happened. Movements between accounts that sum to zero.

A movement of a counted bucket that occurred at or before the bucket's last count is in the count
already: the fact carries the opposite correction against ``adjustment`` (ruling 16).
"""

from __future__ import annotations

from stockfold.ledger.accounts import (
    ADJUSTMENT,
    ALLOCATED,
    CODES,
    COUNTED_BELOW,
    CUSTOMER,
    NAMES,
    ON_HAND,
    QUALITY_HOLD,
    STRIDE,
    Delta,
)
from stockfold.ledger.entities import Change, Return, copied
from stockfold.ledger.facts import Fact, Input
from stockfold.ledger.state import SkuState


def physical_fact(
    state: SkuState,
    given: Input,
    deltas: list[Delta],
    change: Change | None = None,
    flags: tuple[str, ...] = (),
) -> Fact:
    """The fact of a movement, with count corrections and the findings it causes."""
    if state.counts:
        corrections = _already_counted(state, given.occurred_us, deltas)
        if corrections:
            deltas = deltas + corrections
            flags = (*flags, "in_count")
    return Fact(given.type, deltas, change, flags + crossings(state, deltas))


def _already_counted(state: SkuState, occurred_us: int, deltas: list[Delta]) -> list[Delta]:
    corrections: list[Delta] = []
    for account, location, _, units in deltas:
        if account < COUNTED_BELOW:
            as_of_us = state.counts.get((location, account))
            if as_of_us is not None and occurred_us <= as_of_us:
                corrections.append((account, location, "", -units))
                corrections.append((ADJUSTMENT, "", "", units))
    return corrections


def crossings(state: SkuState, deltas: list[Delta]) -> tuple[str, ...]:
    """Findings when a shelf falls below zero or below what is allocated on it.

    Only the crossing is flagged, not every fact after it. Negative on_hand means a receipt is
    missing; allocated > on_hand means oversold: different findings.
    """
    risky = []
    for delta in deltas:
        account, _, _, units = delta
        if units < 0:
            if account < COUNTED_BELOW:
                risky.append(delta)
        elif account == ALLOCATED and units:
            risky.append(delta)
    if not risky:
        return ()
    flags: tuple[str, ...] = ()
    for account, location, _, units in risky:
        if account in (ON_HAND, ALLOCATED):
            try:
                at = state.locations.index(location) * STRIDE
            except ValueError:
                before = allocated = 0
            else:
                before, allocated = state.book[at], state.book[at + ALLOCATED]
            if len(risky) == 1 and before - allocated >= abs(units):
                break  # As nearly always: the shelf has more than is asked of it.
            after, allocated_after = before, allocated
            for moved, place, _, of_it in deltas:
                if place == location:
                    if moved == ON_HAND:
                        after += of_it
                    elif moved == ALLOCATED:
                        allocated_after += of_it
            if after < 0 <= before and "on_hand_negative" not in flags:
                flags = (*flags, "on_hand_negative")
            crossed = allocated_after > max(after, 0) and allocated <= max(before, 0)
            if crossed and "oversold" not in flags:
                flags = (*flags, "oversold")
        else:
            before = state.number(location, account)
            moved_units = sum(d[3] for d in deltas if d[0] == account and d[1] == location)
            if before + moved_units < 0 <= before:
                flags = (*flags, f"{NAMES[account]}_negative")
    return flags


def stock_adjusted(state: SkuState, given: Input) -> Fact:
    """A bucket against the adjustment account (ruling 29)."""
    body = given.body
    delta = body["delta"]
    return physical_fact(
        state,
        given,
        [(CODES[body["bucket"]], body["location"], "", delta), (ADJUSTMENT, "", "", -delta)],
        Change(note={"reason": body["reason"]}),
    )


def stock_status_changed(state: SkuState, given: Input) -> Fact:
    """Between buckets of one location, or out as scrapped or lost (ruling 28)."""
    body = given.body
    units = body["quantity"]
    target = CODES[body["to"]]
    place = body["location"] if target < COUNTED_BELOW else ""
    deltas = [(CODES[body["from"]], body["location"], "", -units), (target, place, "", units)]
    return physical_fact(state, given, deltas)


def _return(state: SkuState, name: str) -> Return:
    known = state.returns.get(name)
    return copied(known) if known is not None else Return(name)


def return_authorized(state: SkuState, given: Input) -> Fact:
    """Informative: moves nothing."""
    returned = _return(state, given.body["return"])
    returned.authorized += given.body["quantity"]
    return Fact(given.type, [], Change(returned=returned))


def return_received(state: SkuState, given: Input) -> Fact:
    """From customer to quality_hold unless a condition is given; at any location."""
    body = given.body
    units = body["quantity"]
    bucket = CODES[body["condition"]] if body["condition"] is not None else QUALITY_HOLD
    returned = _return(state, body["return"])
    returned.received += units
    flags: tuple[str, ...] = ()
    if body["order"] is not None and body["line"] is not None:
        line = state.lines.get((body["order"], body["line"]))
        if returned.received > (line.shipped if line is not None else 0):
            flags = ("return_over_shipped",)
    deltas = [(bucket, body["location"], "", units), (CUSTOMER, "", "", -units)]
    return physical_fact(state, given, deltas, Change(returned=returned), flags)


def return_dispositioned(state: SkuState, given: Input) -> Fact:
    """From quality_hold to on_hand, damaged or scrapped; at once, even before its return."""
    body = given.body
    units = body["quantity"]
    target = CODES[body["to"]]
    place = body["location"] if target < COUNTED_BELOW else ""
    returned = _return(state, body["return"])
    returned.dispositioned += units
    deltas = [(QUALITY_HOLD, body["location"], "", -units), (target, place, "", units)]
    return physical_fact(state, given, deltas, Change(returned=returned))
