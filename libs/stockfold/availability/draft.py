"""An answer in the making, which the rules move on step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stockfold.availability.answer import Note, Status
from stockfold.availability.policy import Policy, Promotion
from stockfold.availability.positions import SkuPositions
from stockfold.availability.surroundings import Surroundings

EMPTY: dict[str, int] = {}
"""Stands for what a draft has not got; never written to."""


class Draft:
    """An answer in the making.

    ``quantity`` is the running quantity, signed. ``atp`` are the signed units of each eligible
    location that may still be promised there; ``locations`` are the eligible ones, None for all.
    ``net`` is their sum, and ``short`` whether any of them is below zero. ``arriving`` are units by
    location that have yet to come, while they are looked at. ``fenced`` are the units granted to
    the channel's own ring-fence, ``open`` those that the channel itself still counts as open, in
    total and by location. ``window`` is the promotion that is on. ``ahead`` is the status of a
    promise of what has yet to come, ``next_available`` the day from which it can be kept.
    """

    __slots__ = (
        "ahead",
        "arriving",
        "atp",
        "fenced",
        "locations",
        "net",
        "next_available",
        "notes",
        "open",
        "open_at",
        "policy",
        "positions",
        "quantity",
        "short",
        "surroundings",
        "window",
    )

    def __init__(
        self,
        policy: Policy,
        locations: tuple[str, ...] | None,
        positions: SkuPositions,
        surroundings: Surroundings,
    ) -> None:
        self.policy = policy
        self.locations = locations
        self.positions = positions
        self.surroundings = surroundings
        self.quantity = 0
        self.net = 0
        self.short = False
        self.atp: dict[str, int] = {}
        self.arriving: dict[str, int] = EMPTY
        self.fenced = 0
        self.open = 0
        self.open_at: dict[str, int] = EMPTY
        self.notes: list[Note] = []
        self.ahead: Status | None = None
        self.next_available: int | None = None
        self.window: Promotion | None = None

    def note(self, what: str, say: Callable[..., str], *about: Any) -> None:
        """Record the step just taken; the words are found only when somebody asks."""
        self.notes.append((what, self.quantity, say, about))


Rule = Callable[[Draft], None]
