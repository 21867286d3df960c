"""Orders that are on their way while stock is written: some hundred random histories."""

from __future__ import annotations

import pytest

from stockfold_services.publisher.read_policy import ReadPolicy
from stockfold_services.publisher.sold_there import SoldThere
from tests.inflight.mistakes import MISTAKES
from tests.inflight.world import SKUS, Result, World, run

HISTORIES = 120
MISTAKEN_MAX = 400


def is_right(result: Result) -> bool:
    return not (result.resurrected or result.without_cause or result.not_converged)


def test_what_was_sold_before_the_question_never_comes_back_and_all_converges() -> None:
    result = run(range(HISTORIES))
    assert is_right(result), result
    assert result.in_window > 0, "the histories are too tame: nothing was sold amidst"
    assert result.skipped > 0, "no reading ever spared a write"


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_a_mistake_in_the_rule_is_noticed(mistake: type[SoldThere]) -> None:
    assert any(not is_right(World(seed, mistake).run()) for seed in range(MISTAKEN_MAX))


def test_without_asking_for_orders_sold_units_come_back() -> None:
    blind = ReadPolicy(orders=False)
    assert any(World(seed, SoldThere, blind).run().resurrected for seed in range(MISTAKEN_MAX))


def test_a_history_is_decided_by_its_seed() -> None:
    first, second = World(7), World(7)
    assert first.run() == second.run()
    assert [first.there.stock(sku) for sku in SKUS] == [second.there.stock(sku) for sku in SKUS]
