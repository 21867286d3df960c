"""The shops whose webhooks are taken, and what each of their requests comes to."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Mapping
from typing import Protocol

import msgspec

from stockfold.channels.orders import ChannelOrder
from stockfold.channels.shopify import orders as shopify
from stockfold.channels.signatures import is_genuine
from stockfold.channels.woocommerce import orders as woocommerce
from stockfold.channels.woocommerce.webhooks import is_ping
from stockfold.contracts.shop_orders import ShopRecord, order_record, question_record
from stockfold.runtime.acknowledged import AcknowledgedProducer
from stockfold.runtime.clock import Clock
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold.runtime.shop_orders import terms_of

log = logging.getLogger(__name__)

RECENT_MAX = 10_000
Headers = Mapping[str, str]


class Told(msgspec.Struct, frozen=True):
    """A record to be sent. ``repeat`` names what need not be sent again; empty: always."""

    record: ShopRecord
    order: str
    repeat: str = ""


class Shop(Protocol):
    """One shop's webhooks."""

    def is_ping(self, body: bytes, headers: Headers) -> bool:
        """Whether it only asks whether somebody is there."""
        ...

    def is_genuine(self, body: bytes, headers: Headers) -> bool:
        """Whether the shop signed it."""
        ...

    def read(self, body: bytes, headers: Headers) -> Told | None:
        """What it tells; None for nothing. ContractError ``unreadable_order``."""
        ...


class WooCommerceShop:
    """See ``Shop``."""

    def __init__(self, channel: ChannelSettings, clock: Clock) -> None:
        self._terms = terms_of(channel)
        self._secrets = channel.orders.secrets
        self._clock = clock

    def is_ping(self, body: bytes, headers: Headers) -> bool:
        """See ``Shop.is_ping``: unsigned, when a webhook is made."""
        return is_ping(body, headers.get("content-type", ""))

    def is_genuine(self, body: bytes, headers: Headers) -> bool:
        """See ``Shop.is_genuine``."""
        return is_genuine(body, headers.get("x-wc-webhook-signature", ""), self._secrets)

    def read(self, body: bytes, headers: Headers) -> Told | None:
        """See ``Shop.read``. Headers are not signed: what is told is what the body says."""
        if not headers.get("x-wc-webhook-topic", "order.").startswith("order."):
            return None
        found = woocommerce.read_body(body, self._terms)
        if isinstance(found, woocommerce.Gone):
            # A deletion has no date, so a late or replayed one looks like a new one: the shop is
            # asked how the order is.
            question = question_record(self._terms.channel, found.order, self._clock.now_us())
            return Told(question, found.order)
        return _told(found)


class ShopifyShop:
    """See ``Shop``."""

    def __init__(self, channel: ChannelSettings, clock: Clock) -> None:
        self._channel = channel.name
        self._secrets = channel.orders.secrets
        self._clock = clock

    def is_ping(self, body: bytes, headers: Headers) -> bool:
        """See ``Shop.is_ping``: Shopify has none."""
        del body, headers
        return False

    def is_genuine(self, body: bytes, headers: Headers) -> bool:
        """See ``Shop.is_genuine``."""
        return is_genuine(body, headers.get("x-shopify-hmac-sha256", ""), self._secrets)

    def read(self, body: bytes, headers: Headers) -> Told | None:
        """See ``Shop.read``."""
        topic = headers.get("x-shopify-topic", "")
        return _told(shopify.read_body(body, topic, self._channel, self._clock.now_us()))


def _told(order: ChannelOrder | None) -> Told | None:
    if order is None:
        return None
    for line in order.lines:
        if line.problem or not line.code:
            log.warning(
                "order %s of channel %s, line %s of product %s: %s; the order will be an exception",
                order.order,
                order.channel,
                line.line,
                line.product or "unknown",
                line.problem or "it has no SKU",
            )
    return Told(order_record(order), order.order, order.event_id)


class Shops:
    """Every channel that takes webhooks, and the way to Kafka. SettingsError for lost secrets."""

    def __init__(self, settings: Settings, producer: AcknowledgedProducer, clock: Clock) -> None:
        self._producer = producer
        self._prefix = settings.prefix
        self._recent: OrderedDict[tuple[bytes, str], None] = OrderedDict()
        self._shops: dict[str, Shop] = {}
        kinds: dict[str, type[WooCommerceShop | ShopifyShop]] = {
            "woocommerce": WooCommerceShop,
            "shopify": ShopifyShop,
        }
        for channel in settings.channels:
            if channel.orders.webhook_secret is not None:
                self._shops[channel.name] = kinds[channel.kind](channel, clock)

    def get(self, channel: str) -> Shop | None:
        """The shop of a channel; None when it takes no webhooks."""
        return self._shops.get(channel)

    async def send(self, told: Told) -> None:
        """Return when Kafka has it, now or from before; see ``AcknowledgedProducer.send``."""
        record, name = told.record, (told.record.key, told.repeat)
        if told.repeat and name in self._recent:
            return
        await self._producer.send(
            self._prefix + record.topic, record.key, record.value, record.headers
        )
        if told.repeat:
            self._recent[name] = None
            if len(self._recent) > RECENT_MAX:
                self._recent.popitem(last=False)
