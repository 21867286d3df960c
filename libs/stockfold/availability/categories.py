"""Categories are paths: ``food/coffee`` is part of ``food``. Rules go by SKU, category, or all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

V = TypeVar("V")


def upwards(category: str) -> Iterator[str]:
    """A category and those that it is part of, the deepest first."""
    while category:
        yield category
        category = category.rpartition("/")[0]


class BySubject(Generic[V]):
    """Values by (SKU, category), either or both empty; the most specific counts.

    A SKU's own comes first, then that of its deepest category, then of those above, then of all.
    """

    __slots__ = ("_of",)

    def __init__(self, values: Iterable[tuple[str, str, V]]) -> None:
        self._of = {(sku, category): value for sku, category, value in values}

    def of(self, sku: str, category: str) -> V | None:
        """The value for a SKU of a category; None when there is none."""
        known = self._of
        for key in ((sku, ""), *(("", name) for name in upwards(category)), ("", "")):
            value = known.get(key)
            if value is not None:
                return value
        return None
