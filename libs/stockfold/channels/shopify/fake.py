"""An imitated shop of Shopify's: GraphQL over HTTP, tokens of a day, and points that run out.

See ``stockfold.channels.conformance.Subject``. A write of Shopify's is all or nothing, so of a
``BROKEN`` one all is done, and the answer is a 500.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.utils import formatdate
from math import inf
from typing import Any
from urllib.parse import parse_qs, urlsplit

from stockfold.channels.conformance import Fault, Sent
from stockfold.channels.port import Response
from stockfold.channels.shopify.asking import COST_MAX, path_of
from stockfold.channels.shopify.fake_costs import cost_of
from stockfold.channels.shopify.fake_graphql import Root
from stockfold.channels.shopify.fake_stock import Item, Stock
from stockfold.channels.shopify.terms import ShopifyOptions

TOKEN_LIFE_S = 86_399
POINTS_MAX = 2_000.0
POINTS_PER_S = 100.0
CLIENT_ID = "imitated-app"
_SECRET = "shpss_imitated-client-secret"  # noqa: S105 - of an imitation
_HTML = b"<!DOCTYPE html><html><body>We are checking your browser</body></html>"
_UNAUTHORIZED = {
    "errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"
}


class FakeShopify:
    """One shop with two locations, and one app in it; without ``client_id`` one of before 2026.

    Such an app has a token without an end.
    """

    def __init__(
        self,
        version: str = "2026-04",
        quantity: str = "available",
        client_id: str = CLIENT_ID,
        now_s: float = 1_790_000_000.0,
    ) -> None:
        settings = ShopifyOptions(api_version=version)
        self.url = "https://imitated.myshopify.com"
        self.options: Mapping[str, object] = {
            "api_version": version,
            "client_id": client_id,
            "quantity": quantity,
        }
        self.credentials: Mapping[str, str] = {"secret": _SECRET}
        self.locations: Mapping[str, str] = {
            "berlin": "gid://shopify/Location/71",
            "hamburg": "gid://shopify/Location/72",
        }
        compare = "changeFromQuantity" if settings.changes_from else "compareQuantity"
        self.stock = Stock([*self.locations.values(), "gid://shopify/Location/73"], compare)
        self.now_s = now_s
        self.served = version
        self.asked: list[str] = []
        """The operations of every request that was served, in order."""
        self._quantity = quantity
        self._root = Root(self.stock, version)
        self._path = path_of(version)
        self._tokens: dict[str, float] = {} if client_id else {_SECRET: inf}
        self._numbers = iter(range(1, 10**9))
        self._left = POINTS_MAX
        self._filled_s = now_s
        self._faults: list[Fault] = []

    # What the suite does.

    def advance(self, seconds: float) -> None:
        """See ``Subject.advance``."""
        self.now_s += seconds

    def list(
        self, sku: str, quantity: int = 0, per_location: Mapping[str, int] | None = None
    ) -> None:
        """See ``Subject.list``: stocked at both locations, the units at the first."""
        first, *others = self.locations.values()
        units = {first: quantity} | dict.fromkeys(others, 0)
        self.stock.add(sku, units | dict(per_location or {}))

    def unlist(self, sku: str) -> None:
        """See ``Subject.unlist``."""
        for item in self.stock.named(sku):
            del self.stock.items[item.id]

    def spoil(self, sku: str) -> None:
        """See ``Subject.spoil``: as a bundle, whose stock is that of its parts."""
        for item in self.stock.named(sku):
            item.mutable = False

    def sell(self, sku: str, units: int) -> None:
        """See ``Subject.sell``: the order commits units of the location that has most."""
        item = self._one(sku)
        level = max(item.levels.values(), key=lambda one: one.available)
        level.available -= units
        level.committed += units

    def shows(self, sku: str) -> int | None:
        """See ``Subject.shows``."""
        return sum(self.shows_at(sku).values()) if self.stock.named(sku) else None

    def shows_at(self, sku: str) -> Mapping[str, int]:
        """See ``Subject.shows_at``."""
        ours = self.locations.values()
        levels = self._one(sku).levels.items() if self.stock.named(sku) else ()
        return {place: level.get(self._quantity) for place, level in levels if place in ours}

    def fail(self, fault: Fault, times: int = 1) -> None:
        """See ``Subject.fail``."""
        self._faults += [fault] * times

    @property
    def writes(self) -> tuple[tuple[str, int], ...]:
        """See ``Subject.writes``."""
        return tuple(self.stock.writes)

    @property
    def items_most(self) -> int:
        """See ``Subject.items_most``: quantities of one mutation."""
        return self._root.items_most

    def _one(self, sku: str) -> Item:
        (item,) = self.stock.named(sku)
        return item

    # What goes over the wire.

    def answer(self, sent: Sent) -> Response | None:
        """See ``Subject.answer``."""
        address = urlsplit(sent.url)
        if f"{address.scheme}://{address.netloc}" != self.url:
            return self._told(404, {"errors": "Not Found"})
        if address.path == "/admin/oauth/access_token":
            return self._grant(sent)
        if address.path != self._path or sent.method != "POST":
            return self._told(404, {"errors": "Not Found"})
        fault = self._faults.pop(0) if self._faults else None
        if fault is Fault.UNAVAILABLE:
            return self._told(503, {"errors": "Service Unavailable"})
        if fault is Fault.GARBAGE:
            return Response(200, {"content-type": "text/html"}, _HTML)
        if fault is Fault.EXPIRED:
            # One without an end is taken again once the app has been let in again.
            self._tokens = {
                token: ends_s for token, ends_s in self._tokens.items() if ends_s == inf
            }
            if self._tokens:
                return self._told(401, _UNAUTHORIZED)
        answer = self._graphql(sent, throttled=fault is Fault.THROTTLED)
        if fault is Fault.LOST:
            return None
        return (
            self._told(500, {"errors": "Internal Server Error"})
            if fault is Fault.BROKEN
            else answer
        )

    def _grant(self, sent: Sent) -> Response:
        form = {name: values[0] for name, values in parse_qs(sent.body.decode()).items()}
        content = sent.headers.get("content-type", "")
        if sent.method != "POST" or content != "application/x-www-form-urlencoded":
            return self._told(400, {"error": "invalid_request"})
        if form.get("grant_type") != "client_credentials":
            return self._told(400, {"error": "unsupported_grant_type"})
        if form.get("client_id") != CLIENT_ID or form.get("client_secret") != _SECRET:
            return self._told(401, {"error": "invalid_client"})
        token = f"shpat_imitated-{next(self._numbers):08d}"
        self._tokens[token] = self.now_s + TOKEN_LIFE_S
        scope = "read_locations,write_inventory,read_products"
        told = {"access_token": token, "scope": scope, "expires_in": TOKEN_LIFE_S}
        return self._told(200, told)

    def _graphql(self, sent: Sent, *, throttled: bool) -> Response:
        ends_s = self._tokens.get(sent.headers.get("x-shopify-access-token", ""), 0.0)
        if self.now_s >= ends_s:
            return self._told(401, _UNAUTHORIZED)
        if sent.headers.get("content-type", "").partition(";")[0] != "application/json":
            return self._told(415, {"errors": "Unsupported Media Type"})
        try:
            asked = json.loads(sent.body)
        except ValueError:
            return self._told(400, {"errors": {"query": "Required parameter missing or invalid"}})
        document, errors = self._root.checked(asked)
        if document is None:
            return self._told(200, {"errors": errors})
        cost = cost_of(document, asked.get("variables") or {})
        if cost > COST_MAX:
            text = (
                f"Query cost is {cost:.0f}, which exceeds the single query max cost limit (1000)."
            )
            told = {"message": text, "extensions": {"code": "MAX_COST_EXCEEDED", "cost": cost}}
            return self._told(200, {"errors": [told]})
        self._fill()
        if throttled:
            self._left = min(self._left, cost / 2)
        if cost > self._left:
            throttle = [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]
            return self._told(200, {"errors": throttle} | self._cost(cost, None))
        self._left -= cost
        self._root.now_s = self.now_s
        self.asked.append(str(asked.get("operationName")))
        answer = self._root.answer(document, asked)
        return self._told(200, answer | self._cost(cost, cost))

    def _fill(self) -> None:
        gained = (self.now_s - self._filled_s) * POINTS_PER_S
        self._left, self._filled_s = min(POINTS_MAX, self._left + gained), self.now_s

    def _cost(self, asked: float, actual: float | None) -> dict[str, Any]:
        status = {
            "maximumAvailable": POINTS_MAX,
            "currentlyAvailable": self._left,
            "restoreRate": POINTS_PER_S,
        }
        told = {"requestedQueryCost": asked, "actualQueryCost": actual, "throttleStatus": status}
        return {"extensions": {"cost": told}}

    def _told(self, status: int, tree: Mapping[str, Any]) -> Response:
        headers = {
            "content-type": "application/json; charset=utf-8",
            "date": formatdate(self.now_s, usegmt=True),
            "x-shopify-api-version": self.served,
        }
        return Response(status, headers, json.dumps(tree).encode())
