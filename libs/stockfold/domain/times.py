"""Times are UTC microseconds since 1970 (int64) inside, RFC 3339 with an offset outside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US


def to_us(moment: datetime) -> int:
    """UTC microseconds of an aware moment; ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no UTC offset")
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND_US + since.microseconds


def parse_us(text: str) -> int:
    """UTC microseconds of an RFC 3339 timestamp; ValueError when it is naive or unreadable."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not UTC:
        return to_us(moment)
    since = moment - EPOCH  # Without a call more: every event of the ledger is read with it.
    return (since.days * 86_400 + since.seconds) * SECOND_US + since.microseconds


def from_us(us: int) -> datetime:
    """The aware UTC moment of UTC microseconds."""
    return EPOCH + timedelta(microseconds=us)


def format_us(us: int) -> str:
    """RFC 3339 in UTC, such as 2026-11-01T12:00:00.000001Z."""
    return from_us(us).isoformat().replace("+00:00", "Z")
