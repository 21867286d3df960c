"""The shop as a subject of the conformance suite. It believes in TLS, so HTTP Basic lets in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from stockfold.channels.conformance import Fault, Sent
from stockfold.channels.port import Response
from stockfold.channels.woocommerce.fake import rest
from stockfold.channels.woocommerce.fake.auth import Keys
from stockfold.channels.woocommerce.fake.catalogue import Catalogue, Product, RestError

BEGAN_S = 1_700_000_000.0
ROOT = "/wp-json/wc/v3/"
SETTING = "settings/products/woocommerce_manage_stock"
RETRY_AFTER_S = "7"
PAGE = b"<!DOCTYPE html><html><head><title>Just a moment</title></head><body></body></html>"
_VARIATIONS_BATCH = re.compile(r"products/(\d+)/variations/batch")


class WooCommerceSubject:
    """See ``stockfold.channels.conformance.Subject``. Its products are simple ones."""

    url = "https://shop.example"
    options: Mapping[str, object] = {}
    locations: Mapping[str, str] = {}

    def __init__(self) -> None:
        key, secret = "ck_" + "5f" * 20, "cs_" + "a7" * 20
        self.credentials: Mapping[str, str] = {"consumer_key": key, "consumer_secret": secret}
        self.catalogue = Catalogue()
        self.items_most = 0
        self._keys = Keys(key, secret, "read_write", lambda: self.now_s)
        self._spoiled: set[str] = set()
        self._faults: list[Fault] = []
        self._writes: list[tuple[str, int]] = []
        self._now_s = BEGAN_S

    # The merchant and the customers.

    @property
    def now_s(self) -> float:
        """See ``Subject.now_s``."""
        return self._now_s

    def advance(self, seconds: float) -> None:
        """See ``Subject.advance``."""
        self._now_s += seconds

    def list(
        self, sku: str, quantity: int = 0, per_location: Mapping[str, int] | None = None
    ) -> None:
        """See ``Subject.list``."""
        assert not per_location, "a shop has no locations"
        self.catalogue.add(sku, stock_quantity=quantity)

    def unlist(self, sku: str) -> None:
        """See ``Subject.unlist``."""
        self.catalogue.remove(self._product(sku).id)

    def spoil(self, sku: str) -> None:
        """See ``Subject.spoil``: a plugin of the shop refuses it."""
        self._spoiled.add(sku)

    def sell(self, sku: str, units: int) -> None:
        """See ``Subject.sell``."""
        self.catalogue.move(self._product(sku), -units)

    def shows(self, sku: str) -> int | None:
        """See ``Subject.shows``."""
        return self.catalogue.stock([sku]).get(sku)

    def shows_at(self, sku: str) -> Mapping[str, int]:
        """See ``Subject.shows_at``."""
        del sku
        return {}

    def fail(self, fault: Fault, times: int = 1) -> None:
        """See ``Subject.fail``."""
        self._faults += [fault] * times

    @property
    def writes(self) -> tuple[tuple[str, int], ...]:
        """See ``Subject.writes``."""
        return tuple(self._writes)

    def _product(self, sku: str) -> Product:
        return self.catalogue.products[self.catalogue.ids_of_sku[sku][0]]

    # The shop.

    def answer(self, sent: Sent) -> Response | None:
        """See ``Subject.answer``. Every request that this adapter makes is about stock."""
        fault = self._faults.pop(0) if self._faults else None
        match fault:
            case Fault.THROTTLED:
                headers = {"retry-after": RETRY_AFTER_S, "content-type": "text/plain"}
                return Response(429, headers, b"Too many requests")
            case Fault.UNAVAILABLE:
                return Response(503, {"content-type": "text/html"}, PAGE)
            case Fault.GARBAGE:
                return Response(200, {"content-type": "text/html"}, PAGE)
            case Fault.EXPIRED:
                return _json(
                    RestError(401, "woocommerce_rest_authentication_error", "No.").body(), 401
                )
            case _:
                return self._served(sent, fault)

    def _served(self, sent: Sent, fault: Fault | None) -> Response | None:
        url = urlsplit(sent.url)
        query = parse_qsl(url.query, keep_blank_values=True)
        try:
            self._keys.admit(sent.method, f"{self.url}{url.path}", query, sent.headers)
            body = msgspec.json.decode(sent.body) if sent.body else {}
            half = fault is Fault.BROKEN
            answer = self._answer(sent.method, url.path.removeprefix(ROOT), dict(query), body, half)
        except RestError as error:
            answer = _json(error.body(), error.status)
        if fault is Fault.BROKEN:
            return Response(502, {"content-type": "text/html"}, PAGE)
        return None if fault is Fault.LOST else answer

    def _answer(
        self, method: str, route: str, query: Mapping[str, str], body: Any, half: bool
    ) -> Response:
        if method == "GET" and route == "products":
            page, headers = rest.one_page(rest.chosen(self.catalogue, query), query)
            return _json(rest.rows(self.catalogue, page, query), 200, headers)
        if method == "GET" and route == SETTING:
            return _json({"id": "woocommerce_manage_stock", "value": "yes"})
        if method == "GET" and route == "orders":
            return _json([], 200, {"x-wp-total": "0", "x-wp-totalpages": "0"})
        variations = _VARIATIONS_BATCH.fullmatch(route)
        if method == "POST" and (route == "products/batch" or variations is not None):
            return _json(self._batch(body, int(variations[1]) if variations else None, half))
        raise RestError(
            404, "rest_no_route", "No route was found matching the URL and request method."
        )

    def _batch(self, body: Mapping[str, Any], parent_id: int | None, half: bool) -> Any:
        count = rest.batch_size(body)
        writing = rest.batch(self.catalogue, body, parent_id, rest.BATCH_ITEMS_MAX)
        written = 0
        try:
            product, item = next(writing)
            self.items_most = max(self.items_most, count)
            while not (half and written >= count // 2):
                product, item = writing.send(self._write(product, item))
                written += 1
        except StopIteration as ended:
            return ended.value
        return None

    def _write(self, product: Product, item: Mapping[str, Any]) -> RestError | None:
        if product.sku in self._spoiled:
            return RestError(400, "woocommerce_rest_plugin_refused", "A plugin refuses it.")
        try:
            self.catalogue.write(product, item, product.stock_quantity or 0)
        except RestError as error:
            return error
        self._writes.append((product.sku, item.get("stock_quantity", 0)))
        return None


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    told = {"content-type": "application/json; charset=UTF-8", **(headers or {})}
    return Response(status, told, msgspec.json.encode(value))
