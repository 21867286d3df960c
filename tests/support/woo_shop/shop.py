"""The shop itself: its catalogue, its orders, its key, its faults, and the REST calls on them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.support.woo_shop.auth import Keys
from tests.support.woo_shop.catalogue import Catalogue, Product, RestError
from tests.support.woo_shop.faults import Faults
from tests.support.woo_shop.orders import Order, Orders
from tests.support.woo_shop.webhooks import Webhooks

BATCH_ITEMS_MAX = 100
PER_PAGE_MAX = 100
WRITTEN_MAX = 1_000_000


@dataclass(slots=True)
class Stats:
    """What the shop was asked to do."""

    requests: int = 0
    batches: int = 0
    items_written: int = 0
    items_unchanged: int = 0
    products_read: int = 0
    refused: int = 0
    writing_s: float = 0.0
    in_flight: int = 0
    in_flight_max: int = 0
    batch_sizes: list[int] = field(default_factory=list)


class Shop:
    """A shop's whole state; safe to read from another thread than the server's.

    ``item_written_s`` and ``item_read_s`` are the time one item costs (measured: 0.02 and 0.002),
    ``workers`` how many requests are served at once. Of ``version``
    depends whether it has ``GET variations`` over all products (11.0 has, 8.9 has not);
    ``manager`` is whether the key's user may see the shop's settings.
    """

    def __init__(
        self,
        *,
        consumer_key: str = "ck_test",
        consumer_secret: str = "cs_test",
        permissions: str = "read_write",
        batch_items_max: int = BATCH_ITEMS_MAX,
        item_written_s: float = 0.0,
        item_read_s: float = 0.0,
        workers: int = 8,
        version: str = "11.0.1",
        manager: bool = True,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self.consumer_key = consumer_key
        self.consumer_secret = consumer_secret
        self.catalogue = Catalogue()
        self.orders = Orders(self.catalogue)
        self.keys = Keys(consumer_key, consumer_secret, permissions, now_s)
        self.faults = Faults()
        self.stats = Stats()
        self.batch_items_max = batch_items_max
        self.item_written_s = item_written_s
        self.item_read_s = item_read_s
        self.workers = workers
        self.version = version
        self.php_version = "8.2.28"
        self.manager = manager
        self.settings = {
            "woocommerce_hold_stock_minutes": "60",
            "woocommerce_notify_no_stock_amount": "0",
        }
        self.post_bytes_max = 8 * 1024 * 1024
        self.on_item: Callable[[Product], None] = lambda product: None
        """Called before each item of a batch is written: where a test lets the shop sell."""
        self.written: deque[tuple[str, Any]] = deque(maxlen=WRITTEN_MAX)
        """Every write that reached a product, as (SKU, quantity that was sent), in order."""
        self._now_s = now_s
        self.webhooks = Webhooks(self.orders, self.show_order, now_s)

    # Setting up and reading out.

    def add_products(self, skus: Iterable[str], quantity: int = 0) -> list[Product]:
        """Simple products with managed stock; tens of thousands take less than a second."""
        return [self.catalogue.add(sku, stock_quantity=quantity) for sku in skus]

    def add_variations(self, parent_sku: str, skus: Iterable[str], quantity: int = 0) -> Product:
        """A variable product with one variation per SKU; the parent's stock is not managed."""
        parent = self.catalogue.add(parent_sku, type="variable", manage_stock=False)
        for sku in skus:
            self.catalogue.add(sku, type="variation", parent_id=parent.id, stock_quantity=quantity)
        return parent

    def stock(self, skus: Iterable[str] | None = None) -> dict[str, int | None]:
        """Every SKU with the quantity the shop shows; None where stock is not managed."""
        return self.catalogue.stock(skus)

    def sell(self, sku: str, quantity: int = 1, status: str = "processing") -> Order:
        """A customer buys one SKU."""
        product_id = self.catalogue.ids_of_sku[sku][0]
        return self.orders.place({product_id: quantity}, status, self.now_us())

    def now_us(self) -> int:
        """The shop's time."""
        return int(self._now_s() * 1_000_000)

    # The REST calls.

    async def list_products(self, query: Mapping[str, str]) -> tuple[list[Any], dict[str, str]]:
        """``GET products``: one page of the JSON, and the paging headers."""
        if query.get("sku"):
            chosen = self.catalogue.by_skus(query["sku"])
        else:
            chosen = [p for p in self.catalogue.products.values() if not p.parent_id]
        return await self._page(chosen, query)

    async def list_variations(
        self, parent_id: int, query: Mapping[str, str]
    ) -> tuple[list[Any], dict[str, str]]:
        """``GET products/{parent}/variations``."""
        self.catalogue.product(parent_id)
        ids = self.catalogue.children.get(parent_id, ())
        return await self._page([self.catalogue.products[i] for i in ids], query)

    async def list_all_variations(
        self, query: Mapping[str, str]
    ) -> tuple[list[Any], dict[str, str]]:
        """``GET variations``, of all products."""
        return await self._page([p for p in self.catalogue.products.values() if p.parent_id], query)

    async def _page(
        self, chosen: list[Product], query: Mapping[str, str]
    ) -> tuple[list[Any], dict[str, str]]:
        per_page, page = int(query.get("per_page", "10")), int(query.get("page", "1"))
        if not 1 <= per_page <= PER_PAGE_MAX or page < 1:
            raise RestError(400, "rest_invalid_param", "Invalid parameter(s): per_page")
        chosen = [product for product in chosen if product.status != "trash"]
        # Newest first, as WordPress lists what is not asked for in another order.
        chosen.sort(key=lambda product: product.id, reverse=query.get("order") != "asc")
        start = int(query.get("offset", (page - 1) * per_page))
        shown = chosen[start : start + per_page]
        self.stats.products_read += len(shown)
        await asyncio.sleep(self.item_read_s * len(shown))
        fields = [name for name in query.get("_fields", "").split(",") if name]
        rows = [self.catalogue.shown(product) for product in shown]
        if fields:
            rows = [{name: row[name] for name in fields if name in row} for row in rows]
        pages = -(-len(chosen) // per_page)
        return rows, {"x-wp-total": str(len(chosen)), "x-wp-totalpages": str(pages)}

    async def get(self, product_id: int, parent_id: int | None = None) -> dict[str, Any]:
        """One product or variation."""
        product = self._find(product_id, parent_id)
        await asyncio.sleep(self.item_read_s)
        return self.catalogue.shown(product)

    async def put(
        self, product_id: int, body: Mapping[str, Any], parent_id: int | None = None
    ) -> dict[str, Any]:
        """``PUT`` one product or variation."""
        product = self._find(product_id, parent_id)
        await self._write(product, body)
        return self.catalogue.shown(product)

    def _find(self, product_id: Any, parent_id: int | None) -> Product:
        if parent_id is None:
            return self.catalogue.product(product_id)
        return self.catalogue.variation(parent_id, product_id)

    async def batch(
        self, body: Mapping[str, Any], parent_id: int | None, stop_after: int | None = None
    ) -> Any:
        """``products/batch`` or ``variations/batch``: one item after the other, each on its own.

        ``stop_after`` lets it die in the middle, with what came before applied. Of nothing the
        answer is PHP's empty array.
        """
        count = sum(len(body.get(name) or ()) for name in ("create", "update", "delete"))
        if count > self.batch_items_max:
            raise RestError(
                413,
                "woocommerce_rest_request_entity_too_large",
                f"Unable to accept more than {self.batch_items_max} items for this request.",
            )
        self.stats.batches += 1
        self.stats.batch_sizes.append(count)
        answers = []
        for index, item in enumerate(body.get("update") or ()):
            if index == stop_after:
                break
            try:
                product = self._find(item.get("id"), parent_id)
                await self._write(product, item)
                answers.append(self.catalogue.shown(product))
            except RestError as error:
                answers.append({"id": item.get("id"), "error": error.body()})
        return {"update": answers} if count else []

    async def _write(self, product: Product, body: Mapping[str, Any]) -> None:
        before = product.stock_quantity
        began = time.monotonic()
        await asyncio.sleep(self.item_written_s)
        self.stats.writing_s += time.monotonic() - began
        self.on_item(product)
        self.catalogue.write(product, body, before or 0)
        self.written.append((product.sku, body.get("stock_quantity")))
        self.stats.items_written += 1
        self.stats.items_unchanged += product.stock_quantity == before

    def place_order(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """``POST orders``."""
        lines: dict[int, int] = {}
        for line in body.get("line_items", ()):
            product_id = line.get("variation_id") or line["product_id"]
            lines[product_id] = lines.get(product_id, 0) + line.get("quantity", 1)
        order = self.orders.place(lines, body.get("status", "pending"), self.now_us())
        return order.shown(self.catalogue)

    def change_order(self, order_id: int, body: Mapping[str, Any]) -> dict[str, Any]:
        """``PUT orders/{id}``: its status, the quantities of its lines, its metadata."""
        now_us = self.now_us()
        if "line_items" in body:
            quantities = {line["id"]: line["quantity"] for line in body["line_items"]}
            self.orders.edit(order_id, quantities, now_us)
        if "meta_data" in body:
            self.orders.annotate(order_id, body["meta_data"], now_us)
        if "status" in body:
            self.orders.set_status(order_id, body["status"], now_us)
        return self.show_order(order_id)

    def show_order(self, order_id: int) -> dict[str, Any]:
        """``GET orders/{id}``."""
        return self.orders.order(order_id).shown(self.catalogue)

    def stats_shown(self) -> dict[str, Any]:
        """The JSON of the statistics."""
        return {**asdict(self.stats), "faults": dict(self.faults.met)}
