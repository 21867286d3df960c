"""What the ledger's memory costs, by Python's own account of its allocations."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator

from stockfold.ledger.accounts import ON_HAND, SUPPLIER
from stockfold.ledger.decide import decide_and_fold
from stockfold.ledger.dedupe import Window
from stockfold.ledger.evolve import evolve
from stockfold.ledger.facts import Fact, Input
from stockfold.ledger.state import SkuState
from stockfold.runtime.resting_skus import AWAKE_MAX, Skus

SKUS = 100_000


def measure() -> dict[str, float]:
    """Bytes per SKU-location (one and ten locations a SKU), open reservation and remembered id.

    Keys are the SKUs' own strings, which the figures of SKU-locations at rest do not contain.
    """
    keys = _of(lambda: [f"SKU-{number:07d}" for number in range(SKUS)]) / SKUS
    return {
        "bytes_per_key": keys,
        "bytes_per_sku_location_of_1": _of(lambda: _resting(SKUS, 1)) / SKUS - keys,
        "bytes_per_sku_location_of_10": (_of(lambda: _resting(SKUS // 5, 10)) / (SKUS // 5) - keys)
        / 10,
        "bytes_per_sku_awake": _of(lambda: list(_skus(AWAKE_MAX, 1))) / AWAKE_MAX,
        "bytes_per_open_reservation": _of(lambda: _reservations(5_000)) / 5_000,
        "bytes_per_remembered_id": _of(lambda: _ids(200_000)) / 200_000,
    }


def _of(make: Callable[[], object]) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        kept = make()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        del kept
    finally:
        tracemalloc.stop()
    return after - before


def _resting(count: int, locations: int) -> Skus:
    """All but ``AWAKE_MAX`` of them at rest."""
    skus = Skus()
    for state in _skus(count, locations):
        skus[state.sku] = state
        skus.rest()
    return skus


def _skus(count: int, locations: int) -> Iterator[SkuState]:
    """SKUs with stock and one movement a location."""
    for number in range(count):
        state = SkuState(f"SKU-{number:07d}")
        for place in range(locations):
            deltas = [(ON_HAND, f"L{place}", "", 100), (SUPPLIER, "", "", -100)]
            fact = Fact("GoodsReceived", deltas)
            fact.seq = state.seq + 1
            fact.occurred_us = 1_793_534_400_000_000 + number
            evolve(state, fact)
        yield state


def _reservations(count: int) -> SkuState:
    state = SkuState("SKU")
    fact = Fact("GoodsReceived", [(ON_HAND, "A", "", count * 9), (SUPPLIER, "", "", -count * 9)])
    fact.seq = 1
    evolve(state, fact)
    for number in range(count):
        body = {
            "sku": "SKU",
            "reservation": f"R-{number:07d}",
            "order": f"O-{number:07d}",
            "line": "1",
            "channel": "web",
            "quantity": 2,
            "locations": ["A", "B"],
            "allow_split": False,
            "allow_partial": False,
            "allow_backorder": False,
            "needed_on": None,
            "supply_line": None,
            "expires_at": 1_793_534_400_000_000 + number,
            "priority": 0,
        }
        decide_and_fold(state, Input("ReserveStock", "SKU", body, "", str(number), 1), 2)
    assert len(state.reservations) == count
    return state


def _ids(count: int) -> Window:
    window = Window(count)
    for number in range(count):
        window.remember(hash((number, 1)) & (2**64 - 1), hash((number, 2)) & (2**64 - 1), 1)
    return window
