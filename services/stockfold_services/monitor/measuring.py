"""What records of our topics say about promises kept: one measurement, or none. Pure.

A measurement is a plain mapping, because Faust sends it on as JSON: ``what`` was measured, at which
``channel`` (and ``sku``), ``at`` which time in seconds since 1970, and ``took_ms``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from stockfold.orders.lifecycle import WAITING

ORDERS = "order_ingestion"
STOCK = "inventory_propagation"
PARCELS = "shipment_confirmation"
SOLD = "sold"
SHOWN = "shown"
SHIPMENT = "order shipment"
Measurement = dict[str, Any]
Body = Mapping[str, Any]


def is_waiting(status: Body) -> bool:
    """Whether an order has not come to rest."""
    return status["status"] in WAITING


def waits_since_us(status: Body) -> int:
    """Since when an order that has begun to wait is known in Kafka."""
    return int(status["caused_at"] or status["recorded_at"])


def order(status: Body, since_us: int | None) -> list[Measurement]:
    """Of an order that has come to rest: how long that took, and which SKUs it sold.

    ``since_us`` is since when it waited; None where it did not, and nothing is to be measured.
    """
    channel, at_s = status["channel"], status["recorded_at"] / 1e6
    found = []
    if since_us is not None:
        found.append(_of(ORDERS, channel, at_s, max(status["recorded_at"] - since_us, 0) // 1000))
    if status["accepted"]:
        skus = sorted({line["sku"] for line in status["lines"] if line["sku"]})
        found += [{**_of(SOLD, channel, at_s, 0), "sku": sku} for sku in skus]
    return found


def delivery(body: Body) -> Measurement | None:
    """From the stock event to the shop showing it."""
    if body["outcome"] != "applied" or body["took_us"] is None:
        return None
    return _of(STOCK, body["channel"], body["finished_at"] / 1e6, body["took_us"] // 1000)


def parcel(begun: Body) -> dict[str, Any] | None:
    """What is to be remembered of a parcel that is being written to its shop; None for others."""
    if begun["command"] != SHIPMENT or begun["outcome"] != "begun":
        return None
    details = orjson.loads(begun["details"])
    return {
        "channel": begun["subject"].partition("/")[0],
        "shipped_us": details["shipped_at_us"],
    }


def confirmed(remembered: Mapping[str, Any], done: Body) -> Measurement:
    """From the parcel leaving to the shop having it."""
    took_ms = max((done["at"] - remembered["shipped_us"]) // 1000, 0)
    return _of(PARCELS, remembered["channel"], done["at"] / 1e6, took_ms)


def shown(body: Body) -> Measurement:
    """Whether a channel has units of a SKU to sell."""
    found = _of(SHOWN, body["channel"], body["recorded_at"] / 1e6, 0)
    return {**found, "sku": body["sku"], "sells": body["quantity"] > 0}


def _of(what: str, channel: str, at_s: float, took_ms: int) -> Measurement:
    return {"what": what, "channel": channel, "at": at_s, "took_ms": took_ms}
