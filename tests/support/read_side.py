"""Records of the output topics as a ledger, an availability service and a publisher write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson
from confluent_kafka import Producer

from stockfold.contracts.codec import encode
from stockfold.contracts.order_records import encode_case
from stockfold.contracts.progress import Standing, encode_standing
from stockfold.contracts.reference import encode_record
from stockfold.contracts.topics import (
    AVAILABILITY,
    CATALOG,
    DELIVERIES,
    EXCEPTIONS,
    JOURNAL,
    LISTINGS,
    ORDER_CASES,
    ORDER_STATUS,
    POSITIONS,
    REEVALUATION,
    REFERENCE,
    SHIPMENTS,
    Topic,
)
from stockfold.domain.reference import Alias, BillOfMaterials, CatalogItem, Component
from stockfold.domain.times import to_us
from stockfold.orders.state import Case, OrderState
from stockfold.runtime.kafka import confluent_config, group_id
from stockfold.runtime.settings import Settings

NOW_US = 1_793_534_400_000_000
BUCKETS = ("on_hand", "quality_hold", "damaged", "in_transit", "reserved", "allocated")
CAUSE = {"recorded_at": NOW_US, "correlation_id": "c-1", "caused_at": NOW_US - 1000}

Out = tuple[Topic, bytes | None, bytes | None]


def fact(
    sku: str,
    seq: int,
    deltas: Iterable[tuple[str, str, int]] = (),
    *,
    kind: str = "GoodsReceived",
    recorded_us: int = NOW_US,
    body: dict[str, Any] | None = None,
) -> Out:
    """A journal record; deltas are (account, location, quantity)."""
    record = {
        "sku": sku,
        "seq": seq,
        "kind": kind,
        "source": "/erp",
        "event_id": f"e-{sku}-{seq}",
        "correlation_id": "c-1",
        "topic": "stockfold.receipts.v1",
        "partition": 0,
        "offset": seq - 1,
        "schema_id": 1,
        "payload_hash": b"12345678",
        "occurred_at": recorded_us - 2000,
        "recorded_at": recorded_us,
        "caused_at": recorded_us - 1000,
        "deltas": [
            {"account": account, "location": location, "channel": "", "quantity": quantity}
            for account, location, quantity in deltas
        ],
        "flags": [],
        "body": orjson.dumps({} if body is None else {"v": 1, **body}),
    }
    return JOURNAL, sku.encode(), encode("stockfold.JournalFact", record)


def mark(partition: int = 0) -> Out:
    """The record that ends a transaction of the ledger."""
    record = {"partition": partition, "inputs": [], "recorded_at": NOW_US}
    return JOURNAL, None, encode("stockfold.InputsRead", record)


def position(
    sku: str, location: str, seq: int, *, recorded_us: int = NOW_US, **numbers: int
) -> Out:
    """A position record."""
    given = {name: numbers.get(name, 0) for name in BUCKETS}
    record = {
        "sku": sku,
        "location": location,
        "seq": seq,
        **given,
        "atp": given["on_hand"] - given["allocated"] - given["reserved"],
        "claims": [],
        "expected": [],
        **CAUSE,
        "recorded_at": recorded_us,
    }
    return POSITIONS, f"{location}|{sku}".encode(), encode("stockfold.Position", record)


def summary(sku: str, seq: int, backordered: dict[str, int]) -> Out:
    """A SKU's summary record."""
    record = {
        "sku": sku,
        "seq": seq,
        "backordered": [{"channel": c, "quantity": q} for c, q in backordered.items()],
        "fences": [],
        "limits": [],
        **CAUSE,
    }
    return POSITIONS, f"|{sku}".encode(), encode("stockfold.SkuSummary", record)


def availability(
    channel: str, sku: str, version: int, quantity: int, locations: Mapping[str, int] | None = None
) -> Out:
    """An availability record."""
    places = (locations or {}).items()
    record = {
        "channel": channel,
        "sku": sku,
        "quantity": quantity,
        "status": "in_stock" if quantity > 0 else "out_of_stock",
        "locations": [{"location": name, "quantity": units} for name, units in places],
        "version": version,
        "policy_revision": 1,
        "seq": version,
        "steps": [{"what": "atp", "quantity": quantity, "detail": f"{quantity} units"}],
        **CAUSE,
    }
    return AVAILABILITY, f"{channel}|{sku}".encode(), encode("stockfold.Availability", record)


def reevaluation(
    instance: str,
    began: datetime,
    now: datetime,
    listings: int,
    unseen: int,
    untold: int,
    zeros: int,
) -> Out:
    """A record of how far an instance of availability is."""
    standing = Standing(to_us(began), to_us(now), listings, unseen, untold, zeros, ("woo", "<b>"))
    return REEVALUATION, *encode_standing(instance, standing)


def delivery(channel: str, sku: str, version: int, outcome: str = "applied") -> Out:
    """A delivery record."""
    record = {
        "channel": channel,
        "sku": sku,
        "version": version,
        "quantity": 1,
        "outcome": outcome,
        "attempts": 1,
        "detail": "",
        "sent_at": NOW_US,
        "finished_at": NOW_US,
        "correlation_id": "c-1",
        "caused_at": NOW_US,
    }
    return DELIVERIES, f"{channel}|{sku}".encode(), encode("stockfold.Delivery", record)


def listing_state(
    channel: str, sku: str, desired: int, outcome: str = "", **known: int | None
) -> Out:
    """A record of how far a listing is; ``known`` are fields beside those that are always there."""
    record = {
        "channel": channel,
        "sku": sku,
        "desired_version": desired,
        "desired_quantity": 1,
        "outcome": outcome,
        "detail": "",
        "told_at": NOW_US,
        **known,
    }
    return LISTINGS, f"{channel}|{sku}".encode(), encode("stockfold.ListingState", record)


def order_case(name: str, channel: str, state: str = "open", owner: str = "stock-desk") -> Out:
    """A record of a case of an order."""
    case = Case(name, "1", "s1", 2, "insufficient_stock", owner, state, "orders", NOW_US, NOW_US)
    return ORDER_CASES, name.encode(), encode_case(OrderState(channel, "1"), case)


def order_status(
    channel: str,
    order: str,
    version: int,
    status: str = "confirmed",
    *,
    sku: str = "s1",
    recorded_us: int = NOW_US,
    reason: str = "",
) -> Out:
    """A record of where an order stands; it has one line of two units."""
    held = 2 if status == "confirmed" else 0
    ledger_order = f"{channel}/{order}"
    demand = {
        "sku": sku,
        "ledger_line": "1",
        "reservation": f"{ledger_order}/1/1",
        "asked": 2,
        "held": held,
        "backordered": 0,
        "shipped": 0,
    }
    line = {
        "line": "1",
        "sku": sku,
        "quantity": 2,
        "status": status,
        "reason": reason,
        "bill": "",
        "demands": [demand],
    }
    record = {
        "channel": channel,
        "order": order,
        "revision": version,
        "version": version,
        "status": status,
        "reason": reason,
        "told": "processing",
        "accepted": True,
        "ledger_order": ledger_order,
        "lines": [line],
        "event_id": f"e-{version}",
        "source": f"/shops/{channel}",
        **CAUSE,
        "recorded_at": recorded_us,
    }
    return ORDER_STATUS, f"{channel}|{order}".encode(), encode("stockfold.OrderStatus", record)


def parcel(channel: str, order: str, shipment: str, *, url: str = "", carrier: str = "DHL") -> Out:
    """A record of a parcel that has left."""
    record = {
        "channel": channel,
        "order": order,
        "shipment": shipment,
        "shipped_at": NOW_US,
        "carrier": carrier,
        "tracking_number": f"T-{shipment}",
        "tracking_url": url,
        "lines": [{"line": "1", "quantity": 2}],
    }
    return SHIPMENTS, f"{channel}|{order}".encode(), encode("stockfold.OrderShipped", record)


def item(sku: str, name: str, *parts: str) -> Out:
    """A record of the catalogue; with parts a kit."""
    bill = BillOfMaterials("1", tuple(Component(part, 1) for part in parts)) if parts else None
    known = CatalogItem(sku, 1, name, category="food", bill_of_materials=bill)
    return CATALOG, sku.encode(), encode_record(known)


def alias(scope: str, code: str, sku: str) -> Out:
    """A record of what a source calls a SKU."""
    known = Alias(scope, "sku", code, sku)
    return REFERENCE, f"alias|sku|{scope}|{code}".encode(), encode_record(known)


def exception(
    kind: str,
    sku: str,
    offset: int,
    *,
    value: bytes | None = b"\x00\xff",
    recorded_us: int = NOW_US,
) -> Out:
    """An exception record."""
    record = {
        "exception": f"stockfold.receipts.v1/0/{offset}/{kind}",
        "kind": kind,
        "folded": False,
        "reason": "quantity is -5",
        "remedy": "Correct it.",
        "sku": sku,
        "source": "/erp",
        "event_id": "e-1",
        "event_type": "stockfold.GoodsReceived",
        "topic": "stockfold.receipts.v1",
        "partition": 0,
        "offset": offset,
        "key": sku.encode(),
        "value": value,
        "headers": [
            {"name": "ce_id", "value": b"e-1"},
            {"name": "raw", "value": b"\xff"},
            {"name": "none", "value": None},
        ],
        **CAUSE,
        "recorded_at": recorded_us,
    }
    return EXCEPTIONS, sku.encode(), encode("stockfold.ExceptionRaised", record)


def produce(
    settings: Settings, outputs: Iterable[Out], partition: int = 0, *, commit: bool = True
) -> None:
    """Write records to one partition of their topics, in one transaction."""
    producer = Producer(
        {
            **confluent_config(settings),
            "transactional.id": group_id(settings, f"test-{partition}"),
            "compression.type": "lz4",
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    producer.init_transactions(30)
    producer.begin_transaction()
    for topic, key, value in outputs:
        producer.produce(
            topic.full_name(settings.prefix), key=key, value=value, partition=partition
        )
        producer.poll(0)
    if commit:
        producer.commit_transaction(60)
    else:
        producer.flush(60)
        producer.abort_transaction(60)
