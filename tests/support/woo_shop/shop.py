"""The shop itself: its catalogue, its orders, its key, its faults, and the REST calls on them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from stockfold.channels.woocommerce.fake import rest
from stockfold.channels.woocommerce.fake.auth import Keys
from stockfold.channels.woocommerce.fake.catalogue import Catalogue, Product, RestError
from tests.support.woo_shop.faults import Faults
from tests.support.woo_shop.orders import Order, Orders
from tests.support.woo_shop.webhooks import Webhooks

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
        batch_items_max: int = rest.BATCH_ITEMS_MAX,
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
        return await self._page(rest.chosen(self.catalogue, query), query)

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
        shown, headers = rest.one_page(chosen, query)
        self.stats.products_read += len(shown)
        await asyncio.sleep(self.item_read_s * len(shown))
        return rest.rows(self.catalogue, shown, query), headers

    async def get(self, product_id: int, parent_id: int | None = None) -> dict[str, Any]:
        """One product or variation."""
        product = rest.found(self.catalogue, product_id, parent_id)
        await asyncio.sleep(self.item_read_s)
        return self.catalogue.shown(product)

    async def put(
        self, product_id: int, body: Mapping[str, Any], parent_id: int | None = None
    ) -> dict[str, Any]:
        """``PUT`` one product or variation."""
        product = rest.found(self.catalogue, product_id, parent_id)
        await self._write(product, body)
        return self.catalogue.shown(product)

    async def batch(
        self, body: Mapping[str, Any], parent_id: int | None, stop_after: int | None = None
    ) -> Any:
        """See ``rest.batch``.

        ``stop_after`` lets it die in the middle, with what came before applied.
        """
        count = rest.batch_size(body)
        if count <= self.batch_items_max:
            self.stats.batches += 1
            self.stats.batch_sizes.append(count)
        writing = rest.batch(self.catalogue, body, parent_id, self.batch_items_max)
        written = 0
        try:
            product, item = next(writing)
            while written != stop_after:
                product, item = writing.send(await self._written(product, item))
                written += 1
        except StopIteration as ended:
            return ended.value

    async def _written(self, product: Product, body: Mapping[str, Any]) -> RestError | None:
        try:
            await self._write(product, body)
        except RestError as error:
            return error
        return None

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
