"""An order's state as MessagePack: for snapshots, and for orders that rest in memory.

The same state always gives the same bytes.
"""

from __future__ import annotations

import msgspec

from stockfold.orders.state import Case, Demand, OrderState
from stockfold.orders.words import Order


class _Row(msgspec.Struct, array_like=True):
    """The fields of an ``OrderState``, under its own names; a storage format: add at the end."""

    channel: str
    order_id: str
    seq: int
    at_us: int
    status: str
    reason: str
    order: Order | None
    expires_us: int
    fresh: bool
    suspended: str
    suspended_body: tuple[int, str]
    refused: str
    refused_us: int
    demands: list[Demand]
    asks: int
    asked_us: int
    attempt: int
    rounds: int
    silences: int
    due_us: int
    gave_up: bool
    authorised: list[str]
    cases: list[Case]


_PLAIN = tuple(
    name
    for name in _Row.__struct_fields__
    if name not in ("channel", "order_id", "demands", "authorised", "cases")
)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Row).decode


def pack(state: OrderState) -> bytes:
    """The row of a state."""
    fields = {name: getattr(state, name) for name in ("channel", "order_id", *_PLAIN)}
    return _encode(
        _Row(
            **fields,
            demands=state.demands,
            authorised=sorted(state.authorised),
            cases=list(state.cases.values()),
        )
    )


def unpack(row: bytes) -> OrderState:
    """The state of a row; msgspec.MsgspecError when it is none."""
    read = _decode(row)
    state = OrderState(read.channel, read.order_id)
    for name in _PLAIN:
        setattr(state, name, getattr(read, name))
    for demand in read.demands:
        state.add(demand)
    state.authorised = set(read.authorised)
    state.cases = {case.case: case for case in read.cases}
    return state
