"""What every peer does with an event: fold it over values that its framework keeps.

Plain Python over a key-value store, as a user of such a framework would write it. Each demand line
and each event id has an entry of its own; one value for a whole SKU would grow with every order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import msgspec
import xxhash

from stockfold.contracts.inputs import InputReader
from stockfold.contracts.topics import INPUT_OF

JOURNAL = "journal"
POSITIONS = "positions"
ON_HAND, RESERVED, ALLOCATED, DAMAGED, IN_TRANSIT = range(5)


class Store(Protocol):
    """The framework's state for the SKU in hand."""

    def get(self, name: str) -> Any:
        """What was kept under a name; None for nothing."""
        ...

    def set(self, name: str, value: Any) -> None:
        """Keep a value."""
        ...


class Out(NamedTuple):
    """A record to produce."""

    topic: str
    key: bytes
    value: bytes


_encode = msgspec.json.Encoder().encode
_TYPES = frozenset(INPUT_OF)
_reader = InputReader()


def fold(
    key: bytes, value: bytes, headers: list[tuple[str, bytes]], offset: int, store: Store
) -> list[Out]:
    """One event: known already, refused, or folded; what is to be produced for it."""
    given = _reader.read("inputs", _TYPES, 0, offset, 0, key, value, headers)
    name = f"e{xxhash.xxh3_64_intdigest(f'{given.source} {given.event_id}'.encode())}"
    known = store.get(name)
    if known is not None:
        return []
    row = store.get("s") or {"seq": 0, "at": {}}
    moved: list[tuple[str, int, int]] = []

    def move(place: str, account: int, units: int) -> None:
        moved.append((place, account, units))

    kept = _FOLDS[given.type](given.body, store, move, row)
    row["seq"] += 1
    at = row["at"]
    for place, account, units in moved:
        numbers = at.get(place)
        if numbers is None:
            numbers = at[place] = [0, 0, 0, 0, 0]
        numbers[account] += units
    store.set("s", row)
    store.set(name, given.payload_hash)
    fact = {
        "sku": given.sku, "seq": row["seq"], "type": given.type, "deltas": moved, "kept": kept,
        "source": given.source, "event_id": given.event_id, "occurred_at": given.occurred_us,
        "correlation_id": given.correlation_id, "topic": given.topic, "offset": offset,
        "schema_id": given.schema_id, "payload_hash": given.payload_hash,
    }  # fmt: skip
    out = [Out(JOURNAL, key, _encode(fact))]
    for place in dict.fromkeys(place for place, _, _ in moved):
        numbers = at[place]
        position = {
            "sku": given.sku, "location": place, "seq": row["seq"], "numbers": numbers,
            "atp": numbers[ON_HAND] - numbers[RESERVED] - numbers[ALLOCATED],
        }  # fmt: skip
        out.append(Out(POSITIONS, place.encode() + b"|" + key, _encode(position)))
    return out


Body = Mapping[str, Any]
Move = Callable[[str, int, int], None]
Row = dict[str, Any]


def _received(body: Body, store: Store, move: Move, row: Row) -> Any:
    move(body["location"], ON_HAND, body["quantity"])


def _reserve(body: Body, store: Store, move: Move, row: Row) -> Any:
    left, parts = body["quantity"], []
    for place in body["locations"] or sorted(row["at"]):
        numbers = row["at"].get(place)
        free = numbers[ON_HAND] - numbers[RESERVED] - numbers[ALLOCATED] if numbers else 0
        taken = min(left, free)
        if taken > 0:
            move(place, RESERVED, taken)
            parts.append([place, taken, 0])
            left -= taken
    name = f"l{body['order']}|{body['line']}"
    line = {"channel": body["channel"], "parts": parts, "refused": left}
    store.set(name, line)
    store.set(f"r{body['reservation']}", name)
    return line


def _line_of(store: Store, name: str | None) -> tuple[str, Any] | None:
    line = store.get(name) if name is not None else None
    return None if name is None or line is None else (name, line)


def _release(body: Body, store: Store, move: Move, row: Row) -> Any:
    return _freed(_line_of(store, store.get(f"r{body['reservation']}")), store, move)


def _cancel(body: Body, store: Store, move: Move, row: Row) -> Any:
    return _freed(_line_of(store, f"l{body['order']}|{body['line']}"), store, move)


def _freed(found: tuple[str, Any] | None, store: Store, move: Move) -> Any:
    if found is None:
        return None
    name, line = found
    for part in line["parts"]:
        if part[1]:
            move(part[0], RESERVED, -part[1])
        if part[2]:
            move(part[0], ALLOCATED, -part[2])
        part[1] = part[2] = 0
    store.set(name, line)
    return line


def _extend(body: Body, store: Store, move: Move, row: Row) -> Any:
    found = _line_of(store, store.get(f"r{body['reservation']}"))
    if found is None:
        return None
    name, line = found
    line["expires_at"] = body["expires_at"]
    store.set(name, line)
    return line


def _move(body: Body, store: Store, move: Move, row: Row) -> Any:
    found = _line_of(store, store.get(f"r{body['reservation']}"))
    if found is None:
        return None
    name, line = found
    units = 0
    for part in line["parts"]:
        move(part[0], RESERVED, -part[1])
        units += part[1]
    move(body["location"], RESERVED, units)
    line["parts"] = [[body["location"], units, 0]]
    store.set(name, line)
    return line


def _allocate(body: Body, store: Store, move: Move, row: Row) -> Any:
    name = f"l{body['order']}|{body['line']}"
    line = store.get(name) or {"channel": "", "parts": [], "refused": 0}
    place, left = body["location"], body["quantity"]
    move(place, ALLOCATED, left)
    for part in line["parts"]:
        drawn = min(part[1], left)
        if drawn:
            move(part[0], RESERVED, -drawn)
            part[1] -= drawn
            left -= drawn
    line["parts"].append([place, 0, body["quantity"]])
    store.set(name, line)
    store.set(f"a{body['allocation']}", [name, place, body["quantity"]])
    return line


def _deallocate(body: Body, store: Store, move: Move, row: Row) -> Any:
    allocation = store.get(f"a{body['allocation']}")
    if allocation is None or not allocation[2]:
        return None
    name, place, units = allocation
    line = store.get(name)
    move(place, ALLOCATED, -units)
    move(place, RESERVED, units)
    line["parts"].append([place, units, -units])
    store.set(name, line)
    store.set(f"a{body['allocation']}", [name, place, 0])
    return line


def _ship(body: Body, store: Store, move: Move, row: Row) -> Any:
    name, units = f"a{body['allocation']}", body["quantity"]
    allocation = store.get(name)
    move(body["location"], ON_HAND, -units)
    if allocation is None:
        return None
    drawn = min(units, allocation[2])
    if drawn:
        move(allocation[1], ALLOCATED, -drawn)
        allocation[2] -= drawn
        store.set(name, allocation)
    left = units - drawn
    if left:
        line = store.get(allocation[0])
        for part in line["parts"]:
            from_part = min(part[1], left)
            if from_part > 0:
                move(part[0], RESERVED, -from_part)
                part[1] -= from_part
                left -= from_part
        store.set(allocation[0], line)
    return allocation


def _dispatch(body: Body, store: Store, move: Move, row: Row) -> Any:
    move(body["from"], ON_HAND, -body["quantity"])
    move(body["to"], IN_TRANSIT, body["quantity"])
    transfer = [body["to"], body["quantity"]]
    store.set(f"t{body['transfer']}", transfer)
    return transfer


def _arrive(body: Body, store: Store, move: Move, row: Row) -> Any:
    name = f"t{body['transfer']}"
    transfer = store.get(name) or [body["location"], 0]
    move(body["location"], ON_HAND, body["quantity"])
    drawn = min(transfer[1], body["quantity"])
    move(transfer[0], IN_TRANSIT, -drawn)
    transfer[1] -= drawn
    store.set(name, transfer)
    return transfer


def _close(body: Body, store: Store, move: Move, row: Row) -> Any:
    name = f"t{body['transfer']}"
    transfer = store.get(name)
    if transfer is not None:
        move(transfer[0], IN_TRANSIT, -transfer[1])
        store.set(name, [transfer[0], 0])


def _note(kind: str, *named: str) -> Callable[[Body, Store, Move, Row], Any]:
    """A document without a movement: it is kept under its names."""

    def keep(body: Body, store: Store, move: Move, row: Row) -> Any:
        store.set("|".join((kind, *(str(body[name]) for name in named))), body)
        return body

    return keep


def _return_in(body: Body, store: Store, move: Move, row: Row) -> Any:
    move(body["location"], DAMAGED, body["quantity"])


def _return_out(body: Body, store: Store, move: Move, row: Row) -> Any:
    move(body["location"], DAMAGED, -body["quantity"])
    move(body["location"], ON_HAND, body["quantity"])


def _adjust(body: Body, store: Store, move: Move, row: Row) -> Any:
    move(body["location"], ON_HAND, body["delta"])


def _status(body: Body, store: Store, move: Move, row: Row) -> Any:
    move(body["location"], ON_HAND, -body["quantity"])
    move(body["location"], DAMAGED, body["quantity"])


def _count(field: str) -> Callable[[Body, Store, Move, Row], Any]:
    def count(body: Body, store: Store, move: Move, row: Row) -> Any:
        numbers = row["at"].get(body["location"])
        move(body["location"], ON_HAND, body[field] - (numbers[ON_HAND] if numbers else 0))

    return count


_FOLDS: dict[str, Callable[[Body, Store, Move, Row], Any]] = {
    "GoodsReceived": _received,
    "ReserveStock": _reserve,
    "ReleaseReservation": _release,
    "ExtendReservation": _extend,
    "MoveReservation": _move,
    "OrderLineCancelled": _cancel,
    "StockAllocated": _allocate,
    "StockDeallocated": _deallocate,
    "StockShipped": _ship,
    "TransferDispatched": _dispatch,
    "TransferReceived": _arrive,
    "TransferClosed": _close,
    "InboundExpected": _note("i", "inbound", "line"),
    "InboundClosed": _note("i", "inbound"),
    "ReturnAuthorized": _note("b", "return"),
    "ReturnReceived": _return_in,
    "ReturnDispositioned": _return_out,
    "StockAdjusted": _adjust,
    "StockStatusChanged": _status,
    "StockCounted": _count("counted"),
    "StockSnapshotReported": _count("quantity"),
    "RingFenceSet": _note("f", "channel"),
    "BackorderLimitSet": _note("q", "channel"),
}
