"""What an answer depends on beside positions and policy, as records have told it. No clock."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

_NONE: Mapping[str, int] = MappingProxyType({})


class Surroundings(msgspec.Struct, frozen=True, gc=False):
    """What is known of the SKU and of the moment.

    ``category`` is the SKU's, as a path. ``moment_us`` is the newest time that a record of the
    scheduler has told, in UTC microseconds; 0 while none has: then nothing is overdue, and no
    window is open. ``silent`` are the locations whose source has gone silent, and since when, in
    UTC microseconds.
    """

    category: str = ""
    moment_us: int = 0
    silent: Mapping[str, int] = _NONE


NOWHERE = Surroundings()
"""Nothing is known but the positions."""


class Places(msgspec.Struct, frozen=True):
    """The locations that carry a tag, by tag."""

    tagged: Mapping[str, frozenset[str]] = MappingProxyType({})

    def eligible(
        self, locations: tuple[str, ...] | None, tags: tuple[str, ...]
    ) -> tuple[str, ...] | None:
        """The locations named or tagged, by name; None for all, when neither is said."""
        if locations is None and not tags:
            return None
        found = set(locations or ())
        for tag in tags:
            found |= self.tagged.get(tag, frozenset())
        return tuple(sorted(found))


NO_PLACES = Places()
