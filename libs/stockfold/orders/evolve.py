"""Folding the order journal: total, without a clock, and never refusing."""

from __future__ import annotations

from typing import assert_never

import msgspec

from stockfold.orders.facts import (
    Answered,
    Asked,
    Cancelled,
    CaseChanged,
    CaseOpened,
    Extended,
    Fact,
    Forgotten,
    Moved,
    OrderSuspended,
    OrderTold,
    Released,
    ReturnAgreed,
    Returned,
    Reviewed,
    Shipped,
    Unanswered,
    Weighed,
)
from stockfold.orders.lifecycle import COMPENSATING, NEW, RESERVING, SUSPENDED, WAITING
from stockfold.orders.state import Case, Command, Demand, OrderState
from stockfold.orders.words import Order


def command_id(state: OrderState, seq: int) -> str:
    """The event id of the command that a fact of this number asks."""
    return f"{state.ledger_order}/{seq}"


_COMMANDS = (Asked, Extended, Released, Cancelled, Shipped)
"""Facts that the ledger answers."""


def evolve(state: OrderState, fact: Fact, recorded_us: int) -> None:
    """Fold one fact."""
    state.seq, state.at_us = state.seq + 1, recorded_us
    if isinstance(fact, _COMMANDS):
        state.asked_us = recorded_us
    match fact:
        case OrderTold():
            _tell(state, fact)
        case OrderSuspended():
            state.suspended = fact.missing
            state.suspended_body = (fact.revision, fact.body)
        case Reviewed():
            _review(state, fact)
        case Asked():
            _ask(state, fact)
        case Extended():
            demand = _demand(state, fact.ledger_line, fact.sku)
            demand.expires_us = fact.expires_us
            demand.attempt = state.attempt
            _wait(state, demand, "ExtendReservation")
        case Released():
            demand = _demand(state, fact.ledger_line, fact.sku)
            demand.given_back = state.attempt
            _wait(state, demand, "ReleaseReservation", fact.units)
        case Cancelled():
            demand = _demand(state, fact.ledger_line, fact.sku)
            demand.final = True
            _wait(state, demand, "OrderLineCancelled", None)
        case Shipped():
            demand = _demand(state, fact.ledger_line, fact.sku)
            demand.ship_told = max(demand.ship_told, demand.shipped) + fact.units
            demand.home = fact.location
            _wait(state, demand, "StockShipped")
        case Returned():
            _demand(state, fact.ledger_line, fact.sku).returned += fact.units
        case ReturnAgreed():
            state.authorised.add(f"{fact.name}/{fact.ledger_line}/{fact.sku}")
        case Answered():
            _answer(state, fact)
        case Unanswered():
            for demand in state.demands:
                _wait_no_longer(demand)
        case Weighed() | Forgotten():  # Whoever holds the orders lets a forgotten one go.
            state.fresh = False
        case Moved():
            _move(state, fact)
        case CaseOpened():
            _open_case(state, fact, recorded_us)
        case CaseChanged():
            _change_case(state, fact, recorded_us)
        case _:
            assert_never(fact)


def _demand(state: OrderState, ledger_line: str, sku: str) -> Demand:
    demand = state.demand(ledger_line, sku)
    assert demand is not None, "a demand is asked before anything else happens to it"
    return demand


def _wait(state: OrderState, demand: Demand, kind: str, gives_back: int | None = 0) -> None:
    demand.pending[command_id(state, state.seq)] = Command(kind, gives_back)


def _wait_no_longer(demand: Demand) -> None:
    """What is asked of the ledger from now on, it hears behind what it was asked before."""
    demand.overdue |= demand.pending
    demand.pending = {}
    for command in demand.overdue.values():
        _give_back(demand, command)


def _give_back(demand: Demand, command: Command) -> None:
    """Count units as given back although the ledger has not said so yet."""
    if command.gives_back is None:
        demand.reserved = demand.backordered = 0
        if command.kind == "OrderLineCancelled":
            demand.allocated = 0
        return
    waits = min(command.gives_back, demand.backordered)
    demand.backordered -= waits
    demand.reserved = max(demand.reserved - (command.gives_back - waits), 0)


def _hear(commands: dict[str, Command], event_id: str) -> dict[str, Command]:
    """What is left to be answered: an answer to one command tells that all before it were heard."""
    names = list(commands)
    return {name: commands[name] for name in names[names.index(event_id) + 1 :]}


def _tell(state: OrderState, fact: OrderTold) -> None:
    before, order = state.order, fact.order
    same = before is not None and _content(before) == _content(order)
    state.order = order
    state.suspended = ""
    state.suspended_body = (-1, "")
    if not same:
        state.expires_us = fact.expires_us
        state.fresh = True
        state.rounds = state.silences = 0
    if state.status == SUSPENDED:
        state.status = NEW


def _content(order: Order) -> Order:
    return msgspec.structs.replace(order, revision=0)


def _ask(state: OrderState, fact: Asked) -> None:
    demand = state.demand(fact.ledger_line, fact.sku)
    if demand is None:
        demand = Demand(fact.line, fact.sku, fact.ledger_line)
        state.add(demand)
    demand.reservation = fact.reservation
    demand.asked = fact.units
    demand.expires_us = fact.expires_us
    demand.attempt = state.attempt
    demand.kept = 0
    demand.lapsed = False
    demand.reason = ""
    state.asks += 1
    _wait(state, demand, "ReserveStock")


def _answer(state: OrderState, fact: Answered) -> None:
    demand = state.demand(fact.ledger_line, fact.sku)
    if demand is None:
        return
    if fact.event_id in demand.overdue:
        demand.overdue = _hear(demand.overdue, fact.event_id)
    elif fact.event_id in demand.pending:
        demand.overdue = {}
        demand.pending = _hear(demand.pending, fact.event_id)
    demand.ledger_seq = fact.ledger_seq
    demand.reserved = fact.reserved
    demand.allocated = fact.allocated
    demand.backordered = fact.backordered
    demand.shipped = fact.shipped
    for command in demand.overdue.values():
        _give_back(demand, command)
    demand.places = fact.places
    if fact.places:
        demand.home = fact.places[0][0]
    if fact.status == "expired":
        demand.lapsed = True
    if fact.reason:
        demand.reason = fact.reason


def _move(state: OrderState, fact: Moved) -> None:
    state.status = fact.target
    state.reason = fact.reason
    state.due_us = fact.due_us
    if fact.target == RESERVING:
        state.attempt += 1
        state.rounds += 1
        state.fresh = False
    elif fact.target == COMPENSATING:
        state.gave_up = fact.reason == "no_answer"
        state.silences += state.gave_up
    elif fact.target not in WAITING:
        state.silences = 0
        for demand in state.demands:
            demand.kept = demand.soft


def _review(state: OrderState, fact: Reviewed) -> None:
    state.refused = (fact.reason or "refused") if fact.refused else ""
    state.refused_us = fact.at_us
    state.fresh = True


def _open_case(state: OrderState, fact: CaseOpened, at_us: int) -> None:
    state.cases[fact.case] = Case(
        fact.case,
        fact.line,
        fact.sku,
        fact.missing,
        fact.reason,
        fact.owner,
        "open",
        "orders",
        at_us,
        at_us,
    )


def _change_case(state: OrderState, fact: CaseChanged, recorded_us: int) -> None:
    case = state.cases[fact.case]
    case.state, case.owner, case.missing = fact.state, fact.owner, fact.missing
    case.reason, case.by, case.changed_us = fact.reason, fact.by, recorded_us
