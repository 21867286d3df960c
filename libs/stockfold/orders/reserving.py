"""Asking the ledger for what is missing, and giving back what is too much."""

from __future__ import annotations

from stockfold.domain.times import SECOND_US
from stockfold.orders.facts import Asked, Cancelled, Extended, Fact, Released
from stockfold.orders.rules import Rules
from stockfold.orders.state import Demand, OrderState
from stockfold.orders.wanted import Key, goal, missing, targets

_OF_ANOTHER = "line_reserved_by_another"
"""Why the ledger refuses to reserve a line whose units another reservation holds already."""


def reserve(state: OrderState, now_us: int, rules: Rules) -> list[Fact] | None:
    """What to ask next; nothing when the attempt is done, None when it has failed.

    An order that must be reserved whole asks one SKU at a time, all lines that need it together,
    and holds them for a short time until the last is there.
    """
    order = state.order
    assert order is not None
    lacking = missing(state)
    whole = not order.terms.allow_partial
    tried = {(d.line, d.sku) for d in state.demands if d.attempt == state.attempt}
    if whole:
        if any(key in tried for key in lacking):
            return None
        skus = sorted({sku for _, sku in lacking})
        lacking = {key: units for key, units in lacking.items() if key[1] == skus[0]}
        short = len(skus) > 1 or any(_is_new(state, d) and d.soft for d in state.demands)
    else:
        lacking = {key: units for key, units in lacking.items() if key not in tried}
        short = False
    if lacking:
        expires_us = state.expires_us
        if short:
            brief_us = now_us + rules.answer_s * SECOND_US
            expires_us = min(brief_us, expires_us) if expires_us else brief_us
        return [
            _ask(state, key, units, expires_us, number)
            for number, (key, units) in enumerate(lacking.items(), 1)
        ]
    return [
        Extended(demand.sku, demand.ledger_line, demand.reservation, state.expires_us)
        for demand in state.demands
        if demand.soft
        and demand.expires_us != state.expires_us
        and demand.reason != _OF_ANOTHER  # A checkout's, say, which has a time of its own.
    ]


def _is_new(state: OrderState, demand: Demand) -> bool:
    return demand.attempt == state.attempt


def _ask(state: OrderState, key: Key, units: int, expires_us: int, number: int) -> Asked:
    """Ask on the line's last ledger line when nothing is open there, or else on a new one."""
    line, sku = key
    known = state.of(line, sku)
    last = known[-1] if known else None
    reservation = f"{state.ledger_order}/{line}/{state.asks + number}"
    if last is not None and not last.final and not last.open:
        units += last.shipped
        return Asked(line, sku, last.ledger_line, reservation, units, expires_us)
    ledger_line = line if last is None else f"{line}~{len(known) + 1}"
    return Asked(line, sku, ledger_line, reservation, units, expires_us)


def reductions(state: OrderState) -> list[Fact]:
    """What gives back units that are wanted no longer; the newest demand of a line goes first.

    A line of which nothing more is wanted is cancelled, which is final and frees allocations too;
    if it is wanted again, it gets another ledger line.
    """
    wanted = targets(state)
    gone: list[Fact] = []
    for key, units in wanted.items():
        demands = state.of(*key)
        shipped = sum(demand.shipped for demand in demands)
        excess = sum(demand.covers for demand in demands) - units
        if goal(state) == "nothing" or units <= shipped:
            gone += [
                Cancelled(demand.sku, demand.ledger_line)
                for demand in demands
                if not demand.final and (demand.open or (not units and not demand.shipped))
            ]
            continue
        for demand in reversed(demands):
            given = min(excess, demand.soft)
            if given > 0:
                gone.append(Released(demand.sku, demand.ledger_line, demand.reservation, given))
                excess -= given
    return gone


def give_back(state: OrderState) -> list[Fact]:
    """What undoes the asking of this attempt, once for each demand."""
    return [
        Released(
            demand.sku,
            demand.ledger_line,
            demand.reservation,
            demand.soft - demand.kept if demand.kept else None,
        )
        for demand in state.demands
        if demand.attempt == state.attempt
        and demand.given_back != state.attempt
        and not demand.final
        and (
            demand.soft > demand.kept
            or any(command.kind == "ReserveStock" for command in demand.pending.values())
        )
    ]
