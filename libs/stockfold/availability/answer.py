"""What a channel may promise of one SKU, and how that came about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

Status = Literal["in_stock", "low_stock", "out_of_stock", "backorder", "preorder"]
Breakdown = tuple[tuple[str, int], ...]
Visible = tuple[int, str, int | None, int | None, Breakdown]

Note = tuple[str, int, Callable[..., str], tuple[Any, ...]]
"""A step before it is put into words: rule, running quantity, the words, what they speak of."""


class Step(msgspec.Struct, frozen=True):
    """One step of the computation: the rule, the running quantity after it, and words for it."""

    what: str
    quantity: int
    detail: str


class Answer:
    """What a channel may promise of one SKU.

    ``quantity`` is in units. ``locations`` are (location, units) by name where the policy asks for
    the breakdown, and add up to the quantity, except of what has yet to come: that is at no
    location. ``next_available`` is in days since 1970. ``lead_time_days`` is from order to
    dispatch. ``open`` of the units are those that the channel itself still counts as open, and
    ``ceiling`` is the most that it is told beside them: of a kit both hold for the sum.
    """

    __slots__ = (
        "_notes",
        "ceiling",
        "lead_time_days",
        "locations",
        "next_available",
        "open",
        "quantity",
        "status",
    )

    def __init__(
        self,
        quantity: int,
        status: Status,
        locations: Breakdown,
        notes: list[Note],
        next_available: int | None = None,
        lead_time_days: int | None = None,
        open_units: int = 0,
        ceiling: int | None = None,
    ) -> None:
        self.quantity = quantity
        self.status = status
        self.locations = locations
        self.next_available = next_available
        self.lead_time_days = lead_time_days
        self.open = open_units
        self.ceiling = ceiling
        self._notes = notes

    @property
    def visible(self) -> Visible:
        """All that a channel would see: two answers that are equal in this are one to it."""
        return (
            self.quantity,
            self.status,
            self.next_available,
            self.lead_time_days,
            self.locations,
        )

    @property
    def notes(self) -> list[Note]:
        """The steps before they are put into words; not to be changed."""
        return self._notes

    @property
    def steps(self) -> list[Step]:
        """How the quantity came about, in order.

        Put into words only here: most answers differ from the last in nothing and are never told.
        """
        return [Step(what, quantity, words(*about)) for what, quantity, words, about in self._notes]
