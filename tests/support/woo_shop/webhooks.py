"""The shop's webhooks: queued when an order changes, written when they go out, given up for good.

Read in ``class-wc-webhook.php``: a delivery that waits already is not queued again, the body says
how the order is *now*, nothing is tried twice, and the seventh failure in a row disables.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from stockfold.channels.woocommerce.fake.catalogue import RestError
from tests.support.woo_shop.orders import Orders

FAILURES_MAX = 5


@dataclass(slots=True)
class Webhook:
    """One webhook."""

    id: int
    topic: str
    delivery_url: str
    secret: str
    status: str = "active"
    failure_count: int = 0
    name: str = ""

    def shown(self) -> dict[str, Any]:
        """The JSON of it; never its secret."""
        return {
            "id": self.id,
            "name": self.name,
            "status": self.status,
            "topic": self.topic,
            "resource": self.topic.partition(".")[0],
            "event": self.topic.partition(".")[2],
            "hooks": [],
            "delivery_url": self.delivery_url,
        }


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request as it goes out."""

    webhook_id: int
    url: str
    headers: dict[str, str]
    body: bytes


Send = Callable[[Delivery], int]
"""Makes the request; the HTTP status, 0 for none."""


class Webhooks:
    """All webhooks of a shop, and what waits to be delivered."""

    def __init__(
        self, orders: Orders, show: Callable[[int], Any], now_s: Callable[[], float]
    ) -> None:
        self._orders = orders
        self._show = show
        self._now_s = now_s
        self.hooks: dict[int, Webhook] = {}
        self.pending: list[tuple[int, int]] = []
        self.pings: list[int] = []
        orders.on_change = self._changed

    def add(self, body: Mapping[str, Any]) -> Webhook:
        """``POST webhooks``: a ping follows."""
        hook = Webhook(
            len(self.hooks) + 1,
            body["topic"],
            body["delivery_url"],
            body.get("secret", ""),
            body.get("status", "active"),
            name=body.get("name", ""),
        )
        self.hooks[hook.id] = hook
        self.pings.append(hook.id)
        return hook

    def change(self, hook_id: int, body: Mapping[str, Any]) -> Webhook:
        """``PUT webhooks/{id}``."""
        hook = self.hooks.get(hook_id)
        if hook is None:
            raise RestError(404, "woocommerce_rest_shop_webhook_invalid_id", "Invalid ID.")
        hook.status = body.get("status", hook.status)
        hook.secret = body.get("secret", hook.secret)
        if body.get("delivery_url", hook.delivery_url) != hook.delivery_url:
            hook.delivery_url = body["delivery_url"]
            self.pings.append(hook_id)
        return hook

    def _changed(self, event: str, order_id: int) -> None:
        for hook in self.hooks.values():
            waiting = (hook.id, order_id)
            fits = hook.topic == f"order.{event}" and hook.status == "active"
            if fits and waiting not in self.pending:
                self.pending.append(waiting)

    def build(self, hook_id: int, order_id: int) -> Delivery:
        """A delivery, with the order as it is at this moment."""
        hook = self.hooks[hook_id]
        if hook.topic == "order.deleted":
            payload: Any = {"id": order_id}
        else:
            try:
                payload = self._show(order_id)
            except RestError as error:
                payload = error.body()
        body = orjson.dumps(payload)
        digest = hmac.new(hook.secret.encode(), body, hashlib.sha256).digest()
        told = hashlib.md5(f"{hook_id}{int(self._now_s())}".encode()).hexdigest()
        headers = {
            "content-type": "application/json",
            "user-agent": "WooCommerce/11.0.1 Hookshot (WordPress/6.9)",
            "x-wc-webhook-source": "https://shop.test/",
            "x-wc-webhook-topic": hook.topic,
            "x-wc-webhook-resource": "order",
            "x-wc-webhook-event": hook.topic.partition(".")[2],
            "x-wc-webhook-signature": base64.b64encode(digest).decode(),
            "x-wc-webhook-id": str(hook_id),
            "x-wc-webhook-delivery-id": told,
        }
        return Delivery(hook_id, hook.delivery_url, headers, body)

    def deliver(self, send: Send) -> list[int]:
        """What the background queue does once a minute; the statuses it met."""
        met = []
        for hook_id in self._take(self.pings):
            body = f"webhook_id={hook_id}".encode()
            headers = {"content-type": "application/x-www-form-urlencoded"}
            met.append(send(Delivery(hook_id, self.hooks[hook_id].delivery_url, headers, body)))
        for hook_id, order_id in self._take(self.pending):
            if self.hooks[hook_id].status == "active":
                met.append(send(self.build(hook_id, order_id)))
                self.delivered(hook_id, met[-1])
        return met

    def _take(self, queue: list[Any]) -> list[Any]:
        taken, queue[:] = list(queue), []
        return taken

    def delivered(self, hook_id: int, status: int) -> None:
        """Count an outcome; what failed is not tried again."""
        hook = self.hooks[hook_id]
        if 200 <= status <= 302:
            hook.failure_count = 0
        elif hook.failure_count > FAILURES_MAX:
            hook.status = "disabled"
        else:
            hook.failure_count += 1
