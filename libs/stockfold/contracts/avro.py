"""Avro primitives as bytes, for the few records that the ledger writes by the hundred thousand.

fastavro writes every other record, and is the oracle of these in the tests: same bytes. Measured on
journal records: 4.1 µs from prepared pieces, 7.2 µs by fastavro with its record already built.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

_NEAR = 1 << 15
_PAIR = 1 << 14
_LOW = _PAIR - 1
_TWICE = 1 << 42
_FOURFOLD = 1 << 56


def _bytes_of(zigzag: int) -> bytes:
    out = bytearray()
    while zigzag > 0x7F:
        out.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    out.append(zigzag)
    return bytes(out)


_PAIRS = [bytes((i & 0x7F | 0x80, i >> 7 | 0x80)) for i in range(_PAIR)]
_LAST = [_bytes_of(i) for i in range(_PAIR)]


def far(value: int) -> bytes:
    """The bytes of an int64 that is none of the near numbers."""
    zigzag = value << 1 if value >= 0 else (-value << 1) - 1
    if _TWICE <= zigzag < _FOURFOLD:  # All times of ours.
        return (
            _PAIRS[zigzag & _LOW]
            + _PAIRS[zigzag >> 14 & _LOW]
            + _PAIRS[zigzag >> 28 & _LOW]
            + _LAST[zigzag >> 42]
        )
    parts = []
    while zigzag >= _PAIR:
        parts.append(_PAIRS[zigzag & _LOW])
        zigzag >>= 14
    parts.append(_LAST[zigzag])
    return b"".join(parts)


class _Longs(dict[int, bytes]):
    """The bytes of every int64; near numbers are kept, far ones are made when asked."""

    def __missing__(self, value: int) -> bytes:
        return far(value)


LONGS = _Longs(
    (value, _bytes_of(value << 1 if value >= 0 else (-value << 1) - 1))
    for value in range(-_NEAR, _NEAR)
)
"""``LONGS[value]`` is an int or long as Avro writes it."""

ZERO = LONGS[0]
"""Also the end of an array, an empty string, and the null branch of a union whose first is null."""
SOME = LONGS[1]
"""The second branch of a union."""


def string(value: str) -> bytes:
    """A string."""
    raw = value.encode()
    return LONGS[len(raw)] + raw


def blob(value: bytes) -> bytes:
    """Bytes."""
    return LONGS[len(value)] + value


class Kept(dict[Any, bytes]):
    """Bytes of values that recur, made when first asked; emptied when there are too many."""

    def __init__(self, make: Callable[[Any], bytes]) -> None:
        self._make = make

    def __missing__(self, value: Any) -> bytes:
        if len(self) >= KEPT_MAX:
            self.clear()
        made = self[value] = self._make(value)
        return made


KEPT_MAX = 65_536
NAMES = Kept(string)
"""``NAMES[value]`` is a string that recurs: a kind, a location, a channel, a source, a topic."""
ROWS = Kept(lambda values: b"".join(map(string, values)))
"""``ROWS[values]`` is several such strings, one behind the other."""


@lru_cache(maxsize=4096)
def moment(us: int) -> bytes:
    """A time that recurs: a batch shares its recording time, broker times are milliseconds."""
    return LONGS[us]
