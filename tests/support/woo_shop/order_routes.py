"""The REST calls on orders, their notes and refunds, and on webhooks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from stockfold.channels.woocommerce.fake.catalogue import RestError
from stockfold.channels.woocommerce.fake.rest import PER_PAGE_MAX
from tests.support.woo_shop.shop import Shop

ORDER = re.compile(r"orders/(\d+)")
NOTES = re.compile(r"orders/(\d+)/notes")
REFUNDS = re.compile(r"orders/(\d+)/refunds")
WEBHOOK = re.compile(r"webhooks/(\d+)")


class Answer(NamedTuple):
    """What a call gives."""

    value: Any
    status: int = 200
    headers: dict[str, str] | None = None


def answer(
    shop: Shop, method: str, route: str, query: Mapping[str, str], sent: Any
) -> Answer | None:
    """The answer of a call on orders or webhooks; None for any other route."""
    match method, route:
        case "GET", "orders":
            return _orders(shop, query)
        case "POST", "orders":
            return Answer(shop.place_order(sent), 201)
        case "GET", "webhooks":
            return _paged([hook.shown() for hook in shop.webhooks.hooks.values()], query)
        case "POST", "webhooks":
            return Answer(shop.webhooks.add(sent).shown(), 201)
    if (found := WEBHOOK.fullmatch(route)) and method == "PUT":
        return Answer(shop.webhooks.change(int(found[1]), sent).shown())
    if found := ORDER.fullmatch(route):
        return _order(shop, method, int(found[1]), query, sent)
    if found := NOTES.fullmatch(route):
        return _notes(shop, method, int(found[1]), sent)
    if (found := REFUNDS.fullmatch(route)) and method == "GET":
        return _paged(shop.orders.order(int(found[1])).shown_refunds(), query)
    if (found := REFUNDS.fullmatch(route)) and method == "POST":
        quantities = {line["id"]: line["quantity"] for line in sent.get("line_items", ())}
        restock = sent.get("api_restock", sent.get("restock_items", True))
        shop.orders.refund(int(found[1]), quantities, shop.now_us(), restock=restock)
        return Answer({"id": 1}, 201)
    return None


def _orders(shop: Shop, query: Mapping[str, str]) -> Answer:
    return _paged([shop.show_order(order.id) for order in shop.orders.listed(query)], query)


def _paged(rows: list[Any], query: Mapping[str, str]) -> Answer:
    per_page, page = int(query.get("per_page", "10")), int(query.get("page", "1"))
    if not 1 <= per_page <= PER_PAGE_MAX or page < 1:
        raise RestError(400, "rest_invalid_param", "Invalid parameter(s): per_page")
    start = int(query.get("offset", (page - 1) * per_page))
    headers = {"x-wp-total": str(len(rows)), "x-wp-totalpages": str(-(-len(rows) // per_page))}
    return Answer(rows[start : start + per_page], 200, headers)


def _order(
    shop: Shop, method: str, order_id: int, query: Mapping[str, str], sent: Any
) -> Answer | None:
    if method == "GET":
        return Answer(shop.show_order(order_id))
    if method == "PUT":
        return Answer(shop.change_order(order_id, sent))
    if method == "DELETE":
        shown = shop.show_order(order_id)
        if query.get("force") == "true":
            shop.orders.delete(order_id)
        else:
            shop.orders.trash(order_id, shop.now_us())
        return Answer(shown)
    return None


def _notes(shop: Shop, method: str, order_id: int, sent: Any) -> Answer | None:
    notes = shop.orders.order(order_id).notes
    if method == "GET":
        return Answer(notes)
    if method == "POST":
        note = {"id": len(notes) + 1, "note": sent["note"], "customer_note": False}
        notes.append(note)
        return Answer(note, 201)
    return None
