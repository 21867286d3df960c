"""What the conformance suite needs of an imitated channel. ``stockfold channel test`` runs it.

A subject is a stateful imitation of one vendor's interface, built from its published contract: no
socket, no thread, no real clock. It answers requests as they would go over the wire, keeps stock,
sells, and fails on demand.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Protocol

import msgspec

from stockfold.channels.port import Response


class Sent(msgspec.Struct, frozen=True):
    """A request as it goes over the wire: ``url`` whole and encoded, header names in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


class Fault(enum.Enum):
    """What a subject does wrong when it is told to, to whole requests.

    THROTTLED: refused as too fast, nothing done. UNAVAILABLE: a 5xx, nothing done. GARBAGE: a page
    of HTML with status 200 in the way, nothing done. LOST: all is done, and no answer comes (a
    time-out after success). BROKEN: a part of it is done, as far as the vendor's contract allows
    that, and a 5xx comes. EXPIRED: credentials that were handed out before are not taken any more.
    """

    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    GARBAGE = "garbage"
    LOST = "lost"
    BROKEN = "broken"
    EXPIRED = "expired"


class Allowance:
    """A vendor's token bucket, by the imitation's own time in seconds: full at first."""

    def __init__(self, per_s: float, burst: float, now_s: float) -> None:
        self.level = burst
        self._per_s = per_s
        self._burst = burst
        self._at_s = now_s

    def take(self, now_s: float) -> bool:
        """Take one token; False when there is none."""
        self.fill(now_s)
        if self.level < 1:
            return False
        self.level -= 1
        return True

    def fill(self, now_s: float) -> None:
        """Take the time that went by into account."""
        self.level = min(self.level + (now_s - self._at_s) * self._per_s, self._burst)
        self._at_s = now_s


class Subject(Protocol):
    """One imitated channel. Each is fresh: nobody has anything listed.

    The suite makes the adapter from ``options``, ``credentials`` and ``locations`` (ours → theirs),
    which belong to this subject's account. Times are UTC seconds; ``now_s`` goes on only by
    ``advance``.
    """

    url: str
    options: Mapping[str, object]
    credentials: Mapping[str, str]
    locations: Mapping[str, str]

    @property
    def now_s(self) -> float:
        """The channel's time."""
        ...

    def answer(self, sent: Sent) -> Response | None:
        """Take one request; None for no answer (the caller sees a time-out)."""
        ...

    def advance(self, seconds: float) -> None:
        """Time goes by: what the channel does later becomes due."""
        ...

    def list(
        self, sku: str, quantity: int = 0, per_location: Mapping[str, int] | None = None
    ) -> None:
        """The merchant lists a SKU; ``per_location`` by the channel's own names of locations.

        ValueError for a SKU that no merchant could give there.
        """
        ...

    def unlist(self, sku: str) -> None:
        """The merchant takes it off the channel."""
        ...

    def spoil(self, sku: str) -> None:
        """From now on the channel refuses every write of this SKU, and of this SKU alone."""
        ...

    def sell(self, sku: str, units: int) -> None:
        """A customer buys there; the channel counts it off as that channel does."""
        ...

    def shows(self, sku: str) -> int | None:
        """What the field that we write holds, all locations together; None: unlisted."""
        ...

    def shows_at(self, sku: str) -> Mapping[str, int]:
        """The same per location, by the channel's own names; empty where it has none."""
        ...

    def fail(self, fault: Fault, times: int = 1) -> None:
        """The next ``times`` requests that are about stock meet this fault."""
        ...

    @property
    def writes(self) -> tuple[tuple[str, int], ...]:
        """Every (SKU, quantity) that was ever taken, in order."""
        ...

    @property
    def items_most(self) -> int:
        """The most items that one request had; more than the contract allows is refused."""
        ...
