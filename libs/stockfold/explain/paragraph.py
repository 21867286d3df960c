"""One paragraph about a SKU that a support agent can send as it is."""

from __future__ import annotations

from collections.abc import Iterable

from stockfold.availability.words import units
from stockfold.explain.describe import describe
from stockfold.explain.entry import History
from stockfold.explain.troubles import Trouble
from stockfold.explain.words import day, listed, moment, order_line
from stockfold.ledger.accounts import (
    ALLOCATED,
    DAMAGED,
    IN_TRANSIT,
    ON_HAND,
    QUALITY_HOLD,
    RESERVED,
)
from stockfold.ledger.entities import Line
from stockfold.ledger.facts import Fact
from stockfold.ledger.state import SkuState

NAMED_MAX = 3
"""Orders, places and deliveries that are named; the rest is summed up."""
TROUBLES_MAX = 5


def paragraph(
    state: SkuState, history: History, troubles: list[Trouble], location: str | None
) -> str:
    """What is on hand, promised to whom, expected, why that leaves what may be promised, what
    changed last and what is wrong. Plain sentences.
    """
    places = [location] if location is not None else sorted(state.locations)
    sentences = [
        _on_hand(state, places, location),
        _elsewhere(state, places),
        _promised(state, places, location),
        _atp(state, places, location),
        _expected(state, location),
        _last(history, location),
        _wrong(troubles),
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _are(number: int) -> str:
    return "is" if number in (1, -1) else "are"


def _total(state: SkuState, places: list[str], account: int) -> int:
    return sum(state.number(place, account) for place in places)


def _named(parts: list[tuple[int, str]], rest: str) -> str:
    """The largest parts by name and the others summed up: ``3 at A and 2 at B``."""
    ordered = sorted(parts, key=lambda part: (-abs(part[0]), part[1]))
    # Naming one more is shorter than saying that there is one more.
    shown = NAMED_MAX if len(ordered) > NAMED_MAX + 1 else len(ordered)
    named = [f"{number} {name}" for number, name in ordered[:shown]]
    others = ordered[shown:]
    if others:
        named.append(f"{sum(number for number, _ in others)} {rest.format(len(others))}")
    return listed(named)


def _on_hand(state: SkuState, places: list[str], location: str | None) -> str:
    total = _total(state, places, ON_HAND)
    if location is not None:
        return f"SKU {state.sku} at {location}: {units(total)} {_are(total)} on hand."
    parts = [(n, f"at {p}") for p in places if (n := state.number(p, ON_HAND))]
    where = f" ({_named(parts, 'at {} other locations')})" if len(parts) > 1 else ""
    if len(parts) == 1:
        where = f" {parts[0][1]}"
    return f"SKU {state.sku}: {units(total)} {_are(total)} on hand{where}."


def _elsewhere(state: SkuState, places: list[str]) -> str:
    parts = []
    for account, one, many in (
        (QUALITY_HOLD, "waits for inspection", "wait for inspection"),
        (DAMAGED, "is damaged", "are damaged"),
        (IN_TRANSIT, "is on its way from another location", "are on their way between locations"),
    ):
        number = _total(state, places, account)
        if number > 0:
            parts.append(f"{number} {one if number == 1 else many}")
    return f"Not for sale: {listed(parts)}." if parts else ""


def _claims(line: Line, location: str | None) -> int:
    reserved = sum(held for place, held in line.reserved if location in {None, place})
    return reserved + sum(a.open for a in line.allocations if location in {None, a.location})


def _whose(lines: Iterable[tuple[int, Line]]) -> list[tuple[int, str]]:
    return [
        (
            held,
            f"to {order_line(line.order, line.line)}"
            + (f" ({line.channel})" if line.channel else ""),
        )
        for held, line in lines
    ]


def _promised(state: SkuState, places: list[str], location: str | None) -> str:
    total = _total(state, places, RESERVED) + _total(state, places, ALLOCATED)
    held = [(n, line) for line in state.lines.values() if (n := _claims(line, location))]
    told = []
    if total:
        whose = _named(_whose(held), "to {} other order lines")
        told.append(f"{total} {_are(total)} promised: {whose}." if whose else "")
    else:
        told.append("Nothing is promised to anyone.")
    waiting = [(line.backordered, line) for line in state.lines.values() if line.backordered]
    if waiting and location is None:
        units_waiting = sum(number for number, _ in waiting)
        whose = _named(_whose(waiting), "to {} other order lines")
        wait = "waits for stock as a backorder" if units_waiting == 1 else "wait as backorders"
        told.append(f"{units_waiting} more {wait}: {whose}.")
    return " ".join(filter(None, told))


def _atp(state: SkuState, places: list[str], location: str | None) -> str:
    on_hand = _total(state, places, ON_HAND)
    claims = _total(state, places, RESERVED) + _total(state, places, ALLOCATED)
    if location is not None:
        atp, deficit = state.atp(location), 0
    else:
        atp, deficit = state.pool(), state.deficit()
    sum_told = f"{on_hand} on hand less {claims} promised"
    if location is not None and atp < 0:
        return f"So nothing can be promised from {location} now: {sum_told} leaves {atp}."
    because = f": {sum_told}" if claims and not deficit else ""
    if deficit:
        short = [(-a, f"at {p}") for p in places if (a := state.atp(p)) < 0]
        because = f"; {_named(short, 'at {} other locations')} {_are(deficit)} missing"
        if atp:
            because += ", which takes nothing from other locations"
    if not atp:
        return f"So nothing can be promised now{because}."
    return f"So {units(atp)} can be promised now{because}."


def _expected(state: SkuState, location: str | None) -> str:
    rows = [
        (number, f"at {place}{f' on {day(eta_us)}' if eta_us is not None else ''} ({inbound})")
        for place, expected in state.expected.items()
        if location in {None, place}
        for inbound, _, number, eta_us, _ in expected
    ]
    if not rows:
        return "No delivery is announced."
    total = sum(number for number, _ in rows)
    return f"{units(total)} {_are(total)} expected: {_named(rows, 'with {} other deliveries')}."


def _touches(fact: Fact, location: str | None) -> bool:
    if fact.kind == "EntitiesForgotten":
        return False
    if location is None or any(delta[1] == location for delta in fact.deltas):
        return True
    inbound = fact.change.inbound if fact.change is not None else None
    return inbound is not None and any(line.location == location for line in inbound.lines)


def _last(history: History, location: str | None) -> str:
    for entry in reversed(history):
        fact = entry.fact
        if _touches(fact, location):
            by = f", told by {fact.cause.source}" if fact.cause.source else ""
            return f"The last change was on {moment(fact.recorded_us)}: {describe(fact)}{by}."
    return ""


def _wrong(troubles: list[Trouble]) -> str:
    if not troubles:
        return "Nothing is wrong with it."
    told = [trouble.sentence for trouble in troubles[:TROUBLES_MAX]]
    more = len(troubles) - len(told)
    if more:
        told.append(f"{more} more such findings")
    return f"Something is wrong: {'; '.join(told)}."
