"""Every order that was ever forgotten, in 24 bytes each: its name, revision and content, as hashes.

Sorted columns instead of a dictionary, which would take ten times as much.
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left
from heapq import merge
from typing import NamedTuple

from stockfold.orders.facts import Forgotten

_NEW_MIN = 1_024


class Columns(NamedTuple):
    """Equally long, sorted by name."""

    names: array[int]
    revisions: array[int]
    contents: array[int]


def empty() -> Columns:
    """No order."""
    return Columns(array("Q"), array("q"), array("Q"))


class ForgottenOrders:
    """Those of one partition."""

    def __init__(self, columns: Columns | None = None) -> None:
        self._old = columns or empty()
        self._new: dict[int, Forgotten] = {}

    def __len__(self) -> int:
        return len(self._old.names) + len(self._new)

    def add(self, key: str, fact: Forgotten) -> None:
        """An order that was forgotten now."""
        self._new[_hash(key)] = fact
        if len(self._new) > _NEW_MIN + len(self._old.names) // 8:
            self._merge()

    def get(self, key: str) -> Forgotten | None:
        """What is known of an order; None when it was never forgotten."""
        name = _hash(key)
        if (found := self._new.get(name)) is not None:
            return found
        names, revisions, contents = self._old
        place = bisect_left(names, name)
        if place == len(names) or names[place] != name:
            return None
        return Forgotten(revisions[place], contents[place])

    def columns(self) -> Columns:
        """All of them: the same orders always give the same columns."""
        self._merge()
        return self._old

    def _merge(self) -> None:
        old = zip(*self._old, strict=True)
        new = ((name, fact.revision, fact.content) for name, fact in sorted(self._new.items()))
        merged = empty()
        for name, revision, content in merge(old, new):
            merged.names.append(name)
            merged.revisions.append(revision)
            merged.contents.append(content)
        self._old, self._new = merged, {}


def _hash(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big")
