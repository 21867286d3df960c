"""What follows once an order rests: the floor hears what its channel knows, and cases are kept."""

from __future__ import annotations

from stockfold.orders.facts import CaseChanged, CaseOpened, Fact, ReturnAgreed, Returned, Shipped
from stockfold.orders.rules import Rules
from stockfold.orders.state import Demand, OrderState
from stockfold.orders.wanted import goal, missing, told_shipped, unshipped_restocked
from stockfold.orders.words import Line


def floor(state: OrderState, rules: Rules) -> list[Fact]:
    """Shipments, returns and agreed returns that the ledger has not been told of.

    Nothing of a channel whose floor speaks for itself: both would move the units twice.
    """
    order = state.order
    assert order is not None
    told: list[Fact] = []
    if state.channel not in rules.floor_ships:
        for line in order.lines:
            for sku, each in line.parts:
                told += _shipments(state, line, sku, each)
                told += _returns(state, line, sku, each)
    return told or _agreed(state)


def _shipments(state: OrderState, line: Line, sku: str, each: int) -> list[Fact]:
    demands = state.of(line.line, sku)
    known = sum(max(demand.shipped, demand.ship_told) for demand in demands)
    left = told_shipped(state, line) * each - known
    told: list[Fact] = []
    for demand in demands:
        last = demand is demands[-1]
        units = left if last else min(left, demand.open)
        if units > 0:
            told.append(Shipped(sku, demand.ledger_line, _place(state, line, demand), units))
            left -= units
    return told


def _place(state: OrderState, line: Line, demand: Demand) -> str:
    """Where units left from: the newest parcel says so, or else they left where they were held."""
    order = state.order
    assert order is not None
    named = [parcel.location for parcel in order.parcels if parcel.line == line.line]
    if named and named[-1]:
        return named[-1]
    return demand.home or (order.locations[0] if order.locations else "")


def _returns(state: OrderState, line: Line, sku: str, each: int) -> list[Fact]:
    demands = state.of(line.line, sku)
    returned = line.restocked - unshipped_restocked(state, line)
    left = returned * each - sum(demand.returned for demand in demands)
    told: list[Fact] = []
    for demand in demands:
        units = min(left, demand.shipped - demand.returned)
        if units > 0:
            told.append(Returned(sku, demand.ledger_line, demand.home, units))
            left -= units
    return told


def _agreed(state: OrderState) -> list[Fact]:
    order = state.order
    assert order is not None
    lines = {line.line: line for line in order.lines}
    told: list[Fact] = []
    for agreed in order.authorised:
        line = lines.get(agreed.line)
        for sku, each in line.parts if line is not None else ():
            demands = state.of(agreed.line, sku)
            if demands:
                name = demands[0].ledger_line
                if f"{agreed.name}/{name}/{sku}" not in state.authorised:
                    told.append(ReturnAgreed(agreed.name, sku, name, agreed.quantity * each))
    return told


def cases(state: OrderState, rules: Rules) -> list[Fact]:
    """Cases for what the channel has sold and cannot be served; closed when it can be again."""
    order = state.order
    assert order is not None
    lacking = missing(state) if order.accepted and goal(state) == "reserve" else {}
    changed: list[Fact] = []
    for case in state.cases.values():
        if case.state == "closed":
            continue
        units = lacking.pop((case.line, case.sku), 0)
        if not units:
            changed.append(CaseChanged(case.case, "closed", case.owner, 0, "served", "orders"))
        elif units != case.missing:
            changed.append(
                CaseChanged(case.case, case.state, case.owner, units, case.reason, "orders")
            )
    for case in state.cases.values():
        # Whoever closed it has settled it; the same lack opens no other.
        if case.missing == lacking.get((case.line, case.sku)):
            del lacking[case.line, case.sku]
    for (line, sku), units in lacking.items():
        name = f"{state.ledger_order}/{line}/{sku}/{len(state.cases) + len(changed) + 1}"
        changed.append(CaseOpened(name, line, sku, units, _why(state, line, sku), rules.case_owner))
    return changed


def _why(state: OrderState, line: str, sku: str) -> str:
    reasons = [demand.reason for demand in state.of(line, sku) if demand.reason]
    return reasons[-1] if reasons else "no_answer"
