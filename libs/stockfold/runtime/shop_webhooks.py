"""A shop's webhooks put right, with an audit record of every change."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Sequence
from typing import Protocol, TypeVar

import msgspec

from stockfold.channels import Failure, Request, Response
from stockfold.channels.woocommerce.webhooks import Change, Webhook, apply, list_webhooks, plan
from stockfold.domain.errors import SettingsError
from stockfold.runtime import audit
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold.runtime.shop_orders import webhook_address

T = TypeVar("T")
COMMAND = "channel webhooks"


class Found(msgspec.Struct, frozen=True):
    """The shop's webhooks to us, and what is missing."""

    address: str
    webhooks: tuple[Webhook, ...]
    changes: tuple[Change, ...]


class Conversing(Protocol):
    """Whoever holds conversations with a shop."""

    async def converse(self, conversation: Generator[Request, Response | Failure, T]) -> T:
        """See ``Transport.converse``."""
        ...


async def look(
    settings: Settings, channel: ChannelSettings, shop: Conversing, *, renew: bool = False
) -> Found:
    """What there is, and what is missing. SettingsError, NotServedError."""
    address = webhook_address(settings, channel)
    if channel.orders.webhook_secret is None:
        raise SettingsError(
            f"channel {channel.name} has no webhook secret",
            where="channels.orders.webhook_secret",
            remedy="Set it by reference: env:NAME or file:/path.",
        )
    found: Sequence[Webhook] = await shop.converse(list_webhooks())
    ours = tuple(hook for hook in found if hook.delivery_url == address)
    return Found(address, ours, tuple(plan(found, address, renew=renew)))


async def put_right(
    settings: Settings, channel: ChannelSettings, shop: Conversing, found: Found, who: str
) -> list[Webhook]:
    """Make the changes; the webhooks as they are then. NotServedError.

    UnavailableError when the audit was not written: then nothing was changed.
    """
    assert channel.orders.webhook_secret is not None
    secret = channel.orders.webhook_secret.resolve()
    details = {"address": found.address, "changes": msgspec.to_builtins(found.changes)}
    entry = await asyncio.to_thread(
        audit.record, settings, command=COMMAND, subject=channel.name, details=details, who=who
    )
    done: list[Webhook] = []
    outcome: audit.Outcome = "failed"
    try:
        for change in found.changes:
            hook = await shop.converse(apply(change, found.address, secret))
            done.append(hook)
        outcome = "done"
    finally:
        result = {"webhooks": msgspec.to_builtins(done)}
        await asyncio.to_thread(audit.conclude, settings, entry, outcome, result)
    return done
