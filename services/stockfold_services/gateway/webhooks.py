"""``POST /v1/webhooks/{channel}``: what shops tell of their orders, answered when Kafka has it.

No API key: a shop proves itself by its signature. A repeat has the same event id, which follows
from the order, when it changed and what it says; the delivery's own id is never trusted, because a
shop gives two deliveries of one second the same one.
"""

from __future__ import annotations

import logging

from fastapi import APIRouter, Request

from stockfold.domain.errors import ContractError, UnavailableError
from stockfold.runtime.http_bodies import Budget, whole
from stockfold.runtime.problems import Problem
from stockfold.runtime.telemetry import measures
from stockfold.runtime.telemetry.tracing import CURRENT, about
from stockfold_services.gateway.webhook_shops import Shop, Shops, Told

log = logging.getLogger(__name__)

router = APIRouter(tags=["webhooks"])

BODIES_BYTES_MAX = 16 * 1024 * 1024
"""Strangers may fill this, and not what is kept for those with a key."""


@router.post("/v1/webhooks/{channel}", status_code=200)
async def webhook(request: Request, channel: str) -> dict[str, str]:
    """Take a shop's webhook.

    200: Kafka has it on every replica, or it tells nothing about an order. 401: not signed with
    the channel's secret. 422: signed, but no order. 503: Kafka is away; the sweep will find it.
    """
    shops: Shops = request.app.state.shops
    shop = shops.get(channel)
    if shop is None:
        raise Problem(
            404,
            "No webhooks",
            "No such channel takes webhooks. Set orders.webhook_secret of the channel.",
        )
    budget: Budget = request.app.state.webhook_budget
    async with whole(request, request.app.state.webhook_bytes_max, budget) as body:
        if shop.is_ping(body, request.headers):
            _count(channel, "ping")
            return {"status": "ready"}
        if not shop.is_genuine(body, request.headers):
            _count(channel, "forged")
            raise Problem(
                401,
                "Signature wrong",
                "It is not signed with this channel's secret. Compare the secret in the shop with "
                "orders.webhook_secret, and let nothing between change the body.",
            )
        told = _read(shop, body, request)
    if told is None:
        _count(channel, "ignored")
        return {"status": "ignored"}
    try:
        await shops.send(told)
    except UnavailableError as error:
        _count(channel, "lost")
        raise Problem(503, "Not available now", f"{error.what}. {error.remedy}") from None
    except ContractError as error:
        _count(channel, "bad")
        raise Problem(422, "Order not taken", f"{error.what}. {error.remedy}") from None
    _count(channel, "taken")
    whom = about(f"{channel}|{told.order}", CURRENT.get())
    log.info("order %s of channel %s is taken from its webhook", told.order, channel, extra=whom)
    return {"status": "taken"}


def _count(channel: str, outcome: str) -> None:
    measures.WEBHOOKS.labels(channel, outcome).inc()


def _read(shop: Shop, body: bytes, request: Request) -> Told | None:
    try:
        return shop.read(body, request.headers)
    except ContractError as error:
        _count(request.path_params["channel"], "bad")
        raise Problem(422, "No order", f"{error.where}: {error.what}. {error.remedy}") from None
