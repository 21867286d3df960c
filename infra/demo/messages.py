"""Told events as Kafka messages, as the systems of a retailer would send them."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import fastavro
from infra.demo.derivation import CENTRE, HOUR_US
from infra.demo.telling import CARRIER, NOTE, WAITS

from stockfold.contracts import envelope
from stockfold.contracts.codec import encoder
from stockfold.contracts.topics import ALLOCATIONS, INPUT_OF, Topic

ERP = "/demo/erp"
WMS = "/demo/wms"
SHOP = "/demo/orders"
THIRD_PARTY = "/demo/carrier"
PUMP = "/demo/pump"
CHANNELS = ("till", "web", "city")
CENTRE_NAME = "dc-1"
FUEL_SCHEMA_ID = 900_001
"""The till of the pumps numbers its schemas itself; no registry knows this one."""
FUEL_SCHEMA = fastavro.parse_schema(
    {
        "type": "record",
        "name": "FuelSold",
        "namespace": "pump.till",
        "fields": [
            {"name": "sku", "type": "string"},
            {"name": "location", "type": "string"},
            {"name": "receipt", "type": "string"},
            {
                "name": "quantity",
                "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 3},
            },
            {"name": "unit", "type": "string"},
        ],
    }
)
ADJUSTMENTS: tuple[dict[str, Any], ...] = (
    {},
    {"bucket": "on_hand", "delta": -1, "reason": "stock_taking"},
    {"bucket": "on_hand", "delta": 1, "reason": "stock_taking"},
    {"bucket": "damaged", "delta": 1, "reason": "damaged"},
)

Body = dict[str, Any]


class Told(NamedTuple):
    """A row of ``telling.tell``."""

    kind: str
    sku: int
    store: int
    other: int
    key1: int
    key2: int
    quantity: int
    time_us: int
    word: str


class Message(NamedTuple):
    """One message to produce; ``topic`` has no environment prefix."""

    topic: Topic
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


class _Said(NamedTuple):
    """An event before it is encoded."""

    type: str
    id: str
    source: str
    body: Body
    correlation: str = ""


def location(store: int) -> str:
    """The location of a store number."""
    return CENTRE_NAME if store == CENTRE else f"store-{store}"


def _expected(told: Told) -> _Said:
    name = f"PO-{told.key1}-{told.sku}-{told.store}"
    eta = told.time_us + HOUR_US * 24
    body = {"inbound": name, "line": "1", "eta": eta, "confidence": 90, "revision": 1}
    return _Said("InboundExpected", name, ERP, body)


def _received(told: Told) -> _Said:
    paper = f"{told.key1}-{told.sku}-{told.store}"
    order = f"PO-{paper}" if told.other else None
    body = {"inbound": order, "line": "1" if order else None, "condition": "on_hand"}
    return _Said("GoodsReceived", f"GR-{paper}", ERP, body)


def _opening(told: Told) -> _Said:
    body = {"condition": "on_hand"}
    return _Said("GoodsReceived", f"OPEN-{told.sku}-{told.store}", ERP, body)


def _extra(told: Told) -> _Said:
    name = f"GX-{told.key1}-{told.sku}-{told.store}"
    return _Said("GoodsReceived", name, ERP, {"condition": told.word})


def _received_at_centre(told: Told) -> _Said:
    name = f"GC-{told.key1}-{told.sku}-{told.key2}"
    return _Said("GoodsReceived", name, ERP, {"condition": "on_hand"})


def _old_paper(told: Told) -> _Said:
    name = f"OLD-{told.sku}-{told.store}"
    return _Said("GoodsReceived", name, ERP, {"condition": "on_hand"})


def _transfer(told: Told) -> str:
    return f"T{told.word}-{told.key1}-{told.sku}-{told.key2}"


def _dispatched(told: Told) -> _Said:
    name = _transfer(told)
    body = {"transfer": name, "from": location(told.store), "to": location(told.other)}
    return _Said("TransferDispatched", f"{name}-out", WMS, body)


def _arrived(told: Told) -> _Said:
    name = _transfer(told)
    body = {"transfer": name, "condition": "on_hand"}
    return _Said("TransferReceived", f"{name}-in", WMS, body)


def _transfer_closed(told: Told) -> _Said:
    name = _transfer(told)
    return _Said("TransferClosed", f"{name}-end", WMS, {"transfer": name, "remainder": "lost"})


def _adjusted(told: Told) -> _Said:
    name = f"ADJ-{told.sku}-{told.store}"
    return _Said("StockAdjusted", name, WMS, dict(ADJUSTMENTS[told.other]))


def _return_received(told: Told) -> _Said:
    name = f"RMA-{told.key1}-{told.key2}"
    body = {"return": name, "order": str(told.key1), "line": str(told.key2)}
    return _Said("ReturnReceived", f"{name}-in", WMS, body, str(told.key1))


def _return_decided(told: Told) -> _Said:
    name = f"RMA-{told.key1}-{told.key2}"
    body = {"return": name, "to": told.word}
    return _Said("ReturnDispositioned", f"{name}-out", WMS, body, str(told.key1))


def _reserved(told: Told) -> _Said:
    order, line = str(told.key1), str(told.key2)
    body = {
        "reservation": f"R-{order}-{line}",
        "order": order,
        "line": line,
        "channel": CHANNELS[told.other],
        "locations": [location(told.store)],
        "allow_backorder": told.word == WAITS,
    }
    return _Said("ReserveStock", f"R-{order}-{line}", SHOP, body, order)


def _allocated(told: Told) -> _Said:
    order, line = str(told.key1), str(told.key2)
    name = f"A-{order}-{line}"
    body = {"allocation": name, "order": order, "line": line}
    return _Said("StockAllocated", name, ERP, body, order)


def _shipped(told: Told) -> _Said:
    order, line = str(told.key1), str(told.key2)
    name = f"S-{order}-{line}"
    body: Body = {
        "shipment": name,
        "allocation": f"A-{order}-{line}",
        "order": order,
        "line": line,
    }
    if told.word in (NOTE, CARRIER):
        body["document"], body["document_line"] = f"DN-{order}", line
    if told.word == CARRIER:
        return _Said("StockShipped", f"C-{order}-{line}", THIRD_PARTY, body, order)
    return _Said("StockShipped", name, ERP, body, order)


def _line_cancelled(told: Told) -> _Said:
    order, line = str(told.key1), str(told.key2)
    body = {"order": order, "line": line}
    return _Said("OrderLineCancelled", f"X-{order}-{line}", SHOP, body, order)


SAID: Mapping[str, Callable[[Told], _Said]] = {
    "expected": _expected,
    "received": _received,
    "opening": _opening,
    "extra": _extra,
    "received_at_centre": _received_at_centre,
    "old_paper": _old_paper,
    "dispatched": _dispatched,
    "arrived": _arrived,
    "transfer_closed": _transfer_closed,
    "adjusted": _adjusted,
    "return_received": _return_received,
    "return_decided": _return_decided,
    "reserved": _reserved,
    "allocated": _allocated,
    "shipped": _shipped,
    "line_cancelled": _line_cancelled,
}


class Messages:
    """Makes messages; holds the encoders."""

    def __init__(self) -> None:
        self._encoders = {name: encoder(name) for name in INPUT_OF}

    def of(self, row: tuple[Any, ...]) -> Message:
        """The message of a row of ``telling.tell``."""
        told = Told._make(row)
        if told.kind == "fuel":
            return _fuel(told)
        said = SAID[told.kind](told)
        sku = str(told.sku)
        body = {
            "sku": sku,
            "location": location(told.store),
            "quantity": told.quantity,
            **said.body,
        }
        name = f"stockfold.{said.type}"
        headers = envelope.build(
            envelope.Envelope(said.id, said.source, name, told.time_us, said.correlation)
        )
        return Message(INPUT_OF[name], sku.encode(), self._encoders[name](body), headers)


def _fuel(told: Told) -> Message:
    """A sale of fuel, in the pump's own schema."""
    sku, receipt = str(told.sku), f"{told.key1}-{told.key2}"
    body = {
        "sku": sku,
        "location": location(told.store),
        "receipt": receipt,
        "quantity": Decimal(told.quantity).scaleb(-3),
        "unit": "GLL",
    }
    out = io.BytesIO()
    out.write(b"\0" + FUEL_SCHEMA_ID.to_bytes(4, "big"))
    fastavro.schemaless_writer(out, FUEL_SCHEMA, body)
    headers = envelope.build(
        envelope.Envelope(f"F-{receipt}", PUMP, "pump.till.FuelSold", told.time_us, str(told.key1))
    )
    return Message(ALLOCATIONS, sku.encode(), out.getvalue(), headers)
