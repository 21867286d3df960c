"""Orders over seeded histories of crashes and torn transactions; and proof that this can fail."""

from __future__ import annotations

import pytest

from stockfold.domain.errors import DefectError

from .broken_orders import BROKEN_ORDERS
from .orders import OrderHistory

HISTORIES = 60
AT_ONCE = 20
SEEDS_TO_NOTICE_MAX = 200


def run(seed: int) -> OrderHistory:
    try:
        return OrderHistory(seed).run()
    except AssertionError as error:
        replay = f"make simulate ORDERS=1 SEED={seed}"
        raise AssertionError(f"{error}\nreplay it: {replay}") from error


@pytest.mark.parametrize("first", range(0, HISTORIES, AT_ONCE))
def test_every_order_ends_as_it_was_told_and_nothing_is_held_twice(first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        run(seed)


@pytest.mark.parametrize("mistake", BROKEN_ORDERS)
def test_the_simulation_notices_that(mistake: str) -> None:
    for seed in range(SEEDS_TO_NOTICE_MAX):
        try:
            OrderHistory(seed, BROKEN_ORDERS[mistake]).run()
        except (AssertionError, DefectError):  # The journal's own fold may be the one to notice.
            run(seed)
            return
    pytest.fail(f"{SEEDS_TO_NOTICE_MAX} histories did not notice that {mistake}")


def test_orders_are_forgotten_and_recovered_from_snapshots_in_some() -> None:
    histories = [run(seed) for seed in range(0, 20, 2)]
    facts = [
        fact
        for history in histories
        for place, partition in history.log.partitions.items()
        if place[0] == "stockfold.order-journal.v1"
        for fact in partition.committed()
    ]
    assert sum(b'"Forgotten"' in (fact.value() or b"") for fact in facts) > 3
