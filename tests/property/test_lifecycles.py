"""The tables of the life cycles are true: what is seen is in them, what is in them is seen."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given, settings
from infra.docs.lifecycles import PATH, render
from tests.support.histories import Input, Options, histories, seeded
from tests.support.ledger_subject import LedgerSubject

from stockfold.ledger.evolve import evolve
from stockfold.ledger.lifecycles import LIFE_CYCLES, MEANINGS, NONE, states
from stockfold.ledger.state import SkuState

SKU = "SKU-1"
Move = tuple[str, str, str, str]
"""(life cycle, from, kind of the fact, to)."""

TABLE: set[Move] = {
    (name, source, kind, target)
    for name, edges in LIFE_CYCLES.items()
    for source, target, kinds in edges
    for kind in kinds
}
SEEDS_MAX = 600
_LINES = frozenset(
    {
        "ReserveStock",
        "ExtendReservation",
        "MoveReservation",
        "ReleaseReservation",
        "StockAllocated",
        "StockDeallocated",
        "StockShipped",
        "OrderLineCancelled",
        "GoodsReceived",
    }
)
FOCUS = {
    "reservation": _LINES,
    "order line": _LINES,
    "transfer": frozenset({"TransferDispatched", "TransferReceived", "TransferClosed"}),
    "return": frozenset({"ReturnAuthorized", "ReturnReceived", "ReturnDispositioned"}),
    "inbound line": frozenset({"InboundExpected", "InboundClosed", "GoodsReceived"}),
}
"""Inputs that move each life cycle, so that its rare moves are met sooner."""


def moves(history: Iterable[Input]) -> set[Move]:
    """Every change of state that a history brings about."""
    subject = LedgerSubject(SKU)
    for event in history:
        subject.feed(
            event.event_type,
            event.body,
            event_id=event.event_id,
            source=event.source,
            occurred_us=event.occurred_us,
            now_us=event.now_us,
        )
    state, found = SkuState(SKU), set()
    for fact in subject.facts:
        if fact.change is None:
            evolve(state, fact)
            continue
        before = dict(states(state, fact.change))
        evolve(state, fact)
        for entity, after in states(state, fact.change):
            if before[entity] != after:
                found.add((entity[0], before[entity], fact.kind, after))
    return found


@settings(max_examples=150, deadline=None)
@given(histories(size=80))
def test_every_move_of_a_generated_history_is_in_the_table(history: list[Input]) -> None:
    assert moves(history) <= TABLE


def test_every_move_in_the_table_is_seen() -> None:
    for kinds in set(FOCUS.values()):
        names = {name for name, focus in FOCUS.items() if focus == kinds}
        missing = {move for move in TABLE if move[0] in names}
        for seed in range(SEEDS_MAX):
            found = moves(seeded(seed, size=120, options=Options(only=kinds)))
            assert found <= TABLE, f"seed {seed}"
            missing -= found
            if not missing:
                break
        assert not missing, f"never seen in {SEEDS_MAX} histories"


def test_every_state_is_reached_and_has_a_meaning() -> None:
    for name, edges in LIFE_CYCLES.items():
        reached = {target for _, target, _ in edges}
        assert {source for source, _, _ in edges} - {NONE} <= reached
        assert set(MEANINGS[name]) == reached


def test_the_page_is_drawn_from_the_tables() -> None:
    assert PATH.read_text("utf-8") == render(), "run: make docs"
