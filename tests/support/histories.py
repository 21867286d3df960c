"""Generated histories of inputs: few ids, so that orders, counts and transfers collide.

Each input is made from a number of its own, so a history is a list of numbers: a seed makes one
(``seeded``), and Hypothesis makes and shrinks them by leaving inputs out (``histories``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from hypothesis import strategies as st

from .bodies import (
    DAY_US,
    HOUR_US,
    MAKERS,
    MINUTE_US,
    QUANTITY_MAX,
    SECOND_US,
    START_US,
    WEIGHTS,
)

SOURCES = ("erp", "wms")


class Input(NamedTuple):
    """One input as the ledger gets it."""

    event_type: str
    body: dict
    event_id: str
    source: str
    occurred_us: int
    now_us: int


@dataclass(frozen=True)
class Options:
    """Which liberties a history takes."""

    skus: tuple[str, ...] = ("SKU-1",)
    repeats: bool = True
    conflicts: bool = True
    nonsense: bool = True
    late: bool = True
    only: frozenset[str] = field(default_factory=frozenset)  # event types; empty for all


def seeded(seed: int, *, size: int | None = None, options: Options | None = None) -> list[Input]:
    """The history of a seed: 50 to 200 inputs unless told."""
    random = Random(seed)
    count = size if size is not None else random.randint(50, 200)
    return history([random.getrandbits(32) for _ in range(count)], options)


def histories(*, size: int = 100, options: Options | None = None) -> st.SearchStrategy[list[Input]]:
    """Histories that Hypothesis shrinks by leaving inputs out: a zero is no input."""
    numbers = st.integers(0, 2**32 - 1)
    return st.lists(numbers, min_size=size, max_size=size).map(
        lambda chosen: history([number for number in chosen if number], options)
    )


def history(numbers: Sequence[int], options: Options | None = None) -> list[Input]:
    """One input per number."""
    maker = _Maker(options or Options())
    for number in numbers:
        maker.add(Random(number))
    return maker.made


class _Maker:
    """Keeps the clock, and what was sent before so that it can be sent again."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.now_us = START_US
        self.made: list[Input] = []
        chosen = {k: w for k, w in WEIGHTS.items() if not options.only or k in options.only}
        self.kinds, self.weights = list(chosen), list(chosen.values())

    def add(self, random: Random) -> None:
        self.now_us += random.choice((0, 0, 1, SECOND_US, SECOND_US, MINUTE_US, 10 * MINUTE_US))
        dice = random.random()
        if self.made and dice < 0.15:
            again = self._again(random, dice)
            if again is not None:
                self.made.append(again)
                return
        kind = random.choices(self.kinds, self.weights)[0]
        body = {"sku": random.choice(self.options.skus), **MAKERS[kind](random, self.now_us)}
        if self.options.nonsense and random.random() < 0.03:
            _spoil(random, body)
        self.made.append(self._input(random, kind, body))

    def _again(self, random: Random, dice: float) -> Input | None:
        before = random.choice(self.made[-40:])
        if dice < 0.08:  # The same event is delivered again.
            return before._replace(now_us=self.now_us) if self.options.repeats else None
        if dice < 0.11:  # The same id comes with another payload.
            if not self.options.conflicts:
                return None
            field_name = next((f for f in ("quantity", "delta", "counted") if f in before.body), "")
            value = before.body.get(field_name)
            if not isinstance(value, int):
                return None
            other = {**before.body, field_name: value + 1}
            return before._replace(body=other, now_us=self.now_us)
        if not self.options.repeats:
            return None
        # The same is told under a new id: entities decide what it means.
        return before._replace(event_id=f"e{len(self.made)}", now_us=self.now_us)

    def _input(self, random: Random, kind: str, body: dict) -> Input:
        occurred = self.now_us
        if self.options.late:
            occurred += random.choice(
                (0, 0, 0, 0, -SECOND_US, -MINUTE_US, -20 * MINUTE_US, -HOUR_US, MINUTE_US)
            )
            if random.random() < 0.01:
                occurred = self.now_us - 8 * DAY_US
        source = random.choice(SOURCES)
        return Input(kind, body, f"e{len(self.made)}", source, occurred, self.now_us)


def _spoil(random: Random, body: dict) -> None:
    for name in ("quantity", "delta", "counted"):
        if name in body:
            body[name] = random.choice((0, -1, QUANTITY_MAX + 1, -QUANTITY_MAX - 1))
    if "locations" in body and random.random() < 0.3:
        body["locations"] = []
