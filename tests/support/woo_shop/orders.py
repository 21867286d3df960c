"""Orders, and how they move stock: once per line, remembered as ``_reduced_stock``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.support.woo_shop.catalogue import Catalogue, RestError

REDUCE = ("on-hold", "processing", "completed")
RESTORE = ("cancelled", "pending")
STATUSES = (*REDUCE, *RESTORE, "failed", "refunded", "checkout-draft")


@dataclass(slots=True)
class Line:
    """One order line; ``reduced`` is what it took from stock and has not given back."""

    id: int
    product_id: int
    quantity: int
    reduced: int = 0


@dataclass(slots=True)
class Order:
    """One order."""

    id: int
    status: str
    modified_us: int
    lines: list[Line] = field(default_factory=list)

    def shown(self, catalogue: Catalogue) -> dict[str, Any]:
        """The JSON of an order."""
        return {
            "id": self.id,
            "status": self.status,
            "date_modified_gmt": _gmt(self.modified_us),
            "line_items": [_line(line, catalogue) for line in self.lines],
        }


def _line(line: Line, catalogue: Catalogue) -> dict[str, Any]:
    product = catalogue.products.get(line.product_id)
    variation = product is not None and bool(product.parent_id)
    meta = [{"id": line.id * 10, "key": "_reduced_stock", "value": str(line.reduced)}]
    return {
        "id": line.id,
        "product_id": product.parent_id if product and variation else line.product_id,
        "variation_id": line.product_id if variation else 0,
        "quantity": line.quantity,
        "sku": product.sku if product else "",
        "meta_data": meta if line.reduced else [],
    }


def _gmt(us: int) -> str:
    return datetime.fromtimestamp(us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class Orders:
    """The order book."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.orders: dict[int, Order] = {}
        self._next_line = 1

    def place(self, lines: Mapping[int, int], status: str, now_us: int) -> Order:
        """Accept an order of product id → quantity. Stock may go negative; nobody checks."""
        order = Order(len(self.orders) + 1, "pending", now_us)
        for product_id, quantity in lines.items():
            if product_id not in self._catalogue.products:
                raise RestError(400, "woocommerce_rest_invalid_product_id", "Invalid product.")
            order.lines.append(Line(self._next_line, product_id, quantity))
            self._next_line += 1
        self.orders[order.id] = order
        self.set_status(order.id, status, now_us)
        return order

    def set_status(self, order_id: int, status: str, now_us: int) -> Order:
        """Change the status, and with it the stock: ``failed`` and ``refunded`` move nothing."""
        order = self.orders.get(order_id)
        if order is None:
            raise RestError(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
        if status not in STATUSES:
            raise RestError(400, "rest_invalid_param", "Invalid parameter(s): status")
        order.status = status
        order.modified_us = now_us
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
        return order

    def modified_after(self, text: str | None) -> list[Order]:
        """Orders changed after an ISO time, the newest first; all without one."""
        newest_first = sorted(self.orders.values(), key=lambda order: -order.id)
        if not text:
            return newest_first
        moment = datetime.fromisoformat(text)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        limit_us = int(aware.timestamp() * 1_000_000)
        return [order for order in newest_first if order.modified_us > limit_us]
