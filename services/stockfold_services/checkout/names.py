"""Names that follow from the request, so that the same request repeated is the same reservation.

A reservation is ``co-`` and a hash of (holder of the API key, channel, Idempotency-Key). To the
ledger it is one reservation a line, whose names say which line of how many and how many units, so
that every instance of this service reads the whole from the ledger's answers alone.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

MARK = "co-"
_HASH_BYTES = 12
_LINE = re.compile(r"(co-[0-9a-f]{24})\.([0-9]{1,4})of([0-9]{1,4})x([0-9]{1,13})")
_RESERVATION = re.compile(r"co-[0-9a-f]{24}")


class LineName(NamedTuple):
    """Which line a reservation of the ledger is: ``place`` of ``total``, from 1, in SKU order."""

    reservation: str
    place: int
    total: int
    quantity: int

    def __str__(self) -> str:
        return f"{self.reservation}.{self.place}of{self.total}x{self.quantity}"


def reservation_of(holder: str, channel: str, key: str) -> str:
    """The reservation of a holder's request with this Idempotency-Key."""
    return MARK + _hash(holder, channel, key, size=_HASH_BYTES)


def fingerprint_of(told: str) -> str:
    """A short hash of what a request asks for: the same key must not come with another."""
    return _hash(told, size=6)


def is_reservation(name: str) -> bool:
    """Whether it is a name of ours."""
    return _RESERVATION.fullmatch(name) is not None


def line_of(name: str) -> LineName | None:
    """What a reservation of the ledger is here; None when it is not ours."""
    if not name.startswith(MARK):
        return None
    found = _LINE.fullmatch(name)
    if found is None:
        return None
    reservation, place, total, quantity = found.groups()
    return LineName(reservation, int(place), int(total), int(quantity))


def event_id(line: LineName, verb: str, fingerprint: str, attempt: str) -> str:
    """The id of a command. Each attempt has its own: the ledger answers it, and repeats nothing."""
    return f"{line}/{verb}/{fingerprint}/{attempt}"


def fingerprint_in(event: str) -> str:
    """The fingerprint that the id of a command carries; empty when it carries none."""
    parts = event.split("/")
    return parts[2] if len(parts) == 4 else ""


def line_in(event: str) -> LineName | None:
    """The line that the id of a command is about."""
    return line_of(event.partition("/")[0])


def source_of(channel: str) -> str:
    """Who speaks when a checkout of this channel reserves."""
    return f"/checkout/{channel}"


def _hash(*parts: str, size: int) -> str:
    text = "\0".join(parts).encode("utf-8", "replace")
    return hashlib.blake2b(text, digest_size=size).hexdigest()
