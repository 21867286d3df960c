"""The webhooks that a shop must have for us, and how they get there.

A webhook whose deliveries failed seven times in a row is ``disabled`` by the shop, for good and
without a word. The shop never shows a webhook's secret, so ours is written with every change.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from stockfold.channels.woocommerce import asking
from stockfold.channels.woocommerce.asking import Conversation, get, send

TOPICS = ("order.created", "order.updated", "order.restored", "order.deleted")
PER_PAGE = 100
PAGES_MAX = 50
_PING = re.compile(rb"webhook_id=\d{1,19}")


class Webhook(msgspec.Struct, frozen=True):
    """One webhook of the shop."""

    id: int
    topic: str
    status: str
    delivery_url: str


class Change(msgspec.Struct, frozen=True):
    """What is to be done for one topic; ``id`` is 0 for a webhook that is not there."""

    action: Literal["create", "activate", "renew"]
    topic: str
    id: int = 0


def is_ping(body: bytes, content_type: str) -> bool:
    """Whether this is what the shop sends when a webhook is made: unsigned, to be answered 200."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/x-www-form-urlencoded" and _PING.fullmatch(body) is not None


def list_webhooks() -> Conversation[list[Webhook]]:
    """Every webhook of the shop, whatever its status. NotServedError."""
    found: list[Webhook] = []
    for page in range(1, PAGES_MAX + 1):
        request = get(
            "webhooks", ("status", "all"), ("per_page", str(PER_PAGE)), ("page", str(page))
        )
        answer = yield request
        rows = asking.read(request, answer)
        if not isinstance(rows, list):
            raise asking.not_understood(request, answer)
        for row in rows:
            try:
                found.append(msgspec.convert(row, Webhook))
            except msgspec.ValidationError:
                raise asking.not_understood(request, answer) from None
        if len(rows) < PER_PAGE:
            break
    return found


def plan(found: Sequence[Webhook], delivery_url: str, *, renew: bool = False) -> list[Change]:
    """What is missing until every topic has one active webhook to this address.

    ``renew`` also writes the secret of those that are active anew. Webhooks to other addresses are
    somebody else's, and are left alone.
    """
    changes = []
    for topic in TOPICS:
        ours = [hook for hook in found if (hook.topic, hook.delivery_url) == (topic, delivery_url)]
        active = [hook for hook in ours if hook.status == "active"]
        if active:
            changes += [Change("renew", topic, hook.id) for hook in active if renew]
            continue
        oldest = min(ours, key=lambda hook: hook.id, default=None)
        changes.append(
            Change("create", topic) if oldest is None else Change("activate", topic, oldest.id)
        )
    return changes


def apply(change: Change, delivery_url: str, secret: str) -> Conversation[Webhook]:
    """Make one change; the webhook as the shop then has it. NotServedError."""
    body: dict[str, Any] = {"status": "active", "secret": secret}
    if change.action == "create":
        name = f"stockfold {change.topic}"
        body |= {"name": name, "topic": change.topic, "delivery_url": delivery_url}
        request = send("POST", "webhooks", body)
    else:
        request = send("PUT", f"webhooks/{change.id}", body)
    answer = yield request
    try:
        hook = msgspec.convert(asking.read(request, answer), Webhook)
    except msgspec.ValidationError:
        raise asking.not_understood(request, answer) from None
    if hook.status != "active":
        raise asking.not_understood(request, answer)
    return hook
