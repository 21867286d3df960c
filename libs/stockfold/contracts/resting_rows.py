"""The state of one SKU as the few bytes in which it rests, in memory and in snapshots.

A row holds what the fold cannot derive, in the order in which the fold made it; so equal folds give
equal bytes, and a state that was unpacked folds on exactly as the one it was packed from. It is
MessagePack, whose integers take one to nine bytes. The SKU itself is the key beside it.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from sys import intern

import msgspec

from stockfold.contracts.rare_rows import Rare, put_rare, rare_of
from stockfold.ledger.forgetting import OLD_MOVES_MIN
from stockfold.ledger.state import SkuState

_NIL = 0xC0


class _Row(msgspec.Struct, array_like=True, gc=False):
    """One SKU. ``book``, ``outside`` and ``moves`` are the arrays of ``SkuState``."""

    rare: Rare | None
    """First, so that one byte tells whether there is any."""
    seq: int
    locations: list[str]
    book: list[int]
    outside: list[int]
    moves: list[int]


_encode = msgspec.msgpack.Encoder().encode
_decode: Callable[[bytes], _Row] = msgspec.msgpack.Decoder(_Row).decode


def pack(state: SkuState) -> bytes:
    """The row of a SKU."""
    return _encode(
        (
            rare_of(state),
            state.seq,
            state.locations,
            state.book.tolist(),
            state.outside.tolist(),
            state.moves.tolist(),
        )
    )


def unpack(sku: str, raw: bytes) -> SkuState:
    """The SKU again. msgspec.MsgspecError or ValueError when this is no row."""
    row = _decode(raw)
    state = SkuState(
        sku,
        list(map(intern, row.locations)),
        array("q", row.book),
        array("q", row.outside),
        array("q", row.moves),
    )
    state.seq = row.seq
    if row.rare is not None:
        put_rare(state, row.rare)
    return state


def is_plain(raw: bytes) -> bool:
    """Whether the row has nothing but numbers: no lines, documents, expiries, parked commands."""
    return raw[1] == _NIL


def has_old_moves(raw: bytes) -> bool:
    """Whether it has so many movements that a SKU would forget old ones."""
    few = 3 * OLD_MOVES_MIN  # Three numbers each, of a byte or more.
    return len(raw) > few and len(_decode(raw).moves) >= few


def rare_in(raw: bytes) -> Rare | None:
    """What the row has beside its numbers."""
    return None if is_plain(raw) else _decode(raw).rare


def weight(state: SkuState) -> int:
    """About how large the row will be, in the size of a SKU without anything rare."""
    return 1 + len(state.lines) + len(state.documents) + len(state.moves) // 30
