"""Dated ATP (semantics: Two books)."""

from __future__ import annotations

from tests.support.model.dated import promises


def test_later_demand_lowers_earlier_promises() -> None:
    changes = {1: -3, 3: 10, 4: -15, 5: 1, 6: 3}
    assert promises(20, changes, 7) == [12, 12, 12, 12, 12, 13, 16]


def test_without_the_later_demand_earlier_promises_are_higher() -> None:
    assert promises(20, {1: -3, 3: 10, 5: 1, 6: 3}, 7) == [17, 17, 17, 27, 27, 28, 31]
