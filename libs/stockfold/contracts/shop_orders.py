"""What a shop told of an order, as the records of the orders topic; and what is to be looked up."""

from __future__ import annotations

import msgspec

from stockfold.channels.orders import ChannelOrder, OrderLine, OrderStatus
from stockfold.contracts import envelope as envelopes
from stockfold.contracts.codec import encoder
from stockfold.contracts.envelope import Envelope
from stockfold.contracts.topics import ORDER_SWEEPS, ORDERS

_ORDER_CHANGED = "stockfold.OrderChanged"
_encode_order = encoder(_ORDER_CHANGED)
_encode_question = encoder("stockfold.OrderToLookUp")
_encode_reached = encoder("stockfold.SweepReached")
NOT_TO_BE_TOLD = -1
"""For a quantity that is no whole number of units: out of range, so that the orders service makes
an exception of the order, to be corrected and resubmitted, and nobody counts with it."""
CURSOR = "cursor"
QUESTION = "question"


class ShopRecord(msgspec.Struct, frozen=True, gc=False):
    """A record to be sent; ``topic`` is without prefix."""

    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]] = []


def order_record(order: ChannelOrder) -> ShopRecord:
    """``OrderChanged`` of an order. A deleted one is cancelled, whatever it was before."""
    deleted = order.status is OrderStatus.DELETED
    body = {
        "channel": order.channel,
        "order": order.order,
        "revision": order.revision,
        "occurred_at": order.occurred_at,
        "placed_at": order.created_at or None,
        "status": OrderStatus.CANCELLED.value if deleted else order.status.value,
        "accepted": order.accepted,
        "hold_until": order.hold_until,
        "terms": None,
        "lines": [_line(line) for line in order.lines],
        "fulfilments": [],
        "return_authorisations": [],
    }
    key = f"{order.channel}|{order.order}"
    source = f"/channels/{order.channel}/orders"
    envelope = Envelope(order.event_id, source, _ORDER_CHANGED, order.occurred_at, key)
    headers = envelopes.build(envelope, subject=key)
    return ShopRecord(ORDERS.name, key.encode(), _encode_order(body), headers)


def _line(line: OrderLine) -> dict[str, object]:
    return {
        "line": line.line,
        "code": line.code,
        "quantity": NOT_TO_BE_TOLD if line.problem else line.quantity,
        "shipped": line.shipped,
        "refunded": line.refunded,
        "restocked": line.restocked,
        "taxes": [msgspec.to_builtins(tax) for tax in line.taxes],
    }


def question_record(channel: str, order: str, asked_us: int) -> ShopRecord:
    """An order to be looked up in its shop. Each has a key of its own, so that none is forgotten
    by the answer to another.
    """
    key = f"{QUESTION}|{channel}|{order}|{asked_us}"
    body = {"channel": channel, "order": order, "asked_at": asked_us}
    return ShopRecord(ORDER_SWEEPS.name, key.encode(), _encode_question(body))


def reached_record(channel: str, reached_us: int) -> ShopRecord:
    """Up to when a shop's orders were read whole."""
    value = _encode_reached({"channel": channel, "reached": reached_us})
    return ShopRecord(ORDER_SWEEPS.name, f"{CURSOR}|{channel}".encode(), value)
