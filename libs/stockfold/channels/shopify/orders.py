"""Shopify's orders: the payload of a webhook → what it says.

Topics ``orders/create``, ``updated``, ``paid``, ``cancelled``, ``fulfilled`` and
``partially_fulfilled`` carry the whole order; ``orders/delete`` its id alone, and what was deleted
never comes back; ``refunds/create`` and ``orders/edited`` are followed by ``orders/updated``, which
says the same and more. Shopify takes an order's units from ``available`` when it is placed, paid or
not; a refund puts them back as its restock type says: ``cancel`` units that had not shipped,
``return`` units that had, ``no_restock`` none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from stockfold.channels.orders import (
    ChannelOrder,
    NotWholeError,
    OrderLine,
    OrderStatus,
    Tax,
    rate_ppm,
    revision_of,
    text,
    unreadable,
    whole,
)
from stockfold.domain.times import parse_us

WHOLE = frozenset(
    f"orders/{event}"
    for event in (
        "create",
        "updated",
        "paid",
        "cancelled",
        "fulfilled",
        "partially_fulfilled",
    )
)
DELETE = "orders/delete"
FINAL_REVISION = 2**63 - 1
_ONE_PPM = 1_000_000
_RESTOCKED = ("cancel", "return", "legacy_restock")
_REMEDY = "Subscribe to the topics orders/create, orders/updated, orders/cancelled, as JSON."


def read_body(body: bytes, topic: str, channel: str, at_us: int) -> ChannelOrder | None:
    """The order of a webhook's body; None for a topic that tells nothing by itself.

    ``at_us`` is when it came; only a deletion is dated by it. ContractError
    ``unreadable_order`` for anything else.
    """
    where = f"webhook of channel {channel}"
    if topic not in WHOLE and topic != DELETE:
        return None
    try:
        tree = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise unreadable(f"the body is no JSON: {str(error)[:80]}", where, _REMEDY) from None
    if not isinstance(tree, dict):
        raise unreadable("the body is no object", where, _REMEDY)
    if topic == DELETE:
        return _deleted(_name(tree, where), channel, at_us)
    return read_tree(tree, channel)


def _deleted(order: str, channel: str, at_us: int) -> ChannelOrder:
    """No moment is told, and none is needed: nothing comes after it."""
    return ChannelOrder(
        channel=channel,
        order=order,
        revision=FINAL_REVISION,
        occurred_at=at_us,
        created_at=0,
        status=OrderStatus.DELETED,
        accepted=False,
    )


def _name(tree: Mapping[str, Any], where: str) -> str:
    order = _id(tree.get("id"))
    if not order:
        raise unreadable("id is no order's number", where, _REMEDY)
    return order


def read_tree(
    tree: Mapping[str, Any], channel: str, *, settled_at: int | None = None
) -> ChannelOrder:
    """The order of a webhook's tree; ContractError ``unreadable_order``.

    ``settled_at``: what last changed up to then, in UTC microseconds of the shop, is final. A
    webhook does not tell when it was written.
    """
    order = _name(tree, f"order of channel {channel}")
    where = f"order {order} of channel {channel}"
    lines = tree.get("line_items")
    updated = _moment(tree.get("updated_at"))
    if not isinstance(lines, list) or updated is None:
        raise unreadable("it has no lines, or updated_at is no date", where, _REMEDY)
    created = _moment(tree.get("created_at"))
    status = _status(tree)
    shipped = _shipped(tree)
    refunded, restocked = _refunded(tree)
    told = ChannelOrder(
        channel=channel,
        order=order,
        revision=0,
        occurred_at=updated,
        created_at=updated if created is None else created,
        status=status,
        accepted=status not in (OrderStatus.CANCELLED, OrderStatus.FAILED),
        lines=tuple(
            _line(line, place, tree, shipped, refunded, restocked)
            for place, line in enumerate(lines)
            if _is_stocked(line)
        ),
    )
    settled = settled_at is not None and updated <= settled_at
    return msgspec.structs.replace(told, revision=revision_of(told, settled=settled))


def _status(tree: Mapping[str, Any]) -> OrderStatus:
    """``financial_status`` and ``fulfillment_status`` in one word."""
    if tree.get("cancelled_at"):
        return OrderStatus.CANCELLED
    match tree.get("financial_status"):
        case "voided" | "expired":
            return OrderStatus.FAILED
        case "refunded":
            return OrderStatus.REFUNDED
    if tree.get("fulfillment_status") == "fulfilled":
        return OrderStatus.COMPLETED
    if tree.get("financial_status") == "pending":
        return OrderStatus.ON_HOLD
    return OrderStatus.PROCESSING


def _is_stocked(line: Any) -> bool:
    """Gift cards and what is not shipped lie on no shelf."""
    if not isinstance(line, dict):
        return True
    return not line.get("gift_card") and line.get("requires_shipping") is not False


def _line(
    line: Any,
    place: int,
    tree: Mapping[str, Any],
    shipped: Counter[str],
    refunded: Counter[str],
    restocked: Counter[str],
) -> OrderLine:
    if not isinstance(line, dict):
        return OrderLine(line=f"#{place + 1}", code="", product="", problem="the line is no object")
    name = _id(line.get("id"))
    told = OrderLine(
        line=name or f"#{place + 1}",
        code=text(line.get("sku")),
        product=text(line.get("variant_id")),
        taxes=_taxes(line, tree),
    )
    try:
        quantity = whole(line.get("quantity"))
        left = whole(line.get("current_quantity", quantity), "current_quantity")
        lost = min(refunded[name], quantity)
    except NotWholeError as wrong:
        return msgspec.structs.replace(told, problem=str(wrong))
    return msgspec.structs.replace(
        told,
        quantity=quantity,
        shipped=min(shipped[name], quantity),
        refunded=max(lost, quantity - left),
        restocked=min(restocked[name], quantity),
    )


def _taxes(line: Mapping[str, Any], tree: Mapping[str, Any]) -> tuple[Tax, ...]:
    """Shopify names its taxes by their titles."""
    return tuple(
        Tax(
            text(tax.get("title")),
            rate_ppm(tax.get("rate"), _ONE_PPM),
            tree.get("taxes_included") is True,
        )
        for tax in _objects(line, "tax_lines")
    )


def _shipped(tree: Mapping[str, Any]) -> Counter[str]:
    """Units per line of the fulfilments that went well; a cancelled one counts no more."""
    units: Counter[str] = Counter()
    for fulfilment in _objects(tree, "fulfillments"):
        if fulfilment.get("status") == "success":
            for line in _objects(fulfilment, "line_items"):
                units[_id(line.get("id"))] += _units(line)
    return units


def _refunded(tree: Mapping[str, Any]) -> tuple[Counter[str], Counter[str]]:
    """Units per line that were refunded, and those of them that were put back on sale."""
    refunded: Counter[str] = Counter()
    restocked: Counter[str] = Counter()
    for refund in _objects(tree, "refunds"):
        for item in _objects(refund, "refund_line_items"):
            line = _id(item.get("line_item_id"))
            refunded[line] += _units(item)
            if item.get("restock_type") in _RESTOCKED:
                restocked[line] += _units(item)
    return refunded, restocked


def _objects(tree: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    found = tree.get(name)
    for item in found if isinstance(found, list) else ():
        if isinstance(item, dict):
            yield item


def _units(item: Mapping[str, Any]) -> int:
    try:
        return whole(item.get("quantity"))
    except NotWholeError:
        return 0


def _id(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
        return ""
    return str(value)


def _moment(value: Any) -> int | None:
    """UTC microseconds of a date with its offset, as Shopify writes them."""
    if not isinstance(value, str):
        return None
    try:
        us = parse_us(value)
    except (ValueError, OverflowError):
        return None
    return us if us >= 0 else None
