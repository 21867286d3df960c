"""Categories are paths: ``food/coffee`` is part of ``food``."""

from __future__ import annotations

from collections.abc import Iterator


def upwards(category: str) -> Iterator[str]:
    """A category and those that it is part of, the deepest first."""
    while category:
        yield category
        category = category.rpartition("/")[0]


def within(category: str, outer: str) -> bool:
    """Whether a category is ``outer``, or part of it."""
    return category == outer or category.startswith(outer + "/")
