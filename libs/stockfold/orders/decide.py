"""Deciding orders: what came in becomes facts, and what they leave to do becomes more of them.

The order is driven to what it wants of the ledger (``wanted``), from wherever it stands: an order
told again, an edit, a cancellation and a late answer all take the same path. All-or-nothing orders
reserve one SKU after the other, in SKU order, and give back what they got as soon as one fails:
whoever has the first contested SKU meets no rival behind it, so orders that want the same things
cannot starve each other for ever. Attempts are bounded.
"""

from __future__ import annotations

import msgspec

from stockfold.domain.errors import DefectError
from stockfold.domain.times import SECOND_US
from stockfold.orders.aftermath import cases, floor
from stockfold.orders.evolve import evolve
from stockfold.orders.facts import (
    Answered,
    CaseAction,
    CaseChanged,
    Fact,
    Given,
    Moved,
    OrderSuspended,
    OrderTold,
    Reviewed,
    Tick,
    Unanswered,
    Weighed,
)
from stockfold.orders.lifecycle import (
    COMPENSATING,
    NEW,
    RESERVING,
    RETRYING,
    SUSPENDED,
    WAITING,
    check_move,
)
from stockfold.orders.reserving import give_back, reductions, reserve
from stockfold.orders.rules import Rules
from stockfold.orders.state import OrderState
from stockfold.orders.wanted import goal, goal_of, missing, resting_state
from stockfold.orders.words import Order

STEPS_MAX = 100_000
"""Facts of one decision: more is a defect, such as a circle."""
SILENCES_MAX = 10
_PAUSE_S_MAX = 60.0


def decide_and_fold(state: OrderState, given: Given, now_us: int, rules: Rules) -> list[Fact]:
    """The facts of an input, folded. Repeats and older revisions give none.

    DefectError when the order would leave its life cycle; then the state is not to be used.
    """
    facts = _taken(state, given, now_us, rules)
    for fact in facts:
        _fold(state, fact, now_us)
    while more := _next(state, now_us, rules):
        for fact in more:
            _fold(state, fact, now_us)
        facts += more
        if len(facts) > STEPS_MAX:
            raise DefectError(
                f"order {state.key} is decided in a circle",
                where=f"state {state.status}",
                remedy="Report it with the order's journal.",
            )
    return facts


def _fold(state: OrderState, fact: Fact, now_us: int) -> None:
    if isinstance(fact, Moved):
        check_move(state.status, fact.target, fact.reason)
    evolve(state, fact, now_us)


# --- what came in -----------------------------------------------------------------------------


def _taken(state: OrderState, given: Given, now_us: int, rules: Rules) -> list[Fact]:
    match given:
        case OrderTold():
            return _told(state, given, now_us, rules)
        case OrderSuspended():
            if given.revision <= max(state.suspended_body[0], _revision(state)):
                return []
            facts: list[Fact] = [given]
            if state.status == NEW:
                facts.append(Moved(SUSPENDED, "mapping_missing"))
            return facts
        case Reviewed():
            known = (bool(state.refused), state.refused_us)
            stale = given.at_us <= state.refused_us or known == (given.refused, given.at_us)
            return [] if stale else [given]
        case Answered():
            demand = state.demand(given.ledger_line, given.sku)
            return [given] if demand and given.ledger_seq > demand.ledger_seq else []
        case CaseAction():
            return _acted(state, given)
        case Tick():
            return []


def _revision(state: OrderState) -> int:
    return -1 if state.order is None else state.order.revision


def _told(state: OrderState, given: OrderTold, now_us: int, rules: Rules) -> list[Fact]:
    order, before = given.order, state.order
    if order.revision <= _revision(state) or order.revision < state.suspended_body[0]:
        return []
    order = frozen(order, before)
    aim = goal_of(order)
    if aim == "hold" and order.hold_until_us:
        expires_us = order.hold_until_us
    elif before is not None and goal_of(before) == aim and state.expires_us >= now_us:
        expires_us = state.expires_us
    elif aim == "hold":
        ttl_s = order.terms.ttl_s or rules.hold_s
        expires_us = now_us + ttl_s * SECOND_US
    else:
        ttl_s = order.terms.ttl_s or 0
        expires_us = now_us + ttl_s * SECOND_US if ttl_s else 0
    return [OrderTold(order, expires_us)]


def frozen(order: Order, before: Order | None) -> Order:
    """The order with the bills of materials that its lines had when they were first told."""
    if before is None:
        return order
    known = {line.line: line for line in before.lines}
    lines = tuple(
        msgspec.structs.replace(line, parts=old.parts, bill=old.bill)
        if (old := known.get(line.line)) is not None and old.sku == line.sku
        else line
        for line in order.lines
    )
    return msgspec.structs.replace(order, lines=lines)


def _acted(state: OrderState, given: CaseAction) -> list[Fact]:
    case = state.cases.get(given.case)
    if case is None or case.state == "closed":
        return []
    closed = "closed" if given.action == "close" else case.state
    owner = given.owner if given.action == "assign" and given.owner else case.owner
    if (closed, owner, given.reason) == (case.state, case.owner, case.reason):
        return []
    return [CaseChanged(given.case, closed, owner, case.missing, given.reason, given.by)]


# --- what is left to do -----------------------------------------------------------------------


def _next(state: OrderState, now_us: int, rules: Rules) -> list[Fact]:
    if state.order is None or state.status == SUSPENDED:
        return []
    if state.status == RESERVING:
        return _reserving(state, now_us, rules)
    if state.status == COMPENSATING:
        return _compensating(state, now_us, rules)
    if state.status == RETRYING:
        return _retrying(state, now_us, rules)
    return _resting(state, now_us, rules)


def _answer_due(now_us: int, rules: Rules) -> int:
    return now_us + rules.answer_s * SECOND_US


def _resting(state: OrderState, now_us: int, rules: Rules) -> list[Fact]:
    if state.is_pending:
        return [Unanswered()] if now_us >= due_us(state, rules) else []
    less = reductions(state)
    if less:
        return less
    if state.fresh:
        if goal(state) in ("reserve", "hold") and (missing(state) or _other_expiry(state)):
            return [Moved(RESERVING, "told", _answer_due(now_us, rules))]
        return [Weighed()]
    told = floor(state, rules)
    if told:
        return told
    rest = resting_state(state)
    if rest != state.status:
        return [Moved(rest, "nothing_asked" if state.status == NEW else "changed")]
    return cases(state, rules)


def _other_expiry(state: OrderState) -> bool:
    return any(demand.soft and demand.expires_us != state.expires_us for demand in state.demands)


def _reserving(state: OrderState, now_us: int, rules: Rules) -> list[Fact]:
    if goal(state) not in ("reserve", "hold"):
        return [Moved(COMPENSATING, "withdrawn", _answer_due(now_us, rules))]
    if state.is_pending:
        if now_us >= state.due_us:
            return [Moved(COMPENSATING, "no_answer", _answer_due(now_us, rules))]
        return []
    less = reductions(state)
    if less:
        return less
    asked = reserve(state, now_us, rules)
    if asked is None:
        # What was held too briefly for a slow ledger has not been refused.
        lapsed = any(d.lapsed for d in state.demands if d.attempt == state.attempt)
        reason = "no_answer" if lapsed else "line_failed"
        return [Moved(COMPENSATING, reason, _answer_due(now_us, rules))]
    return asked or [Moved(resting_state(state), "complete")]


def _compensating(state: OrderState, now_us: int, rules: Rules) -> list[Fact]:
    back = give_back(state)
    if back:
        return back
    if state.is_pending:
        return [Unanswered()] if now_us >= state.due_us else []
    aim = goal(state)
    refusals = state.rounds - state.silences
    again = state.silences < SILENCES_MAX if state.gave_up else refusals < rules.attempts_max
    if aim in ("reserve", "hold") and (again or state.fresh):
        reason = "no_answer" if state.gave_up else "given_back"
        return [Moved(RETRYING, reason, now_us + _pause_us(state, rules))]
    return [Moved(resting_state(state), "given_up")]


def _pause_us(state: OrderState, rules: Rules) -> int:
    """Doubling, and spread by the order's own name so that rivals do not meet again in step."""
    spread = sum(state.key.encode()) % 64 / 64
    pause_s = rules.retry_s * 2 ** min(state.rounds - 1, 10) * (1 + spread)
    return int(min(pause_s, _PAUSE_S_MAX) * SECOND_US)


def _retrying(state: OrderState, now_us: int, rules: Rules) -> list[Fact]:
    if goal(state) not in ("reserve", "hold"):
        return [Moved(resting_state(state), "withdrawn")]
    if state.fresh:
        return [Moved(RESERVING, "told", _answer_due(now_us, rules))]
    if now_us >= state.due_us:
        return [Moved(RESERVING, "retry", _answer_due(now_us, rules))]
    return []


def due_us(state: OrderState, rules: Rules) -> int:
    """When the order wants to be looked at without being told anything; 0 for never."""
    if state.status in WAITING:
        return state.due_us
    return _answer_due(state.asked_us, rules) if state.is_pending else 0
