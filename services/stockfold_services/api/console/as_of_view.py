"""The as-of slider of a SKU: which time is asked for, and the two pictures of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import asyncpg

from stockfold.domain.times import from_us, to_us
from stockfold.explain.as_of import AsOf, Picture, PlaceNumbers, as_of
from stockfold.explain.entry import History
from stockfold.explain.listings import Listing
from stockfold_services.api.console.sku_data import recorded_at

NUMBERS = ("on_hand", "quality_hold", "damaged", "in_transit", "reserved", "allocated", "atp")


class Asked(NamedTuple):
    """A time, and the later one whose knowledge counts; ``wrong`` says what cannot be read."""

    at_us: int | None
    known_us: int
    wrong: str = ""
    known_given: str = ""


class Row(NamedTuple):
    """A location: each number as it was known then, and as it is known to have been."""

    location: str
    numbers: list[tuple[int, int]]


class View(NamedTuple):
    """A SKU at a time, for people."""

    at: datetime
    known_at: datetime
    then: Picture
    later: Picture
    rows: list[Row]
    learned: AsOf
    channels: list[Listing]

    @property
    def is_the_same(self) -> bool:
        """Whether nothing was learned since."""
        return self.then.positions == self.later.positions


async def asked_time(
    connection: asyncpg.Connection, sku: str, given: Mapping[str, str], now_us: int
) -> Asked:
    """The time that the form asks for: a moment as ``at``, or the number of a fact as ``step``."""
    at, known, step = (given.get(name, "").strip() for name in ("at", "known_at", "step"))
    try:
        known_us = min(_us(known), now_us) if known else now_us
        if at:
            at_us = min(_us(at), now_us)
        elif step:
            moment = await recorded_at(connection, sku, int(step)) if step.isdecimal() else None
            if moment is None:
                return Asked(None, now_us, f"There is no fact {step[:20]}.")
            at_us = to_us(moment)
        else:
            return Asked(None, now_us)
    except (ValueError, OverflowError, asyncpg.DataError):
        return Asked(None, now_us, "A time is written 2026-11-01T12:00, in UTC.")
    if known_us < at_us:
        return Asked(None, now_us, "What is known of a time cannot be known before it.")
    return Asked(at_us, known_us, known_given=known)


def _us(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return to_us(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


def view(sku: str, history: History, asked: Asked, channels: list[Listing]) -> View | None:
    """The two pictures of the time that is asked for; None when none is."""
    if asked.at_us is None:
        return None
    found = as_of(sku, history, asked.at_us, asked.known_us)
    return View(
        from_us(asked.at_us),
        from_us(asked.known_us),
        found.known_then,
        found.known_later,
        _rows(found),
        found,
        channels,
    )


def _rows(found: AsOf) -> list[Row]:
    then = {place.location: place for place in found.known_then.positions}
    later = {place.location: place for place in found.known_later.positions}
    return [
        Row(
            place,
            [(_number(then.get(place), name), _number(later.get(place), name)) for name in NUMBERS],
        )
        for place in sorted(then.keys() | later.keys())
    ]


def _number(place: PlaceNumbers | None, name: str) -> int:
    return 0 if place is None else int(getattr(place, name))
