"""decide: one input against the state of its SKU gives facts, or a refusal.

The order of one decision (ruling 34): due expiries, the input's own fact, commands that waited for
it, backorders that can now be served, expiries again. Each fact is folded before the next is
decided, so ``decide_and_fold`` returns with the state as it is after all of them.
"""

from __future__ import annotations

from collections.abc import Callable

from stockfold.ledger import (
    allocations,
    counts,
    fences,
    inbound,
    physical,
    reservations,
    shipments,
    transfers,
)
from stockfold.ledger.entities import Parked
from stockfold.ledger.evolve import evolve
from stockfold.ledger.facts import TIMER, Fact, Input, Refusal, Refused
from stockfold.ledger.state import SkuState
from stockfold.ledger.upkeep import (
    backorders_in_order,
    confirm_backorder,
    due_lines,
    expire,
    next_expiry_us,
)

Decide = Callable[[SkuState, Input], Fact]

DECISIONS: dict[str, Decide] = {
    "InboundExpected": inbound.inbound_expected,
    "InboundClosed": inbound.inbound_closed,
    "GoodsReceived": inbound.goods_received,
    "TransferDispatched": transfers.transfer_dispatched,
    "TransferReceived": transfers.transfer_received,
    "TransferClosed": transfers.transfer_closed,
    "ReturnAuthorized": physical.return_authorized,
    "ReturnReceived": physical.return_received,
    "ReturnDispositioned": physical.return_dispositioned,
    "StockAdjusted": physical.stock_adjusted,
    "StockStatusChanged": physical.stock_status_changed,
    "ReserveStock": reservations.reserve_stock,
    "ExtendReservation": reservations.extend_reservation,
    "MoveReservation": reservations.move_reservation,
    "ReleaseReservation": reservations.release_reservation,
    "RingFenceSet": fences.ring_fence_set,
    "BackorderLimitSet": fences.backorder_limit_set,
    "StockAllocated": allocations.stock_allocated,
    "StockDeallocated": allocations.stock_deallocated,
    "StockShipped": shipments.stock_shipped,
    "OrderLineCancelled": allocations.order_line_cancelled,
}
FIGURES: dict[str, Callable[[SkuState, Input, int], Fact]] = {
    "StockCounted": counts.stock_counted,
    "StockSnapshotReported": counts.stock_snapshot_reported,
}
"""Decisions that compare a time with the ledger's own."""


def decide(state: SkuState, given: Input, now_us: int) -> Fact:
    """The input's own fact. Pure: neither the state nor the input is changed. Raises Refused."""
    decision = DECISIONS.get(given.type)
    if decision is not None:
        return decision(state, given)
    return FIGURES[given.type](state, given, now_us)


def decide_and_fold(
    state: SkuState, given: Input, now_us: int
) -> tuple[list[Fact], Refusal | None]:
    """Every fact of one decision, folded; and why the input itself was refused, if it was."""
    facts: list[Fact] = []
    if state.next_expiry_us and state.next_expiry_us <= now_us:
        expire_due(state, now_us, facts)
    refusal = None
    if given.occurred_us > now_us:
        given.occurred_us = now_us  # Ruling 17: nothing has happened later than now.
        late: tuple[str, ...] = ("occurred_in_future",)
    else:
        late = ()
    try:
        fact = decide(state, given, now_us)
        if late:
            fact.flags += late
        record(state, fact, given, now_us, facts)
        change = fact.change
        if state.parked and change is not None and change.line is not None:
            _unpark(state, change.line.reservation, given, now_us, facts)
    except Refused as error:
        refusal = Refusal(error.kind, error.reason, error.remedy)
    if state.waiting and facts:
        serve_backorders(state, given if refusal is None else TIMER, now_us, facts)
    if state.next_expiry_us and state.next_expiry_us <= now_us:
        expire_due(state, now_us, facts)
        if state.waiting:
            serve_backorders(state, TIMER, now_us, facts)
    return facts, refusal


def record(state: SkuState, fact: Fact, cause: Input, now_us: int, facts: list[Fact]) -> None:
    """Number a fact, fold it, and add it to the decision."""
    fact.seq = state.seq + 1
    fact.cause = cause
    fact.occurred_us = cause.occurred_us if cause is not TIMER else now_us
    fact.recorded_us = now_us
    evolve(state, fact)
    facts.append(fact)


def expire_due(state: SkuState, now_us: int, facts: list[Fact]) -> None:
    """Expire what is due, by the ledger's own clock, and note the next time to look."""
    for key in due_lines(state, now_us):
        record(state, expire(state.lines[key]), TIMER, now_us, facts)
    state.next_expiry_us = next_expiry_us(state)


def serve_backorders(state: SkuState, cause: Input, now_us: int, facts: list[Fact]) -> None:
    """Serve every waiting line that stock allows, in their order."""
    for key in backorders_in_order(state):
        fact = confirm_backorder(state, state.lines[key])
        if fact is not None:
            record(state, fact, cause, now_us, facts)


def tick(state: SkuState, now_us: int) -> list[Fact]:
    """What time alone brings to a SKU: expiries, and the backorders they let be served."""
    facts: list[Fact] = []
    expire_due(state, now_us, facts)
    if facts and state.waiting:
        serve_backorders(state, TIMER, now_us, facts)
    return facts


def _unpark(
    state: SkuState, reservation: str, given: Input, now_us: int, facts: list[Fact]
) -> None:
    """Decide the commands that waited for this reservation or allocation, in their order."""
    waiting = list(state.parked.get("r:" + reservation, ())) if reservation else []
    if given.type == "StockAllocated":
        waiting += state.parked.get("a:" + given.body["allocation"], ())
    for parked in waiting:
        cause = _input_of(state, parked)
        fact = decide(state, cause, now_us)
        assert fact.change is not None, "what is parked is a command, and commands answer"
        fact.change.unpark = (parked.waits_for, parked.source, parked.event_id)
        record(state, fact, cause, now_us, facts)


def _input_of(state: SkuState, parked: Parked) -> Input:
    return Input(
        parked.type,
        state.sku,
        parked.body,
        parked.source,
        parked.event_id,
        parked.occurred_us,
        parked.caused_us,
        parked.correlation_id,
        parked.topic,
        parked.partition,
        parked.offset,
        parked.schema_id,
        parked.payload_hash,
    )
