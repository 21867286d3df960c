"""The market, imitated from its documentation: strict, stateful, without a socket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from stockfold.channels.conformance import Fault, Sent
from stockfold.channels.port import Response

BEGAN_S = 1_700_000_000.0
ITEMS_MAX = 50
PAGE = b"<html><body>Back soon</body></html>"
STATUSES = {Fault.THROTTLED: 429, Fault.UNAVAILABLE: 503, Fault.GARBAGE: 200, Fault.EXPIRED: 401}


class ExampleMarket:
    """See ``stockfold.channels.conformance.Subject``."""

    url = "https://market.example"
    options: Mapping[str, object] = {}
    credentials: Mapping[str, str] = {"token": "an-example-token"}
    locations: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.now_s = BEGAN_S
        self.items_most = 0
        self._stock: dict[str, int] = {}
        self._spoiled: set[str] = set()
        self._faults: list[Fault] = []
        self._writes: list[tuple[str, int]] = []

    def advance(self, seconds: float) -> None:
        self.now_s += seconds

    def list(
        self, sku: str, quantity: int = 0, per_location: Mapping[str, int] | None = None
    ) -> None:
        self._stock[sku] = quantity

    def unlist(self, sku: str) -> None:
        del self._stock[sku]

    def spoil(self, sku: str) -> None:
        self._spoiled.add(sku)

    def sell(self, sku: str, units: int) -> None:
        self._stock[sku] -= units

    def shows(self, sku: str) -> int | None:
        return self._stock.get(sku)

    def shows_at(self, sku: str) -> Mapping[str, int]:
        return {}

    def fail(self, fault: Fault, times: int = 1) -> None:
        self._faults += [fault] * times

    @property
    def writes(self) -> tuple[tuple[str, int], ...]:
        return tuple(self._writes)

    def answer(self, sent: Sent) -> Response | None:
        fault = self._faults.pop(0) if self._faults else None
        if fault in STATUSES:
            return Response(STATUSES[fault], {"content-type": "text/html"}, PAGE)
        if sent.headers.get("authorization") != f"Bearer {self.credentials['token']}":
            return _json(401, {"error": "no such token"})
        answer = self._served(sent, half=fault is Fault.BROKEN)
        if fault is Fault.BROKEN:
            return Response(502, {"content-type": "text/html"}, PAGE)
        return None if fault is Fault.LOST else answer

    def _served(self, sent: Sent, *, half: bool) -> Response:
        url = urlsplit(sent.url)
        if url.path != "/stock" or sent.method not in ("GET", "PUT"):
            return _json(404, {"error": "there is nothing here"})
        if sent.method == "GET":
            skus = [value for name, value in parse_qsl(url.query) if name == "sku"]
            return self._answered([{"sku": sku} for sku in skus], write=False)
        try:
            items = msgspec.json.decode(sent.body, type=dict[str, list[dict[str, Any]]])["items"]
        except (msgspec.DecodeError, KeyError):
            return _json(400, {"error": "items are missing"})
        return self._answered(items[: len(items) // 2] if half else items, write=True)

    def _answered(self, items: Sequence[dict[str, Any]], *, write: bool) -> Response:
        if len(items) > ITEMS_MAX:
            return _json(400, {"error": f"more than {ITEMS_MAX} items"})
        self.items_most = max(self.items_most, len(items))
        return _json(200, {"items": [self._item(item, write=write) for item in items]})

    def _item(self, item: dict[str, Any], *, write: bool) -> dict[str, Any]:
        sku = item["sku"]
        if sku not in self._stock:
            return {"sku": sku, "quantity": 0, "status": "unknown"}
        if write and (sku in self._spoiled or not 0 <= item["quantity"] <= 999_999):
            return {"sku": sku, "quantity": self._stock[sku], "status": "no"}
        if write:
            self._stock[sku] = item["quantity"]
            self._writes.append((sku, item["quantity"]))
        return {"sku": sku, "quantity": self._stock[sku], "status": "ok"}


def _json(status: int, value: Any) -> Response:
    return Response(status, {"content-type": "application/json"}, msgspec.json.encode(value))
