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
from stockfold.ledger.documents import document_of, note_document, told_again
from stockfold.ledger.entities import Ahead, Change, Line, Parked
from stockfold.ledger.evolve import evolve
from stockfold.ledger.facts import TIMER, Fact, Input, Refusal, Refused
from stockfold.ledger.forgetting import forget_finished, report_parked
from stockfold.ledger.horizons import NOT_MOVEMENTS
from stockfold.ledger.sequences import note_number
from stockfold.ledger.state import SkuState
from stockfold.ledger.upkeep import (
    confirm_backorder,
    expire,
    next_expiry_us,
    take_due,
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
        key = document_of(given) if given.body.get("document") is not None else None
        if key is None:
            return decision(state, given)
        again = told_again(state, given, key, decision)
        if again is not None:
            return again
        fact = decision(state, given)
        note_document(state, fact, given, key)
        return fact
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
        late: tuple[str, ...] = () if given.type in NOT_MOVEMENTS else ("occurred_in_future",)
    else:
        late = ()
    try:
        if state.ahead and given.type == "ReserveStock":
            _meet_before(state, given, now_us, facts)
        fact = decide(state, given, now_us)
        if late:
            fact.flags += late
        if given.sequence is not None:
            note_number(state, fact, given)
        if given.told is not None:
            _note_unit(fact, given.told)
        record(state, fact, given, now_us, facts)
        if state.parked or state.ahead:
            _unpark(state, given, now_us, facts)
    except Refused as error:
        refusal = Refusal(error.kind, error.reason, error.remedy)
    cause = given if refusal is None else TIMER
    while True:
        if state.waiting and facts:
            serve_backorders(state, cause, now_us, facts)
        if not state.next_expiry_us or state.next_expiry_us > now_us:
            return facts, refusal
        # What is served after its time lapses at once, and frees units for those who wait behind.
        expire_due(state, now_us, facts)
        cause = TIMER


def _note_unit(fact: Fact, told: tuple[int, str]) -> None:
    """Keep the quantity as it was told beside the base units that it was converted to."""
    if fact.change is None:
        fact.change = Change()
    note = fact.change.note or {}
    fact.change.note = {**note, "told": told[0], "unit": told[1]}


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
    for key in take_due(state, now_us):
        record(state, expire(state.lines[key]), TIMER, now_us, facts)
    state.next_expiry_us = next_expiry_us(state)


def serve_backorders(state: SkuState, cause: Input, now_us: int, facts: list[Fact]) -> None:
    """Serve every waiting line that stock allows, in their order (ruling 11).

    Of a SKU that is sold out thousands may wait: where nothing is free they are not looked at.
    """
    waiting = state.waiting
    assert waiting is not None, "somebody waits"
    looked_at = []
    while state.pool() and (key := waiting.take_first()) is not None:
        looked_at.append(key)
        fact = confirm_backorder(state, state.lines[key])
        if fact is not None:
            record(state, fact, cause, now_us, facts)
    waiting.put_back(looked_at)


def tick(state: SkuState, now_us: int) -> list[Fact]:
    """What time alone brings to a SKU: expiries, and the backorders they let be served."""
    facts: list[Fact] = []
    while state.next_expiry_us and state.next_expiry_us <= now_us:
        expire_due(state, now_us, facts)
        if facts and state.waiting:
            serve_backorders(state, TIMER, now_us, facts)
    return facts


def tidy(
    state: SkuState, now_us: int, floor_us: int, parked_before_us: int, moved_before_us: int = 0
) -> list[Fact]:
    """What age brings to a SKU: forgotten entities, and commands that wait too long."""
    facts: list[Fact] = []
    for parked in report_parked(state, parked_before_us):
        record(state, parked, TIMER, now_us, facts)
    forgotten = forget_finished(state, floor_us, moved_before_us) if floor_us else None
    if forgotten is not None:
        record(state, forgotten, TIMER, now_us, facts)
    return facts


def _meet_before(state: SkuState, given: Input, now_us: int, facts: list[Fact]) -> None:
    """What was shipped against a reservation is drawn on its line before anything is asked."""
    if not reservations.opens_line(state, given):
        return
    key = (given.body["order"], given.body["line"])
    for ahead in state.shipped_ahead("", given.body["reservation"]):
        line = state.lines.get(key) or Line(*key)
        record(state, shipments.shipment_met(line, ahead), given, now_us, facts)


def _unpark(state: SkuState, given: Input, now_us: int, facts: list[Fact]) -> None:
    """What waited for this reservation or allocation, in the order in which it came."""
    waiting: list[Parked | Ahead]
    if given.type == "ReserveStock" and given.body["reservation"] in state.reservations:
        waiting = [*state.parked.get("r:" + given.body["reservation"], ())]
    elif given.type == "StockAllocated":
        name = given.body["allocation"]
        waiting = [*state.parked.get("a:" + name, ()), *state.shipped_ahead(name, "")]
        waiting.sort(key=lambda entry: entry.seq)
    else:
        return
    for entry in waiting:
        if isinstance(entry, Ahead):
            line = state.lines[state.allocations[entry.allocation]]
            record(state, shipments.shipment_met(line, entry), given, now_us, facts)
            continue
        cause = _input_of(state, entry)
        fact = decide(state, cause, now_us)
        assert fact.change is not None, "what is parked is a command, and commands answer"
        fact.change.unpark = (entry.waits_for, entry.source, entry.event_id)
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
