"""Days are whole days since 1970 inside, in one named zone; dates outside."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

EPOCH_DAY = date(1970, 1, 1)
_US = 1_000_000
_LAST_S = 253_370_764_800
"""Seconds until the year 9999: a later time counts as this one."""

DayOf = Callable[[int], int]
"""The day, in one zone, of a time in UTC microseconds."""


def days_in(zone: str) -> DayOf:
    """How times become days in an IANA zone; ValueError when there is no such zone."""
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{zone!r} is not an IANA time zone") from None

    def day_of(us: int) -> int:
        seconds = min(max(us // _US, 0), _LAST_S)
        return (datetime.fromtimestamp(seconds, place).date() - EPOCH_DAY).days

    return day_of


def as_date(day: int) -> date:
    """The date of a day."""
    return EPOCH_DAY + timedelta(days=day)


def iso_day(day: int | None) -> str | None:
    """A day as YYYY-MM-DD; None stays None."""
    return None if day is None else as_date(day).isoformat()
