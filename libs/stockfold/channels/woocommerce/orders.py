"""WooCommerce's orders, REST API v3: the payload of a webhook or of ``GET orders`` → what it says.

What each status does to the shop's stock was read in ``wc-stock-functions.php``: pending holds for
a while and takes nothing; on-hold, processing and completed take once, remembered per line as
``_reduced_stock``; cancelled and pending put back; failed and refunded leave stock as it is.
Refunded units go back on sale only when whoever refunds asks for it, counted per line in
``_restock_refunded_items``; how many were refunded at all is told by the refunds themselves
(``refunds``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from stockfold.channels.orders import (
    SETTLED,
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
from stockfold.channels.statuses import NotJsonError, decoded
from stockfold.domain.times import SECOND_US, to_us

SETTLED_S = 60
"""Hooks go on writing lines after the order was dated; a minute later its state is final."""
STATUSES = {
    "checkout-draft": OrderStatus.DRAFT,
    "pending": OrderStatus.PENDING,
    "on-hold": OrderStatus.ON_HOLD,
    "processing": OrderStatus.PROCESSING,
    "completed": OrderStatus.COMPLETED,
    "cancelled": OrderStatus.CANCELLED,
    "failed": OrderStatus.FAILED,
    "refunded": OrderStatus.REFUNDED,
    "trash": OrderStatus.DELETED,
}
_SOLD = (
    OrderStatus.ON_HOLD,
    OrderStatus.PROCESSING,
    OrderStatus.COMPLETED,
    OrderStatus.REFUNDED,
)
_ENDED = (OrderStatus.REFUNDED, OrderStatus.CANCELLED, OrderStatus.DELETED)
_PERCENT_PPM = 10_000
_DIGITS = re.compile(r"\d{1,19}", re.ASCII)
_MINUTE_US = 60 * SECOND_US
_V3 = "Set the webhook's API version to WP REST API Integration v3."


class OrderTerms(msgspec.Struct, frozen=True):
    """How to read one shop's orders.

    ``hold_minutes`` is the shop's own "Hold stock (minutes)", None when it holds for ever.
    ``statuses`` says what statuses of plugins mean.
    """

    channel: str
    hold_minutes: int | None = 60
    statuses: Mapping[str, OrderStatus] = {}


class Gone(msgspec.Struct, frozen=True):
    """All that a deletion tells: the order's id, and not when. To be looked up in the shop."""

    order: str


def read_body(body: bytes, terms: OrderTerms) -> ChannelOrder | Gone | None:
    """The order of a webhook's body; ContractError ``unreadable_order`` for anything else.

    None for the error that the shop writes in an order's place when the order was gone by then.
    """
    where = f"webhook of channel {terms.channel}"
    try:
        tree = decoded(body)
    except NotJsonError as error:
        raise unreadable(f"the body is no JSON: {str(error)[:80]}", where, _V3) from None
    if isinstance(tree, dict) and set(tree) == {"id"}:
        return Gone(_id(tree, where))
    if isinstance(tree, dict) and set(tree) == {"code", "message", "data"}:
        return None
    return read_order(tree, terms)


def read_order(
    tree: Any,
    terms: OrderTerms,
    read_at_s: float | None = None,
    refunded: Mapping[str, int] | None = None,
) -> ChannelOrder:
    """An order as the shop's JSON says it; ContractError ``unreadable_order``.

    ``read_at_s`` is the shop's time when it gave this answer, in UTC seconds, for answers to our
    own question; a webhook does not tell when it was written. ``refunded`` are units by line, when
    the refunds were asked for; without them only those are known that were restocked.
    """
    where = f"order of channel {terms.channel}"
    if not isinstance(tree, dict):
        raise unreadable("the body is no object", where, _V3)
    where = f"order {_id(tree, where)} of channel {terms.channel}"
    lines = tree.get("line_items")
    if not isinstance(tree.get("status"), str) or not isinstance(lines, list):
        raise unreadable("it has no status or no lines", where, _V3)
    modified = _moment(tree.get("date_modified_gmt"))
    if modified is None:
        raise unreadable("date_modified_gmt is no date", where, _V3)
    created = _moment(tree.get("date_created_gmt"))
    status = _status(tree, lines, terms)
    gone = status is OrderStatus.COMPLETED or (
        status in _ENDED and _moment(tree.get("date_completed_gmt")) is not None
    )
    holds = status is OrderStatus.PENDING and terms.hold_minutes is not None
    order = ChannelOrder(
        channel=terms.channel,
        order=_id(tree, where),
        revision=0,
        occurred_at=modified,
        created_at=modified if created is None else created,
        status=status,
        accepted=status in _SOLD,
        hold_until=modified + (terms.hold_minutes or 0) * _MINUTE_US if holds else None,
        lines=tuple(
            _line(line, place, tree, refunded or {}, gone=gone) for place, line in enumerate(lines)
        ),
    )
    settled = read_at_s is not None and read_at_s * SECOND_US >= modified + SETTLED_S * SECOND_US
    return msgspec.structs.replace(order, revision=revision_of(order, settled=settled))


def deleted(order: str, terms: OrderTerms, at_us: int) -> ChannelOrder:
    """An order that the shop does not know any more at ``at_us`` of its time.

    Nothing comes after that: an order's number is never given to another.
    """
    return ChannelOrder(
        channel=terms.channel,
        order=order,
        revision=at_us // SECOND_US * SECOND_US + SETTLED,
        occurred_at=at_us,
        created_at=at_us,
        status=OrderStatus.DELETED,
        accepted=False,
    )


def _id(tree: Mapping[str, Any], where: str) -> str:
    value = tree.get("id")
    # Deletions pass on what the hook was called with, which may be a number in quotes.
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
        raise unreadable("id is no order's number", where, _V3)
    return str(value)


def _moment(value: Any) -> int | None:
    """UTC microseconds of a date in GMT, as WooCommerce writes them: without an offset."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        us = to_us(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None
    return us if us >= 0 else None


def _status(tree: Mapping[str, Any], lines: Sequence[Any], terms: OrderTerms) -> OrderStatus:
    """The status in our words. Of one that nobody explained, stock that was taken says most."""
    name = tree["status"].removeprefix("wc-")
    known = terms.statuses.get(name) or STATUSES.get(name)
    if known is not None:
        return known
    taken = any(_meta(line, "_reduced_stock") for line in lines if isinstance(line, dict))
    paid = _moment(tree.get("date_paid_gmt")) is not None
    return OrderStatus.PROCESSING if taken or paid else OrderStatus.PENDING


def _line(
    line: Any, place: int, tree: Mapping[str, Any], refunded: Mapping[str, int], *, gone: bool
) -> OrderLine:
    if not isinstance(line, dict):
        return OrderLine(line=f"#{place + 1}", code="", product="", problem="the line is no object")
    variation = text(line.get("variation_id"))
    product = text(line.get("product_id"))
    told = OrderLine(
        line=text(line.get("id")) or f"#{place + 1}",
        code=text(line.get("sku")),
        product=f"{product}/{variation}" if variation not in ("", "0") else product,
        taxes=_taxes(line, tree),
    )
    try:
        quantity = whole(line.get("quantity"))
        restocked = min(whole(_meta(line, "_restock_refunded_items") or 0, "restocked"), quantity)
    except NotWholeError as wrong:
        return msgspec.structs.replace(told, problem=str(wrong))
    return msgspec.structs.replace(
        told,
        quantity=quantity,
        shipped=quantity - restocked if gone else 0,
        refunded=max(restocked, min(refunded.get(told.line, 0), quantity)),
        restocked=restocked,
    )


def _taxes(line: Mapping[str, Any], tree: Mapping[str, Any]) -> tuple[Tax, ...]:
    """The taxes of a line, by the rates that the order names."""
    rates = {
        text(rate.get("rate_id")): Tax(
            text(rate.get("rate_code")),
            rate_ppm(rate.get("rate_percent"), _PERCENT_PPM),
            tree.get("prices_include_tax") is True,
        )
        for rate in _objects(tree, "tax_lines")
    }
    borne = (text(tax.get("id")) for tax in _objects(line, "taxes") if tax.get("total"))
    return tuple(rates.get(rate, Tax("")) for rate in borne)


def _objects(tree: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    found = tree.get(name)
    for item in found if isinstance(found, list) else ():
        if isinstance(item, dict):
            yield item


def _meta(line: Mapping[str, Any], key: str) -> Any:
    """A value of the line's metadata; None without one. The last wins, as in the shop."""
    found = None
    for entry in _objects(line, "meta_data"):
        if entry.get("key") == key:
            found = entry.get("value")
    return found
