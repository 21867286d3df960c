"""Sums of products that show how they came about."""

from __future__ import annotations

from typing import NamedTuple


class Factor(NamedTuple):
    """A number with its name. ``divides``: what stands before it is divided by it."""

    value: float
    what: str
    divides: bool = False


class Step(NamedTuple):
    """A figure: what it is, in which unit, and how it came about."""

    name: str
    value: float
    unit: str
    how: str

    @property
    def shown(self) -> str:
        """The figure with its unit."""
        return f"{number(self.value)} {self.unit}".rstrip()


def number(value: float) -> str:
    """Three digits that count, and thousands whole."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def step(name: str, unit: str, *products: tuple[Factor, ...]) -> Step:
    """The sum of products; of each factor the name is told with its number."""
    total = 0.0
    told = []
    for product in products:
        value = 1.0
        words: list[str] = []
        for factor in product:
            value = value / factor.value if factor.divides else value * factor.value
            sign = ("/ " if factor.divides else "x ") if words else ""
            words.append(f"{sign}{number(factor.value)} {factor.what}".rstrip())
        total += value
        told.append(" ".join(words))
    return Step(name, total, unit, " + ".join(told))
