"""``orders(query: "updated_at:>=…")``: what Shopify's webhooks may have missed.

Orders are listed by their time of change, ascending: one that changes while they are read is listed
again at the end. Each is then asked for by itself, and its fulfilments and refunds one by one, so
that no query costs more than Shopify takes (1,000 points) however large an order is. What comes is
put into the shape of a webhook and read as one: both tell the same.

Orders older than 60 days are shown only to apps with the scope ``read_all_orders``, so one that is
not shown is never taken for deleted. Not tried on a shop of Shopify's: it is as documented.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from typing import Any

from stockfold.channels.dates import date_s
from stockfold.channels.orders import ChannelOrder, unreadable
from stockfold.channels.port import Failure, Request, Response
from stockfold.channels.shopify import asking
from stockfold.channels.shopify.orders import read_tree
from stockfold.channels.sweeping import Page
from stockfold.domain.errors import ContractError
from stockfold.domain.times import SECOND_US, format_us

SETTLED_S = 60
PER_PAGE = 100
PER_PAGE_MIN = 5
LINES_PER_PAGE = 50
PARTS_MAX = 250
"""Fulfilments of an order, and refunds: Shopify lists no more at once. Beyond it none is read."""
_PAGE = "pageInfo { hasNextPage endCursor }"
ORDERS = f"""query Orders($query: String!, $first: Int!, $after: String) {{
  orders(query: $query, first: $first, after: $after, sortKey: UPDATED_AT) {{
    {_PAGE} nodes {{ id }} }} }}"""
ORDER = f"""query Order($id: ID!, $first: Int!, $after: String) {{
  order(id: $id) {{
    id createdAt updatedAt cancelledAt taxesIncluded
    displayFinancialStatus displayFulfillmentStatus
    fulfillments(first: {PARTS_MAX}) {{ id status }}
    refunds(first: {PARTS_MAX}) {{ id }}
    lineItems(first: $first, after: $after) {{
      {_PAGE} nodes {{
        id sku quantity currentQuantity requiresShipping isGiftCard
        variant {{ id }} taxLines {{ title rate }} }} }} }} }}"""
FULFILMENT = f"""query Fulfillment($id: ID!, $first: Int!, $after: String) {{
  fulfillment(id: $id) {{ lines: fulfillmentLineItems(first: $first, after: $after) {{
    {_PAGE} nodes {{ quantity lineItem {{ id }} }} }} }} }}"""
REFUND = f"""query Refund($id: ID!, $first: Int!, $after: String) {{
  refund(id: $id) {{ lines: refundLineItems(first: $first, after: $after) {{
    {_PAGE} nodes {{ quantity restockType lineItem {{ id }} }} }} }} }}"""

Tree = Mapping[str, Any]
Asked = tuple[str, dict[str, Any]]
"""A query and its variables."""
Conversation = Generator[Asked, Tree, Any]


class ShopifySweep:
    """One sweep over the orders that changed at or after ``after_us``; see ``OrderSweep``."""

    def __init__(self, channel: str, after_us: int) -> None:
        self._channel = channel
        self._after_us = after_us
        self._per_page = PER_PAGE
        self._orders: list[ChannelOrder] = []
        self._unread: list[ContractError] = []
        self._read_at_s: float | None = None
        self._reading = self._all()
        self._asked: Asked | None = next(self._reading)
        self.latest_us = after_us
        self.pause_s = 0.0

    @property
    def request(self) -> Request | None:
        """The next request; None when everything was read."""
        if self._asked is None:
            return None
        query, variables = self._asked
        if query is ORDERS:
            variables = {**variables, "first": self._per_page}
        return asking.ask(query, variables)

    def halve(self) -> None:
        """Ask for smaller pages from here on: the shop could not serve one in time."""
        self._per_page = max(self._per_page // 2, PER_PAGE_MIN)

    def receive(self, answer: Response | Failure) -> Page:
        """The orders that are whole by now. NotServedError: the same request may be made again."""
        request = self.request
        assert request is not None
        found = asking.read(request, answer)
        assert isinstance(answer, Response)
        self.pause_s = found.pause_s
        self._read_at_s = date_s(answer)
        try:
            self._asked = self._reading.send(found.data)
        except StopIteration:
            self._asked = None
        page = Page(tuple(self._orders), tuple(self._unread))
        self._orders, self._unread = [], []
        return page

    def _all(self) -> Generator[Asked, Tree, None]:
        since = format_us(self._after_us // SECOND_US * SECOND_US)
        after: str | None = None
        while True:
            data = yield ORDERS, {"query": f"updated_at:>='{since}'", "after": after}
            rows, after = _page(data.get("orders"))
            for row in rows:
                yield from self._one(row)
            if after is None:
                return

    def _one(self, row: Tree) -> Conversation:
        try:
            tree = yield from _order(str(row.get("id")))
            if tree is None:
                # Gone between list and question; its deletion is told by a webhook alone.
                return
            order = read_tree(tree, self._channel, settled_at=_settled(self._read_at_s))
        except ContractError as error:
            self._unread.append(error)
            return
        self._orders.append(order)
        self.latest_us = max(self.latest_us, order.occurred_at)


def _settled(read_at_s: float | None) -> int | None:
    """Changes up to here are final: UTC microseconds."""
    return None if read_at_s is None else int((read_at_s - SETTLED_S) * SECOND_US)


def _order(name: str) -> Conversation:
    """An order in the shape of a webhook; None when the shop shows none."""
    rows: list[Tree] = []
    head: Tree | None = None
    after: str | None = None
    while True:
        data = yield ORDER, {"id": name, "first": LINES_PER_PAGE, "after": after}
        told = data.get("order")
        if not isinstance(told, dict):
            return None
        head = head or told
        found, after = _page(told.get("lineItems"))
        rows += found
        if after is None:
            break
    parcels = []
    for part in _parts(head, "fulfillments"):
        if part.get("status") == "SUCCESS":
            lines = yield from _lines(FULFILMENT, "fulfillment", part)
            parcels.append({"status": "success", "line_items": [_sent(line) for line in lines]})
    refunds = []
    for part in _parts(head, "refunds"):
        lines = yield from _lines(REFUND, "refund", part)
        refunds.append({"refund_line_items": [_given_back(line) for line in lines]})
    return {
        "id": _number(head.get("id")),
        "created_at": head.get("createdAt"),
        "updated_at": head.get("updatedAt"),
        "cancelled_at": head.get("cancelledAt"),
        "taxes_included": head.get("taxesIncluded"),
        "financial_status": _word(head.get("displayFinancialStatus")),
        "fulfillment_status": _word(head.get("displayFulfillmentStatus")),
        "line_items": [_line(row) for row in rows],
        "fulfillments": parcels,
        "refunds": refunds,
    }


def _parts(head: Tree, field: str) -> Iterable[Tree]:
    parts = list(_objects(head.get(field)))
    if len(parts) >= PARTS_MAX:
        raise unreadable(
            f"it may have more than {PARTS_MAX} {field}, which is as many as are listed",
            f"order {head.get('id')}",
            "Compare it with the shop: its webhooks alone tell all of it.",
        )
    return parts


def _lines(query: str, field: str, part: Tree) -> Conversation:
    """All lines of a fulfilment or refund."""
    rows: list[Tree] = []
    after: str | None = None
    while True:
        name = str(part.get("id"))
        data = yield query, {"id": name, "first": LINES_PER_PAGE, "after": after}
        told = data.get(field)
        found, after = _page(told.get("lines") if isinstance(told, dict) else None)
        rows += found
        if after is None:
            return rows


def _page(connection: Any) -> tuple[list[Tree], str | None]:
    """Rows, and the cursor of the next page if there is one."""
    if not isinstance(connection, dict):
        return [], None
    about = connection.get("pageInfo")
    more = isinstance(about, dict) and about.get("hasNextPage") is True
    cursor = about.get("endCursor") if more and isinstance(about, dict) else None
    return list(_objects(connection.get("nodes"))), cursor if isinstance(cursor, str) else None


def _objects(rows: Any) -> Iterable[Tree]:
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _line(row: Tree) -> dict[str, Any]:
    return {
        "id": _number(row.get("id")),
        "variant_id": _number(_named(row, "variant")),
        "sku": row.get("sku"),
        "quantity": row.get("quantity"),
        "current_quantity": row.get("currentQuantity"),
        "requires_shipping": row.get("requiresShipping"),
        "gift_card": row.get("isGiftCard"),
        "tax_lines": row.get("taxLines"),
    }


def _sent(row: Tree) -> dict[str, Any]:
    return {"id": _number(_named(row, "lineItem")), "quantity": row.get("quantity")}


def _given_back(row: Tree) -> dict[str, Any]:
    return {
        "line_item_id": _number(_named(row, "lineItem")),
        "quantity": row.get("quantity"),
        "restock_type": _word(row.get("restockType")),
    }


def _named(row: Tree, field: str) -> Any:
    inner = row.get(field)
    return inner.get("id") if isinstance(inner, dict) else None


def _word(value: Any) -> str | None:
    """GraphQL writes in capitals what webhooks write in small letters."""
    return value.lower() if isinstance(value, str) else None


def _number(value: Any) -> int | None:
    """``gid://shopify/Order/820`` → 820, as webhooks tell it."""
    tail = value.rpartition("/")[2] if isinstance(value, str) else ""
    return int(tail) if tail.isascii() and tail.isdecimal() and len(tail) < 20 else None
