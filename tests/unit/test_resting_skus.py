"""Which SKUs are awake, and that those who read wake nobody."""

from __future__ import annotations

import pytest

from stockfold.contracts.resting_rows import pack
from stockfold.ledger.accounts import ON_HAND, SUPPLIER
from stockfold.ledger.evolve import evolve
from stockfold.ledger.facts import Fact
from stockfold.ledger.forgetting import OLD_MOVES_MIN
from stockfold.ledger.state import SkuState
from stockfold.runtime import resting_skus
from stockfold.runtime.resting_skus import Skus


def stocked(sku: str, movements: int = 1) -> SkuState:
    state = SkuState(sku)
    for number in range(movements):
        fact = Fact("GoodsReceived", [(ON_HAND, "A", "", 7), (SUPPLIER, "", "", -7)])
        fact.seq = number + 1
        evolve(state, fact)
    return state


def rows(count: int) -> dict[str, bytes]:
    return {f"SKU-{n}": pack(stocked(f"SKU-{n}")) for n in range(count)}


@pytest.fixture(autouse=True)
def _two_awake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resting_skus, "AWAKE_MAX", 2)


def awake(skus: Skus) -> list[str]:
    """Those of which one and the same state is given twice."""
    return [
        sku for (sku, one), (_, two) in zip(skus.items(), skus.items(), strict=True) if one is two
    ]


def test_those_that_woke_longest_ago_rest_first() -> None:
    skus = Skus(rows(5))
    for number in (3, 0, 4):
        assert skus[f"SKU-{number}"].atp("A") == 7
    assert awake(skus) == ["SKU-0", "SKU-3", "SKU-4"]
    skus.rest()
    assert awake(skus) == ["SKU-0", "SKU-4"]


def test_nobody_rests_before_the_batch_is_over() -> None:
    skus = Skus(rows(50))
    states = [skus.get(sku) for sku in skus]
    assert [skus.get(sku) for sku in skus] == states
    skus.rest()
    assert len(awake(skus)) == 2


def test_those_who_read_wake_nobody() -> None:
    skus = Skus(rows(5))
    assert sum(state.atp("A") for state in skus.values()) == 35
    assert [row for _, row in skus.rows()] == list(rows(5).values())
    assert list(skus.waiting()) == []
    assert "SKU-1" in skus
    assert "SKU-9" not in skus
    assert awake(skus) == []


def test_what_has_nothing_to_forget_is_known_without_waking_it() -> None:
    old = {
        "OLD": pack(stocked("OLD", OLD_MOVES_MIN)),
        "NEW": pack(stocked("NEW", OLD_MOVES_MIN - 1)),
    }
    skus = Skus({**rows(1), **old})
    found = [skus.has_nothing_to_forget(sku) for sku in ("SKU-0", "OLD", "NEW")]
    assert found == [True, False, True]
    assert awake(skus) == []


def test_skus_keep_the_order_in_which_they_were_first_seen() -> None:
    skus = Skus(rows(3))
    skus["SKU-9"] = stocked("SKU-9")
    assert skus.get("SKU-1") is skus["SKU-1"]
    skus.rest()
    assert list(skus) == ["SKU-0", "SKU-1", "SKU-2", "SKU-9"]
    assert len(skus) == 4


def test_a_sku_that_is_heavy_stays_awake_and_keeps_nobody_else_so() -> None:
    skus = Skus({**rows(5), "BUSY": pack(stocked("BUSY", 30 * resting_skus.HEAVY))})
    for sku in ("BUSY", "SKU-0", "SKU-1", "SKU-2", "SKU-3"):
        assert skus[sku].seq
    skus.rest()
    assert skus["SKU-4"].seq
    skus.rest()
    assert awake(skus) == ["SKU-4", "BUSY"]


def test_a_sku_that_was_taken_out_is_gone_and_may_come_again() -> None:
    skus = Skus()
    for _ in range(3):
        skus["NEW"] = SkuState("NEW")
        del skus["NEW"]
    skus.rest()
    assert skus.get("NEW") is None
    skus["NEW"] = stocked("NEW")
    skus["OTHER"] = stocked("OTHER")
    skus.rest()
    assert [state.atp("A") for state in skus.values()] == [7, 7]
