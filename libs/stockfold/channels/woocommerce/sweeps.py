"""``GET orders?modified_after=…``: what webhooks may have missed, page by page.

Orders come and go while they are read. Pages are taken by the order's id, which never changes, and
each begins with the last order of the one before: if that one is not there, orders were removed in
between and others moved up unseen, and reading begins anew. Dates are GMT, and the limit is
exclusive to the second. An order with refunds is told once they were asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stockfold.channels.dates import date_s
from stockfold.channels.orders import ChannelOrder
from stockfold.channels.port import Failure, Request, Response
from stockfold.channels.sweeping import Page
from stockfold.channels.woocommerce import asking
from stockfold.channels.woocommerce.asking import Conversation, NotThereError, get
from stockfold.channels.woocommerce.orders import OrderTerms, deleted, read_order
from stockfold.channels.woocommerce.refunds import Units, has_refunds, read_refunds, refunds_of
from stockfold.domain.errors import ContractError
from stockfold.domain.times import SECOND_US, from_us

PER_PAGE = 100
PER_PAGE_MIN = 5
BEGINNINGS_MAX = 5
_STATUSES = ("any", "trash")
Row = Mapping[str, Any]
_INSTANT = "%Y-%m-%dT%H:%M:%S"


class OrderSweep:
    """One sweep over the orders that changed after ``after_us``, trashed ones included.

    See ``Sweep``.
    """

    pause_s = 0.0

    def __init__(
        self,
        terms: OrderTerms,
        after_us: int,
        per_page: int = PER_PAGE,
        statuses: Sequence[str] = _STATUSES,
    ) -> None:
        assert per_page > 1, "pages overlap by one order"
        self._terms = terms
        # To the second below: the shop compares whole seconds, and leaves out the limit itself.
        limit = from_us(max(after_us // SECOND_US - 1, 0) * SECOND_US)
        self._after = limit.strftime(_INSTANT)
        self._per_page = per_page
        self._waiting = list(statuses)
        self._begin()
        self._beginnings = 0
        self._aside: list[tuple[Row, float | None]] = []
        """Orders whose refunds are asked for next, each with when it was read."""
        self.latest_us = after_us

    def _begin(self) -> None:
        self._offset = 0
        self._last: int | None = None

    @property
    def request(self) -> Request | None:
        """The next request; None when everything was read."""
        if self._aside:
            return refunds_of(str(self._aside[0][0]["id"]))
        if not self._waiting:
            return None
        return get(
            "orders",
            ("status", self._waiting[0]),
            ("modified_after", self._after),
            ("dates_are_gmt", "true"),
            ("orderby", "id"),
            ("order", "asc"),
            ("per_page", str(self._per_page)),
            ("offset", str(self._offset)),
        )

    def halve(self) -> None:
        """Ask for smaller pages from here on: the shop could not serve one in time."""
        self._per_page = max(self._per_page // 2, PER_PAGE_MIN)

    def receive(self, answer: Response | Failure) -> Page:
        """The orders of a page, or the one whose refunds were asked for."""
        request = self.request
        assert request is not None
        if self._aside:
            units = read_refunds(request, answer)
            row, read_at_s = self._aside.pop(0)
            return self._read([row], read_at_s, units)
        rows = asking.read(request, answer)
        if not isinstance(rows, list) or not all(_is_order(row) for row in rows):
            raise asking.not_understood(request, answer)
        assert isinstance(answer, Response)
        ids = [row["id"] for row in rows]
        if self._last is not None and self._last not in ids:
            self._beginnings += 1
            if self._beginnings >= BEGINNINGS_MAX:
                raise asking.not_understood(request, answer)
            self._begin()
            return Page(())
        read_at_s = date_s(answer)
        self._aside = [(row, read_at_s) for row in rows if has_refunds(row)]
        page = self._read([row for row in rows if not has_refunds(row)], read_at_s)
        if len(rows) < self._per_page:
            self._waiting.pop(0)
            self._begin()
        else:
            self._last = ids[-1]
            self._offset += self._per_page - 1
        return page

    def _read(
        self, rows: list[Row], read_at_s: float | None, refunded: Units | None = None
    ) -> Page:
        orders: list[ChannelOrder] = []
        unread: list[ContractError] = []
        for row in rows:
            try:
                order = read_order(row, self._terms, read_at_s, refunded)
            except ContractError as error:
                unread.append(error)
            else:
                orders.append(order)
                self.latest_us = max(self.latest_us, order.occurred_at)
        return Page(tuple(orders), tuple(unread))


def look_up(order: str, terms: OrderTerms) -> Conversation[ChannelOrder]:
    """The order of an id as the shop has it now, deleted if the shop says that there is none.

    NotServedError when the shop does not serve; ContractError ``unreadable_order``.
    """
    request = get(f"orders/{order}")
    answer = yield request
    try:
        tree = asking.read(request, answer, asking.NO_ORDER)
    except NotThereError:
        assert isinstance(answer, Response)
        at_s = date_s(answer)
        if at_s is None:
            raise asking.not_understood(request, answer) from None
        return deleted(order, terms, int(at_s) * SECOND_US)
    if not _is_order(tree):
        raise asking.not_understood(request, answer)
    assert isinstance(answer, Response)
    refunded: Units = {}
    if has_refunds(tree):
        request = refunds_of(order)
        refunded = read_refunds(request, (yield request))
    return read_order(tree, terms, date_s(answer), refunded)


def not_shown(orders: Sequence[str]) -> Conversation[list[str]]:
    """Those of these orders that the shop does not list: in the bin, deleted, or never its own.

    NotServedError.
    """
    missing: list[str] = []
    numbers = [order for order in orders if order.isascii() and order.isdecimal()]
    for start in range(0, len(numbers), PER_PAGE):
        some = numbers[start : start + PER_PAGE]
        request = get(
            "orders",
            ("include", ",".join(some)),
            ("status", "any"),
            ("per_page", str(PER_PAGE)),
            ("_fields", "id"),
        )
        answer = yield request
        rows = asking.read(request, answer)
        if not isinstance(rows, list) or not all(_is_order(row) for row in rows):
            raise asking.not_understood(request, answer)
        shown = {str(row["id"]) for row in rows}
        missing += [order for order in some if order not in shown]
    return missing


def _is_order(row: Any) -> bool:
    return isinstance(row, dict) and isinstance(row.get("id"), int)
