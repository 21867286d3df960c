"""The fields of many journal records at once: where they lie in some bytes, and their numbers.

Kafka's records and Avro write whole numbers alike (zigzag varints), so one way to read them serves
both. Each step reads one field of all records. A record that does not end where it says is refused.
Needs numpy: the extra ``bulk``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stockfold.contracts.avro_reader import far_length
from stockfold.contracts.codec import HEADER_BYTES
from stockfold.contracts.journal import wire_head
from stockfold.ledger.accounts import FIRST_OUTSIDE, NAMES

Numbers = NDArray[np.int64]
"""Numbers that were read, or places in the bytes."""
_Words = NDArray[np.uint64]

WORD = 8
"""Bytes that are looked at together; as many must follow the last record."""
FACT = "stockfold.JournalFact"
MARK = "stockfold.InputsRead"


class NotColumnar(Exception):  # noqa: N818  (an answer: the scalar fold does it)
    """The journal holds something that the bulk path does not read."""


class Frames(NamedTuple):
    """Of Kafka records: where each value begins and ends, and its offset within its batch."""

    begins: Numbers
    ends: Numbers
    offset_deltas: Numbers


class Facts(NamedTuple):
    """Of facts, one row each: where their fields lie. Of their deltas, one row each."""

    sku_from: Numbers
    sku_to: Numbers
    seq: Numbers
    correlation: Numbers
    """Of the correlation id, as an Avro string."""
    times: Numbers
    """Of recorded_at and caused_at."""
    body_from: Numbers
    body_to: Numbers
    delta_row: Numbers
    """The fact of a delta. Deltas of outside accounts are left out."""
    delta_from: Numbers
    delta_to: Numbers
    """Account, location and channel, as Avro strings."""
    units: Numbers


class Bytes:
    """The first ``size`` bytes of a buffer, behind which ``WORD`` more must follow."""

    def __init__(self, raw: bytes | bytearray, size: int) -> None:
        self.raw = raw
        self.size = size
        self._bytes = np.frombuffer(raw, np.uint8, size)
        self._words: _Words = np.ndarray((size + 1,), "<u8", raw, strides=(1,))

    def words(self, at: Numbers) -> _Words:
        """The eight bytes at each place. NotColumnar for a place outside."""
        try:
            return self._words[at]
        except IndexError:
            raise NotColumnar from None

    def _first(self, at: Numbers) -> NDArray[np.uint8]:
        try:
            return self._bytes[at]
        except IndexError:
            raise NotColumnar from None

    def numbers(self, at: Numbers) -> tuple[Numbers, Numbers]:
        """The numbers at these places, and the places behind them."""
        words = self.words(at)
        if not (words & _MORE).any():
            return _unzigzag(words & _SEVEN), at + 1
        below = _below_end(words)
        found = words & below & _SEVENS
        for low, high, shift in _JOINS:
            found = (found & low) | ((found & high) >> shift)
        return _unzigzag(found), at + _width(below)

    def behind_numbers(self, at: Numbers) -> Numbers:
        """The places behind the numbers at these places."""
        if not (self._first(at) & _MORE_FOLLOW).any():
            return at + 1
        return at + _width(_below_end(self.words(at)))

    def behind_times(self, at: Numbers) -> Numbers:
        """The same of numbers that mostly have eight bytes, as every time of this century."""
        words = self.words(at)
        if (words & _ENDS == _EIGHT_BYTES).all():
            return at + 8
        return at + _width(_below_end(words))

    def behind_texts(self, at: Numbers) -> Numbers:
        """The places behind the Avro strings (or bytes) at these places."""
        first = self._first(at)
        if not (first & _FAR).any():
            return at + (first >> 1) + 1
        length, at = self.numbers(at)
        if (length < 0).any():
            raise NotColumnar
        return at + length


_MORE_FOLLOW = 0x80
_MORE = np.uint64(_MORE_FOLLOW)
_SEVEN = np.uint64(0x7F)
_FAR = 0x81
"""Bits of a length's first byte that say that it has another, or is negative."""
_EIGHT_BYTES = np.uint64(0x0080808080808080)
_ONE = np.uint64(1)
_ENDS = np.uint64(0x8080808080808080)
_SEVENS = np.uint64(0x7F7F7F7F7F7F7F7F)
_JOINS = (
    (np.uint64(0x007F007F007F007F), np.uint64(0x7F007F007F007F00), np.uint64(1)),
    (np.uint64(0x00003FFF00003FFF), np.uint64(0x3FFF00003FFF0000), np.uint64(2)),
    (np.uint64(0x000000000FFFFFFF), np.uint64(0x0FFFFFFF00000000), np.uint64(4)),
)
"""Seven bits of each byte put together to fourteen of each pair, to 28 of four, to 56 of eight."""


def _below_end(words: _Words) -> _Words:
    """All bits below the highest of the last byte of each number. NotColumnar above eight bytes."""
    ends = ~words & _ENDS
    if not ends.all():
        raise NotColumnar
    return (ends & (~ends + _ONE)) - _ONE


def _width(below: _Words) -> Numbers:
    """Bytes of each number."""
    return (np.bitwise_count(below).astype(np.int64) + 1) >> 3


def _unzigzag(found: _Words) -> Numbers:
    whole = found.view(np.int64)
    return (whole >> 1) ^ -(whole & 1)


def _size(low: int, high: int) -> int:
    """Bytes of a Kafka record whose length begins so; a great many for one of 8 KiB or more."""
    if low < _MORE_FOLLOW:
        return 1 + (low >> 1)
    return 2 + ((low & 0x7F | high << 7) >> 1) if high < _MORE_FOLLOW else 1 << 62


_SIZES = [[_size(low, high) for low in range(256)] for high in range(256)]


def different(data: Bytes, begins: Numbers, ends: Numbers) -> tuple[Numbers, Numbers]:
    """Rows that stand for all slices that are equal, and for each row its place among those.

    Equal slices may come more than once, but never different ones as one.
    """
    columns = list(_padded(data, begins, ends - begins))
    mixed = columns[0].copy()
    for column in columns[1:]:
        mixed *= _MIX
        mixed ^= column
    order = np.argsort(mixed)
    new = np.zeros(len(order), np.bool_)
    new[:1] = True
    for column in columns:
        ordered = column[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    which = np.empty(len(order), np.int64)
    which[order] = np.cumsum(new) - 1
    return order[new], which


def _padded(data: Bytes, begins: Numbers, lengths: Numbers) -> Iterator[_Words]:
    """The slices as words, behind their end zeros; last their lengths."""
    shortest, longest = int(lengths.min(initial=1 << 40)), int(lengths.max(initial=0))
    for at in range(0, longest, WORD):
        left = lengths - at
        places = begins + at
        if at > shortest:
            places[left < 0] = 0
        words = data.words(places)
        yield words if at + WORD <= shortest else words & _OWN[np.clip(left, 0, WORD)]
    yield lengths.view(np.uint64)


_MIX = np.uint64(0x9E3779B97F4A7C15)
_OWN = np.array([(1 << 8 * count) - 1 for count in range(WORD + 1)], np.uint64)
"""By how many bytes of a word are a slice's own."""


def record_ends(data: Bytes, count: int) -> Numbers:
    """Where each of ``count`` Kafka records ends, which fill the bytes."""
    raw, sizes, at = data.raw, _SIZES, 0
    try:
        ends = [at := at + sizes[raw[at + 1]][raw[at]] for _ in range(count)]
    except IndexError:
        ends = _far_record_ends(bytes(raw[: data.size]), count)
    if ends[-1:] != [data.size]:
        raise NotColumnar
    return np.array(ends, np.int64)


def _far_record_ends(raw: bytes, count: int) -> list[int]:
    """The same of records of any length."""
    ends = []
    at = 0
    try:
        for _ in range(count):
            length, at = far_length(raw, at)
            at += length >> 1
            ends.append(at)
    except (IndexError, ValueError):
        raise NotColumnar from None
    return ends


def frames(data: Bytes, begins: Numbers, ends: Numbers) -> Frames:
    """The values of Kafka records (format v2) that lie there. NotColumnar where one has none."""
    at = data.behind_numbers(data.behind_numbers(begins) + 1)  # Length, attributes, time.
    offset_deltas, at = data.numbers(at)
    key, at = data.numbers(at)
    length, at = data.numbers(at + np.maximum(key, 0))  # A mark has no key, told as -1.
    if (length < HEADER_BYTES).any():
        raise NotColumnar
    behind = at + length
    headers, past = data.numbers(behind)
    rows = np.flatnonzero(headers)
    done = 0
    while len(rows):
        value, there = data.numbers(data.behind_texts(past[rows]))
        past[rows] = there + np.maximum(value, 0)
        done += 1
        rows = rows[headers[rows] > done]
    if (past != ends).any():
        raise NotColumnar
    return Frames(at, behind, offset_deltas)


_HEAD_BYTES = np.uint64((1 << 8 * HEADER_BYTES) - 1)
_FACT_HEAD = np.uint64(int.from_bytes(wire_head(FACT), "little"))
_MARK_HEAD = np.uint64(int.from_bytes(wire_head(MARK), "little"))


def which_are_facts(data: Bytes, begins: Numbers) -> NDArray[np.bool_]:
    """Which of these values are facts; NotColumnar unless the others are marks."""
    heads = data.words(begins) & _HEAD_BYTES
    found: NDArray[np.bool_] = heads == _FACT_HEAD
    if not (found | (heads == _MARK_HEAD)).all():
        raise NotColumnar
    return found


def facts(data: Bytes, begins: Numbers, ends: Numbers) -> Facts:
    """The fields of these values, all of them facts."""
    length, sku_from = data.numbers(begins + HEADER_BYTES)
    if (length < 0).any():
        raise NotColumnar
    sku_to = sku_from + length
    seq, at = data.numbers(sku_to)
    for _ in ("kind", "source", "event_id"):
        at = data.behind_texts(at)
    correlation = at
    for _ in ("correlation_id", "topic"):
        at = data.behind_texts(at)
    for _ in ("partition", "offset", "schema_id"):
        at = data.behind_numbers(at)
    times = data.behind_times(at + 8)  # The payload's hash, and occurred_at.
    at = data.behind_times(data.behind_times(times))
    deltas, at = _deltas(data, at)
    for rows in _items(data, at):
        at[rows] = data.behind_texts(at[rows])  # A flag.
    length, body_from = data.numbers(at)
    if (body_from + length != ends).any():
        raise NotColumnar
    return Facts(sku_from, sku_to, seq, correlation, times, body_from, ends, *deltas)


def _items(data: Bytes, at: Numbers) -> Iterator[Numbers]:
    """Rows that have one more item of the Avro array at ``at``, until none has.

    Who asks moves ``at`` of these rows behind the item.
    """
    count, at[:] = data.numbers(at)
    if (count < 0).any():
        raise NotColumnar  # A block that tells its size in bytes: nothing of ours writes it.
    had = rows = np.flatnonzero(count)
    done = 0
    while len(rows):
        yield rows
        done += 1
        rows = rows[count[rows] > done]
    more, at[had] = data.numbers(at[had])
    if more.any():
        raise NotColumnar


def _deltas(data: Bytes, at: Numbers) -> tuple[tuple[Numbers, Numbers, Numbers, Numbers], Numbers]:
    """Rows, keys and units of the deltas at ``at``, and the places behind them."""
    found: list[tuple[Numbers, Numbers, Numbers, Numbers]] = []
    for rows in _items(data, at):
        begin = at[rows]
        end = data.behind_texts(begin)
        for _ in ("location", "channel"):
            end = data.behind_texts(end)
        units, at[rows] = data.numbers(end)
        inside = _inside(data, begin)
        found.append((rows[inside], begin[inside], end[inside], units[inside]))
    if not found:
        none = np.empty(0, np.int64)
        return (none, none, none, none), at
    columns = [np.concatenate(column) for column in zip(*found, strict=True)]
    return (columns[0], columns[1], columns[2], columns[3]), at


def _word(name: str) -> int:
    raw = bytes((2 * len(name),)) + name.encode()
    return int.from_bytes(raw[:WORD], "little")


_ACCOUNTS = np.sort(np.array([_word(name) for name in NAMES], np.uint64))
"""The first bytes of each account's name as an Avro string; no two begin alike."""
_OUTSIDE = np.isin(_ACCOUNTS, np.array([_word(name) for name in NAMES[FIRST_OUTSIDE:]], np.uint64))
_MASKS = np.array([(1 << 8 * min(1 + length // 2, WORD)) - 1 for length in range(256)], np.uint64)
"""By the byte that tells a name's length: which of the first eight bytes are its own."""


def _inside(data: Bytes, at: Numbers) -> NDArray[np.bool_]:
    """Which of the account names there are not outside ones. NotColumnar for an unknown name."""
    words = data.words(at)
    words &= _MASKS[words & np.uint64(0xFF)]
    found = np.searchsorted(_ACCOUNTS, words)
    found[found == len(_ACCOUNTS)] = 0
    if (_ACCOUNTS[found] != words).any():
        raise NotColumnar
    inside: NDArray[np.bool_] = ~_OUTSIDE[found]
    return inside
