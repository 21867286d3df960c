"""given(stock, ...).when(policy).then(...): availability told as the semantics tell it."""

from __future__ import annotations

from typing import Any

from stockfold.availability.answer import Answer
from stockfold.availability.policy import Policy
from stockfold.availability.positions import LocationNumbers, SkuPositions, Summary
from stockfold.availability.rules import compute
from stockfold.availability.surroundings import Places, Surroundings

DAY_US = 86_400_000_000
TODAY = 20_500
NOW_US = TODAY * DAY_US + 43_200_000_000
PLACES = Places({"store": frozenset({"ROME"})})


def shelf(
    on_hand: int = 0,
    *,
    claims: dict[str, int] | None = None,
    in_transit: int = 0,
    due: list[tuple[int | None, int, int]] | None = None,
) -> LocationNumbers:
    """A location; ``claims`` are allocated, ``due`` are (days from today, units, confidence)."""
    held = claims or {}
    return LocationNumbers(
        on_hand=on_hand,
        in_transit=in_transit,
        allocated=sum(held.values()),
        atp=on_hand - sum(held.values()),
        claims=tuple((channel, 0, units) for channel, units in held.items()),
        expected=tuple(
            (f"PO-{n}", "1", units, None if days is None else NOW_US + days * DAY_US, confidence)
            for n, (days, units, confidence) in enumerate(due or ())
        ),
    )


class Given:
    """What is known of one SKU."""

    def __init__(self, stock: dict[str, LocationNumbers | int], **others: Any) -> None:
        self._positions = SkuPositions(others.pop("sku", "SKU-1"))
        for location, row in stock.items():
            numbers = shelf(row) if isinstance(row, int) else row
            self._positions.put(location, numbers, 1)
        summary = Summary(
            tuple(others.pop("waiting", {}).items()),
            tuple((c, *fence, 1) for c, fence in others.pop("fences", {}).items()),
            tuple((c, limit, 1) for c, limit in others.pop("limits", {}).items()),
        )
        self._positions.put_summary(summary, 1)
        self._around = Surroundings(
            others.pop("category", ""), others.pop("now_us", NOW_US), others.pop("silent", {})
        )
        assert not others, others

    def when(self, channel: str = "woo", **rules: Any) -> Then:
        """A channel has a policy of these rules."""
        return Then(compute(Policy(channel, 1, **rules), self._positions, self._around, PLACES))


class Then:
    """What the channel is told."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def then(self, quantity: int, status: str | None = None) -> Then:
        """It may sell so many."""
        found = self.answer.quantity, self.answer.status
        assert found == (quantity, status or found[1]), (found, self.sentences)
        return self

    def because(self, *sentences: str) -> Then:
        """These steps say so, between the shelf and the number told."""
        assert self.sentences[1:-1] == list(sentences)
        return self

    def at(self, **locations: int) -> Then:
        """So many at each location."""
        assert dict(self.answer.locations) == locations
        return self

    @property
    def sentences(self) -> list[str]:
        return [step.detail for step in self.answer.steps]


def given(stock: dict[str, LocationNumbers | int], **others: Any) -> Given:
    """What is known: ``category``, ``fences`` as {channel: (units, priority)}, ``limits``,
    ``waiting``, ``silent``, ``now_us``.
    """
    return Given(stock, **others)
