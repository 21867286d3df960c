"""A shop of Shopify's for tests: orders as a webhook tells them and as GraphQL does, at a cost.

Written from the documentation; no shop of Shopify's was asked (unverified).
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

TOKEN = "shpat_test"
BUCKET = 2_000.0
RATE = 100.0
COST_MAX = 1_000
PAGE_MAX = 250
_OPERATION = re.compile(r"query (\w+)\(")
_SINCE = re.compile(r"updated_at:>='([^']+)'")


@dataclass(slots=True)
class Line:
    id: int
    sku: str
    quantity: int
    current: int


@dataclass(slots=True)
class Order:
    id: int
    created_s: int
    updated_s: int
    lines: list[Line]
    financial: str = "PAID"
    cancelled_s: int = 0
    fulfilments: list[tuple[int, str, dict[int, int]]] = field(default_factory=list)
    """(id, status, units by line)"""
    refunds: list[tuple[int, list[tuple[int, int, str]]]] = field(default_factory=list)
    """(id, [(line, units, restock type)])"""

    @property
    def fulfilment_status(self) -> str:
        sent: dict[int, int] = {}
        for _, status, units in self.fulfilments:
            for line, count in units.items() if status == "SUCCESS" else ():
                sent[line] = sent.get(line, 0) + count
        if not sent:
            return "UNFULFILLED"
        whole = all(sent.get(line.id, 0) >= line.current for line in self.lines)
        return "FULFILLED" if whole else "PARTIALLY_FULFILLED"


class ShopifyShop:
    """The shop. ``now_s`` is its clock; every change dates the order anew."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self.now_s = now_s
        self.orders: dict[int, Order] = {}
        self.left = BUCKET
        self.filled_s = now_s()
        self.asked: list[str] = []
        self.throttled = 0
        self.faults: list[tuple[int, bytes]] = []
        """(status, body) of the next answers, before anything else."""
        self.served = "2026-01"
        self.supported = ["2025-07", "2025-10", "2026-01"]
        self._next = 100

    def _id(self) -> int:
        self._next += 1
        return self._next

    def place(self, financial: str = "PAID", **units: int) -> Order:
        now = int(self.now_s())
        lines = [Line(self._id(), sku, count, count) for sku, count in units.items()]
        order = Order(self._id(), now, now, lines, financial)
        self.orders[order.id] = order
        return order

    def fulfil(self, order: Order, units: dict[int, int], status: str = "SUCCESS") -> None:
        order.fulfilments.append((self._id(), status, units))
        self.touch(order)

    def refund(self, order: Order, line: int, units: int, restock: str) -> None:
        order.refunds.append((self._id(), [(line, units, restock)]))
        for row in order.lines:
            if row.id == line:
                row.current -= units
        self.touch(order)

    def cancel(self, order: Order) -> None:
        order.cancelled_s = int(self.now_s())
        self.touch(order)

    def touch(self, order: Order) -> None:
        order.updated_s = int(self.now_s())

    # --- what a webhook tells -------------------------------------------------------------------

    def webhook(self, order: Order) -> bytes:
        word = {"FULFILLED": "fulfilled", "PARTIALLY_FULFILLED": "partial", "UNFULFILLED": None}
        told = {
            "id": order.id,
            "email": "erika@example.org",
            "created_at": _moment(order.created_s),
            "updated_at": _moment(order.updated_s),
            "cancelled_at": _moment(order.cancelled_s) if order.cancelled_s else None,
            "taxes_included": True,
            "financial_status": order.financial.lower(),
            "fulfillment_status": word[order.fulfilment_status],
            "line_items": [
                {
                    "id": line.id,
                    "variant_id": line.id + 50_000,
                    "sku": line.sku,
                    "quantity": line.quantity,
                    "current_quantity": line.current,
                    "requires_shipping": line.sku != "GIFT",
                    "gift_card": line.sku == "GIFT",
                    "tax_lines": [{"title": "MwSt", "rate": 0.19}],
                }
                for line in order.lines
            ],
            "fulfillments": [
                {
                    "id": number,
                    "status": status.lower(),
                    "line_items": [{"id": k, "quantity": v} for k, v in units.items()],
                }
                for number, status, units in order.fulfilments
            ],
            "refunds": [
                {
                    "id": number,
                    "refund_line_items": [
                        {"line_item_id": line, "quantity": units, "restock_type": kind.lower()}
                        for line, units, kind in rows
                    ],
                }
                for number, rows in order.refunds
            ],
        }
        return json.dumps(told).encode()

    # --- GraphQL --------------------------------------------------------------------------------

    def answer(self, token: str, sent: Any) -> tuple[int, bytes]:
        """Status and body of a request to the GraphQL API."""
        if self.faults:
            return self.faults.pop(0)
        if token != TOKEN:
            return 401, b'{"errors": "Invalid API key or access token"}'
        if "publicApiVersions" in sent["query"]:
            rows = [{"handle": handle, "supported": True} for handle in self.supported]
            rows.append({"handle": "unstable", "supported": False})
            return 200, json.dumps({"data": {"publicApiVersions": rows}}).encode()
        found = _OPERATION.match(sent["query"])
        assert found is not None
        name, given = found[1], sent["variables"]
        first = given["first"]
        assert 1 <= first <= PAGE_MAX
        cost = {"Orders": 2 + first, "Order": 502 + 3 * first}.get(name, 3 + 2 * first)
        assert cost <= COST_MAX, "Shopify refuses a query that may cost more"
        now_s = self.now_s()
        self.left = min(BUCKET, self.left + (now_s - self.filled_s) * RATE)
        self.filled_s = now_s
        status = {"maximumAvailable": BUCKET, "restoreRate": RATE}
        if cost > self.left:
            self.throttled += 1
            told: dict[str, Any] = {
                "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]
            }
        else:
            self.left -= cost
            self.asked.append(name)
            told = {"data": self._data(name, given, first)}
        status["currentlyAvailable"] = self.left
        told["extensions"] = {"cost": {"requestedQueryCost": cost, "throttleStatus": status}}
        return 200, json.dumps(told).encode()

    def _data(self, name: str, given: Any, first: int) -> dict[str, Any]:
        after = given["after"]
        if name == "Orders":
            found = _SINCE.search(given["query"])
            assert found is not None
            since = datetime.fromisoformat(found[1]).timestamp()
            orders = sorted(
                (o for o in self.orders.values() if o.updated_s >= since),
                key=lambda o: (o.updated_s, o.id),
            )
            rows = [((o.updated_s, o.id), {"id": f"gid://shopify/Order/{o.id}"}) for o in orders]
            start = tuple(json.loads(after)) if after else (0, 0)
            return {"orders": _connection([row for row in rows if row[0] > start], first)}
        number = int(given["id"].rpartition("/")[2])
        if name == "Order":
            order = self.orders.get(number)
            return {"order": None if order is None else self._order(order, first, after)}
        rows = self._part(name, number)
        skip = json.loads(after)[0] + 1 if after else 0
        numbered = [((place,), row) for place, row in enumerate(rows)][skip:]
        return {name.lower(): {"lines": _connection(numbered, first)}}

    def _part(self, name: str, number: int) -> list[dict[str, Any]]:
        for order in self.orders.values():
            for part, _, units in order.fulfilments if name == "Fulfillment" else ():
                if part == number:
                    return [_counted(line, count) for line, count in units.items()]
            for part, rows in order.refunds if name == "Refund" else ():
                if part == number:
                    return [
                        _counted(line, units) | {"restockType": kind} for line, units, kind in rows
                    ]
        raise AssertionError(f"there is no {name} {number}")

    def _order(self, order: Order, first: int, after: str | None) -> dict[str, Any]:
        skip = json.loads(after)[0] + 1 if after else 0
        lines = [
            (
                (place,),
                {
                    "id": f"gid://shopify/LineItem/{line.id}",
                    "sku": line.sku,
                    "quantity": line.quantity,
                    "currentQuantity": line.current,
                    "requiresShipping": line.sku != "GIFT",
                    "isGiftCard": line.sku == "GIFT",
                    "variant": {"id": f"gid://shopify/ProductVariant/{line.id + 50_000}"},
                    "taxLines": [{"title": "MwSt", "rate": 0.19}],
                },
            )
            for place, line in enumerate(order.lines)
        ]
        return {
            "id": f"gid://shopify/Order/{order.id}",
            "createdAt": _moment(order.created_s),
            "updatedAt": _moment(order.updated_s),
            "cancelledAt": _moment(order.cancelled_s) if order.cancelled_s else None,
            "taxesIncluded": True,
            "displayFinancialStatus": order.financial,
            "displayFulfillmentStatus": order.fulfilment_status,
            "fulfillments": [
                {"id": f"gid://shopify/Fulfillment/{number}", "status": status}
                for number, status, _ in order.fulfilments
            ],
            "refunds": [{"id": f"gid://shopify/Refund/{number}"} for number, _ in order.refunds],
            "lineItems": _connection(lines[skip:], first),
        }


def _counted(line: int, units: int) -> dict[str, Any]:
    return {"quantity": units, "lineItem": {"id": f"gid://shopify/LineItem/{line}"}}


def _connection(rows: list[tuple[Any, dict[str, Any]]], first: int) -> dict[str, Any]:
    shown = rows[:first]
    return {
        "pageInfo": {
            "hasNextPage": len(rows) > first,
            "endCursor": json.dumps(shown[-1][0]) if shown else None,
        },
        "nodes": [row for _, row in shown],
    }


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def dated(now_s: float) -> str:
    """The header that dates an answer."""
    return format_datetime(datetime.fromtimestamp(int(now_s), UTC), usegmt=True)


class ShopifyServer:
    """The shop on a port; ``url`` is its address."""

    def __init__(self, shop: ShopifyShop) -> None:
        self.shop = shop

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
                status, body = shop.answer(self.headers.get("x-shopify-access-token", ""), sent)
                self.send_response_only(status)
                self.send_header("date", dated(shop.now_s()))
                self.send_header("x-shopify-api-version", shop.served)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                del format, args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
