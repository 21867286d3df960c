"""Avro primitives as bytes, for the few records that the ledger writes by the hundred thousand.

fastavro writes every other record, and is the oracle of these in the tests: same bytes. Measured on
journal records: 4.1 µs from prepared pieces, 7.2 µs by fastavro with its record already built.
"""

from __future__ import annotations

from functools import lru_cache

from stockfold.contracts.kept import KEPT_MAX, Kept

NEAR_END = 1 << 15
_PAIR = 1 << 14
_MIDDLE = 1 << 27
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
    parts = []
    while zigzag >= _PAIR:
        parts.append(_PAIRS[zigzag & _LOW])
        zigzag >>= 14
    parts.append(_LAST[zigzag])
    return b"".join(parts)


def beyond(value: int) -> bytes:
    """The bytes of a number from ``NEAR_END`` on, as offsets and a busy SKU's sequence numbers."""
    return _PAIRS[value << 1 & _LOW] + _LAST[value >> 13] if value < _MIDDLE else far(value)


_LATE: dict[int, bytes] = {}
"""The bytes of a time but for its lower 27 bits, which are 134 seconds: they recur."""


def instant(us: int) -> bytes:
    """The bytes of a time in UTC microseconds. 0.3 µs against 0.5 µs for ``far``."""
    late = _LATE.get(us >> 27)
    if late is not None:
        return _PAIRS[us << 1 & _LOW] + _PAIRS[us >> 13 & _LOW] + late
    if _TWICE <= us << 1 < _FOURFOLD:  # All times of ours.
        if len(_LATE) >= KEPT_MAX:
            _LATE.clear()
        _LATE[us >> 27] = _PAIRS[us >> 27 & _LOW] + _LAST[us >> 41]
    return LONGS[us]


class _Longs(dict[int, bytes]):
    """The bytes of every int64; near numbers are kept, far ones are made when asked."""

    def __missing__(self, value: int) -> bytes:
        return beyond(value) if value > 0 else far(value)


LONGS = _Longs(
    (value, _bytes_of(value << 1 if value >= 0 else (-value << 1) - 1))
    for value in range(-NEAR_END, NEAR_END)
)
"""``LONGS[value]`` is an int or long as Avro writes it."""
NEAR = [LONGS[value] for value in (*range(NEAR_END), *range(-NEAR_END, 0))]
"""The same of values that are known to be from -``NEAR_END`` to before it: a list is asked in a
sixth of the time, and counts negative places from its end."""

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


NAMES = Kept(string)
"""``NAMES[value]`` is a string that recurs: a kind, a location, a channel, a source, a topic."""
ROWS = Kept(lambda values: b"".join(map(string, values)))
"""``ROWS[values]`` is several such strings, one behind the other."""


@lru_cache(maxsize=4096)
def moment(us: int) -> bytes:
    """A time that recurs: a batch shares its recording time, broker times are milliseconds."""
    return LONGS[us]


def _longs(values: tuple[int, ...]) -> bytes:
    return b"".join(map(LONGS.__getitem__, values))


LONG_ROWS = Kept(_longs)
"""``LONG_ROWS[values]`` is several numbers that recur together, one behind the other."""
TIMES = Kept(_longs)
"""``TIMES[times]`` is several times that recur together, one behind the other."""
