"""The time that a shop's answers carry."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from stockfold.channels.port import Response


def date_s(answer: Response) -> float | None:
    """The shop's time when it answered, in UTC seconds; None when it does not tell."""
    try:
        moment = parsedate_to_datetime(answer.headers.get("date", ""))
    except (ValueError, IndexError):
        return None
    aware: datetime = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.timestamp()
