"""Orders, and how they move stock: once per line, remembered as ``_reduced_stock``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from stockfold.channels.woocommerce.fake.catalogue import Catalogue, RestError

REDUCE = ("on-hold", "processing", "completed")
RESTORE = ("cancelled", "pending")
STATUSES = (*REDUCE, *RESTORE, "failed", "refunded", "checkout-draft", "awaiting-pick")
TRASH = "trash"
INVALID_ID = "woocommerce_rest_shop_order_invalid_id"
SHOP_ZONE = timezone(timedelta(hours=1))
"""The shop's own zone: ``date_modified`` is in it, ``date_modified_gmt`` is not."""
PERSON = {"first_name": "Erika", "last_name": "Mustermann", "email": "erika@example.org"}


@dataclass(slots=True)
class Line:
    """One order line; ``reduced`` is what it took from stock and has not given back."""

    id: int
    product_id: int
    quantity: int
    reduced: int = 0
    restocked: int = 0


@dataclass(slots=True)
class Order:
    """One order. Times are to the second, as the shop keeps them."""

    id: int
    status: str
    modified_us: int
    created_us: int = 0
    completed_us: int = 0
    lines: list[Line] = field(default_factory=list)
    refunds: list[dict[int, int]] = field(default_factory=list)
    """Units by line, of each refund."""
    meta: dict[str, Any] = field(default_factory=dict)
    notes: list[dict[str, Any]] = field(default_factory=list)
    before_trash: str = ""

    def shown(self, catalogue: Catalogue) -> dict[str, Any]:
        """The JSON of an order."""
        return {
            "id": self.id,
            "status": self.status,
            "date_created_gmt": gmt(self.created_us),
            "date_modified": gmt(self.modified_us, SHOP_ZONE),
            "date_modified_gmt": gmt(self.modified_us),
            "date_completed_gmt": gmt(self.completed_us) if self.completed_us else None,
            "date_paid_gmt": None,
            "billing": PERSON,
            "line_items": [_line(line, catalogue) for line in self.lines],
            "refunds": [{"id": n, "reason": "", "total": "-1"} for n in range(len(self.refunds))],
            "meta_data": [{"id": 1, "key": k, "value": v} for k, v in self.meta.items()],
        }

    def shown_refunds(self) -> list[dict[str, Any]]:
        """The JSON of its refunds, the newest first: units below zero, naming the line."""
        return [
            {
                "id": number,
                "reason": f"{PERSON['first_name']} asked",
                "line_items": [
                    {
                        "id": 10_000 * (number + 1) + line,
                        "quantity": -units,
                        "meta_data": [{"id": 1, "key": "_refunded_item_id", "value": str(line)}],
                    }
                    for line, units in lines.items()
                ],
            }
            for number, lines in reversed(list(enumerate(self.refunds)))
        ]


def _line(line: Line, catalogue: Catalogue) -> dict[str, Any]:
    product = catalogue.products.get(line.product_id)
    variation = product is not None and bool(product.parent_id)
    told = {"_reduced_stock": line.reduced, "_restock_refunded_items": line.restocked}
    meta = [{"id": line.id * 10, "key": k, "value": str(v)} for k, v in told.items() if v]
    return {
        "id": line.id,
        "product_id": product.parent_id if product and variation else line.product_id,
        "variation_id": line.product_id if variation else 0,
        "quantity": line.quantity,
        "tax_class": "",
        "sku": product.sku if product else "",
        "meta_data": meta,
    }


def gmt(us: int, zone: timezone = UTC) -> str:
    """A time to the second, without its zone."""
    return datetime.fromtimestamp(us // 1_000_000, zone).strftime("%Y-%m-%dT%H:%M:%S")


class Orders:
    """The order book. ``on_change`` hears of every event: its name and the order's id."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.orders: dict[int, Order] = {}
        self.on_change: Callable[[str, int], None] = lambda event, order_id: None
        self._next_order = 1
        self._next_line = 1

    def order(self, order_id: int) -> Order:
        """An order, or the error WooCommerce gives."""
        order = self.orders.get(order_id)
        if order is None:
            raise RestError(404, INVALID_ID, "Invalid ID.")
        return order

    def place(self, lines: Mapping[int, int], status: str, now_us: int) -> Order:
        """Accept an order of product id → quantity. Stock may go negative; nobody checks."""
        order = Order(self._next_order, "pending", now_us, now_us)
        self._next_order += 1
        for product_id, quantity in lines.items():
            if product_id not in self._catalogue.products:
                raise RestError(400, "woocommerce_rest_invalid_product_id", "Invalid product.")
            order.lines.append(Line(self._next_line, product_id, quantity))
            self._next_line += 1
        self.orders[order.id] = order
        self.on_change("created", order.id)
        self.set_status(order.id, status, now_us)
        return order

    def set_status(self, order_id: int, status: str, now_us: int) -> Order:
        """Change the status, and with it the stock: ``failed`` and ``refunded`` move nothing."""
        order = self.order(order_id)
        if status not in STATUSES:
            raise RestError(400, "rest_invalid_param", "Invalid parameter(s): status")
        order.status = status
        if status == "completed":
            order.completed_us = now_us
        for line in order.lines:
            product = self._catalogue.products.get(line.product_id)
            if product is None:
                continue
            if status in REDUCE and not line.reduced:
                if self._catalogue.move(product, -line.quantity):
                    line.reduced = line.quantity
            elif status in RESTORE and line.reduced:
                self._catalogue.move(product, line.reduced)
                line.reduced = 0
        return self._changed(order, now_us)

    def edit(self, order_id: int, quantities: Mapping[int, int], now_us: int) -> Order:
        """Give lines other quantities (0 takes one out), and stock what that means."""
        order = self.order(order_id)
        for line in list(order.lines):
            quantity = quantities.get(line.id, line.quantity)
            product = self._catalogue.products.get(line.product_id)
            if line.reduced and product is not None:
                change = quantity - line.restocked - line.reduced
                self._catalogue.move(product, -change)
                line.reduced += change
            line.quantity = quantity
            if quantity == 0:
                order.lines.remove(line)
        return self._changed(order, now_us)

    def refund(
        self, order_id: int, quantities: Mapping[int, int], now_us: int, *, restock: bool
    ) -> Order:
        """Refund units of lines; their stock comes back only on request, and only once taken."""
        order = self.order(order_id)
        for line in order.lines:
            units = min(quantities.get(line.id, 0), line.reduced)
            product = self._catalogue.products.get(line.product_id)
            if restock and units and product is not None:
                self._catalogue.move(product, units)
                line.reduced -= units
                line.restocked += units
        known = {line.id for line in order.lines}
        order.refunds.append({line: units for line, units in quantities.items() if line in known})
        return self._changed(order, now_us)

    def trash(self, order_id: int, now_us: int) -> None:
        """Put an order into the bin."""
        order = self.order(order_id)
        if order.status != TRASH:
            order.before_trash, order.status = order.status, TRASH
            order.modified_us = now_us
            self.on_change("deleted", order_id)

    def restore(self, order_id: int, now_us: int) -> None:
        """Take an order out of the bin again."""
        order = self.order(order_id)
        if order.status == TRASH:
            order.status = order.before_trash
            order.modified_us = now_us
            self.on_change("restored", order_id)

    def delete(self, order_id: int) -> None:
        """Delete an order for good."""
        self.order(order_id)
        del self.orders[order_id]
        self.on_change("deleted", order_id)

    def annotate(self, order_id: int, meta: Iterable[Mapping[str, Any]], now_us: int) -> Order:
        """Set metadata of an order."""
        order = self.order(order_id)
        order.meta |= {entry["key"]: entry["value"] for entry in meta}
        return self._changed(order, now_us)

    def _changed(self, order: Order, now_us: int) -> Order:
        order.modified_us = now_us
        self.on_change("updated", order.id)
        return order

    def listed(self, query: Mapping[str, str]) -> list[Order]:
        """``GET orders``, not yet paged: by status, time of change and order."""
        wanted = query.get("status", "any")
        found = [o for o in self.orders.values() if (o.status == TRASH) == (wanted == TRASH)]
        if text := query.get("modified_after"):
            moment = datetime.fromisoformat(text)
            zone = UTC if query.get("dates_are_gmt") == "true" else SHOP_ZONE
            aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
            limit_s = int(aware.timestamp())
            found = [o for o in found if o.modified_us // 1_000_000 > limit_s]
        if "include" in query:
            chosen = {int(number) for number in query["include"].split(",")}
            found = [o for o in found if o.id in chosen]
        by_id = query.get("orderby") == "id"
        found.sort(key=lambda o: o.id if by_id else (o.created_us, o.id))
        return found if query.get("order") == "asc" else found[::-1]
