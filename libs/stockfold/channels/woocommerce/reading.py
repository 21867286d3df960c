"""What is asked right before a write: which orders changed, and what listings show.

Orders are read whole, as a sweep reads them, so that each has the same revision whoever reads it.
The bin is left out: binning an order moves no stock in the shop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

from stockfold.channels import statuses
from stockfold.channels.port import (
    Answer,
    Failure,
    OrderPage,
    Purpose,
    Request,
    Response,
    StockUpdate,
)
from stockfold.channels.woocommerce import answers, lookups
from stockfold.channels.woocommerce.asking import NotServedError
from stockfold.channels.woocommerce.observing import observe
from stockfold.channels.woocommerce.orders import OrderTerms
from stockfold.channels.woocommerce.sweeps import OrderSweep
from stockfold.domain.times import SECOND_US


class ChangedOrders:
    """See ``stockfold.channels.port.OrderReading``."""

    def __init__(self, terms: OrderTerms, after_us: int) -> None:
        self._sweep = OrderSweep(terms, after_us, statuses=("any",))
        self._began_us: int | None = None
        self.latest_us = after_us

    @property
    def request(self) -> Request | None:
        """See ``OrderReading.request``."""
        request = self._sweep.request
        return None if request is None else _as_read(request)

    def receive(self, answer: Response | Failure) -> OrderPage:
        """See ``OrderReading.receive``. An order that cannot be read is the sweep's to tell."""
        try:
            page = self._sweep.receive(answer)
        except NotServedError as error:
            return OrderPage(trouble=error.trouble)
        # Orders that change while further pages are read may be missed by the first.
        if self._began_us is None:
            self._began_us = _date_us(answer) or self._sweep.latest_us
        self.latest_us = max(self.latest_us, self._began_us)
        return OrderPage(page.orders)


def _as_read(request: Request) -> Request:
    return Request(Purpose.READ, request.method, request.path, (), request.params)


def _date_us(answer: Response | Failure) -> int:
    """The shop's own time when it answered; 0 when it does not tell."""
    if isinstance(answer, Failure):
        return 0
    try:
        moment = parsedate_to_datetime(answer.headers.get("date", ""))
    except (ValueError, IndexError):
        return 0
    return int(moment.timestamp()) * SECOND_US if moment.tzinfo else 0


def read(updates: Sequence[StockUpdate], items_max: int) -> Request:
    """The request that asks what the first of these show, and as many others as fit."""
    asked = lookups.look_up(updates, items_max)
    return Request(Purpose.READ, asked.method, asked.path, asked.updates, asked.params)


def observed(request: Request, response: Response | Failure) -> Answer:
    """What the listings show; an ambiguous or missing SKU is left to the write's look-up."""
    if isinstance(response, Failure):
        return statuses.unanswered(request, response)
    if not 200 <= response.status < 300:
        return answers.refused_as_a_whole(request, response)
    try:
        body = statuses.decoded(response.body)
    except statuses.NotJsonError:
        return answers.not_understood(request, response)
    if not isinstance(body, list) or not all(isinstance(row, dict) for row in body):
        return answers.not_understood(request, response)
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for row in body:
        rows.setdefault(str(row.get("sku", "")), []).append(row)
    shown = [
        observe(update.sku, found[0])
        for update in request.updates
        if len(found := rows.get(update.sku, [])) == 1
    ]
    return Answer(observed=tuple(shown))
