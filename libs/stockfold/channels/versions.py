"""What runs at the other end of a channel, and what changed of it since it was last asked. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class Part(msgspec.Struct, frozen=True):
    """One thing that has a version; ``ends_on`` in days since 1970, None when nobody says."""

    part: str
    version: str
    ends_on: int | None = None


class Change(msgspec.Struct, frozen=True):
    """One version and the one after it."""

    part: str
    before: str
    now: str

    def __str__(self) -> str:
        return f"{self.part} {self.before} → {self.now}"


def changes(before: Sequence[Part], now: Sequence[Part]) -> tuple[Change, ...]:
    """What has another version than before.

    What is told for the first time, or no longer told, is no change: a key that may see more, or a
    shop that hides its versions, says nothing about what runs there.
    """
    known = {part.part: part.version for part in before}
    return tuple(
        Change(part.part, known[part.part], part.version)
        for part in now
        if known.get(part.part, part.version) != part.version
    )
