"""A shop that is stepped: between any two steps of a request it may sell."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import orjson

from stockfold.channels import Request, Response
from stockfold.channels.orders import ChannelOrder
from stockfold.channels.woocommerce.asking import ROOT
from stockfold.channels.woocommerce.orders import OrderTerms, read_order
from tests.support.woo_shop import Shop
from tests.support.woo_talk import ask

START_S = 1_800_000_000
TERMS = OrderTerms("woo")
Lines = dict[tuple[str, str], int]
"""Units sold by (order, line)."""


class SteppedShop:
    """Wraps the test shop; every change of an order has a second of its own."""

    def __init__(self, stock: Mapping[str, int]) -> None:
        self.elapsed_s = 0.0
        self.shop = Shop(now_s=lambda: START_S + self.elapsed_s)
        for sku, quantity in stock.items():
            self.shop.add_products([sku], quantity)
        self.units_sold = 0
        self._changed_s = 0.0

    def second(self) -> None:
        """The next order event is dated later than the one before."""
        self.elapsed_s = self._changed_s = max(self.elapsed_s, self._changed_s + 1)

    def stock(self, sku: str) -> int:
        quantity = self.shop.stock([sku])[sku]
        assert quantity is not None
        return quantity

    def sold(self, sku: str) -> Lines:
        """Units of a SKU that the shop has sold, as it shows its orders now."""
        return {
            (order.order, line.line): line.quantity - line.restocked
            for order in self.orders()
            if order.accepted
            for line in order.lines
            if line.code == sku
        }

    def order(self, number: int, *, asked: bool = False) -> ChannelOrder:
        """An order as a reader finds it; ``asked`` when it is the answer to a question."""
        at_s = START_S + self.elapsed_s if asked else None
        return read_order(self.shop.show_order(number), TERMS, at_s)

    def orders(self) -> list[ChannelOrder]:
        return [self.order(number) for number in self.shop.orders.orders]

    def serve(self, request: Request) -> Generator[None, None, Response]:
        """Do what a request asks, step by step."""
        if request.method == "POST":
            answer = yield from self._write(request)
            return answer
        if request.path == ROOT + "products":
            answer = yield from self._list(request)
            return answer
        yield
        return ask(self.shop, request)

    def _list(self, request: Request) -> Generator[None, None, Response]:
        rows = []
        for product in self.shop.catalogue.by_skus(dict(request.params)["sku"]):
            yield
            rows.append(self.shop.catalogue.shown(product))
        return Response(200, {}, orjson.dumps(rows))

    def _write(self, request: Request) -> Generator[None, None, Response]:
        items: list[Any] = []
        for item in request.json["update"]:
            yield
            product = self.shop.catalogue.product(item["id"])
            self.shop.catalogue.write(product, item)
            self.shop.written.append((product.sku, item["stock_quantity"]))
            yield
            items.append(self.shop.catalogue.shown(product))
        return Response(200, {}, orjson.dumps({"update": items}))
