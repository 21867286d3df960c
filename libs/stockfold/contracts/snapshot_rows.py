"""The rows of snapshots of version 1: MessagePack with the arrays as little-endian 64-bit integers.

Later versions have ``resting_rows``.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from sys import intern

import msgspec

from stockfold.contracts.rare_rows import Rare, put_rare
from stockfold.ledger.state import SkuState

_SWAPS = sys.byteorder == "big"


class Row(msgspec.Struct, array_like=True, gc=False):
    """One SKU. ``book``, ``outside`` and ``moves`` are the arrays of ``SkuState``."""

    sku: str
    seq: int
    locations: list[str]
    book: bytes
    outside: bytes
    moves: bytes
    rare: Rare | None = None


_decode = msgspec.msgpack.Decoder(list[Row]).decode


def decode_rows(raw: bytes) -> Iterator[SkuState]:
    """The SKUs again. msgspec.MsgspecError or ValueError when these are no rows."""
    for row in _decode(raw):
        yield _state(row)


def _state(row: Row) -> SkuState:
    state = SkuState(
        row.sku,
        list(map(intern, row.locations)),
        _array(row.book),
        _array(row.outside),
        _array(row.moves),
    )
    state.seq = row.seq
    if row.rare is not None:
        put_rare(state, row.rare)
    return state


def _array(raw: bytes) -> array[int]:
    numbers = array("q", raw)
    if _SWAPS:
        numbers.byteswap()
    return numbers
