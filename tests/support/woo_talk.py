"""Holds conversations with the test shop, without HTTP and without waiting."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TypeVar

import orjson

from stockfold.channels import Failure, Request, Response
from stockfold.channels.orders import ChannelOrder
from stockfold.channels.woocommerce.asking import ROOT
from stockfold.channels.woocommerce.fake.catalogue import RestError
from stockfold.channels.woocommerce.sweeps import OrderSweep
from tests.support.woo_shop import Shop, order_routes

T = TypeVar("T")


def ask(shop: Shop, request: Request) -> Response:
    """What the shop answers, dated by its own clock."""
    route = request.path.removeprefix(ROOT)
    moment = datetime.fromtimestamp(shop.now_us() // 1_000_000, UTC)
    headers = {"date": format_datetime(moment, usegmt=True)}
    try:
        found = order_routes.answer(shop, request.method, route, dict(request.params), request.json)
    except RestError as error:
        return Response(error.status, headers, orjson.dumps(error.body()))
    assert found is not None, f"the shop has no {request.method} {route}"
    return Response(found.status, headers, orjson.dumps(found.value))


def converse(shop: Shop, conversation: Generator[Request, Response | Failure, T]) -> T:
    """The end of a conversation."""
    try:
        request = next(conversation)
        while True:
            request = conversation.send(ask(shop, request))
    except StopIteration as ended:
        result: T = ended.value
        return result


def sweep_all(shop: Shop, sweep: OrderSweep) -> list[ChannelOrder]:
    """Every order that a sweep reads."""
    found: list[ChannelOrder] = []
    while (request := sweep.request) is not None:
        page = sweep.receive(ask(shop, request))
        assert not page.unread
        found += page.orders
    return found
