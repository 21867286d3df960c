"""A shop whose webhooks go to a gateway, and what came of them in Kafka."""

from __future__ import annotations

from typing import Any

import httpx

from stockfold.channels.woocommerce.webhooks import TOPICS
from stockfold.contracts.topics import ORDERS
from stockfold.runtime.secret import SecretRef
from stockfold.runtime.settings import ChannelSettings, Settings
from tests.support.kafka_io import Read, committed
from tests.support.woo_shop import Shop, ShopServer
from tests.support.woo_shop.webhooks import Delivery

SECRET = "hush-4711"
CHANNEL = "woo-de"


def channel(url: str, name: str = CHANNEL, **orders: Any) -> ChannelSettings:
    """A WooCommerce channel on this machine."""
    return ChannelSettings(
        name=name,
        kind="woocommerce",
        url=url,
        consumer_key=SecretRef("ck_test"),
        consumer_secret=SecretRef("cs_test"),
        orders={"webhook_secret": SECRET, "sweep_every_s": 10, **orders},
    )


def shopify(url: str = "http://127.0.0.1:9", name: str = "shopify-us") -> ChannelSettings:
    """A Shopify channel."""
    return ChannelSettings(name=name, kind="shopify", url=url, orders={"webhook_secret": SECRET})


def with_channels(settings: Settings, *channels: ChannelSettings) -> Settings:
    """The settings with these channels."""
    return settings.model_copy(update={"channels": list(channels)})


def hooked(client: httpx.Client, name: str = CHANNEL) -> Shop:
    """A shop whose webhooks go to this gateway."""
    shop = Shop()
    shop.add_products(["A", "B"], 100)
    for topic in TOPICS:
        url = f"{client.base_url}/v1/webhooks/{name}"
        shop.webhooks.add({"topic": topic, "delivery_url": url, "secret": SECRET})
    return shop


def post(client: httpx.Client, delivery: Delivery) -> int:
    """Send a delivery; its status."""
    path = httpx.URL(delivery.url).path
    return client.post(path, content=delivery.body, headers=delivery.headers).status_code


def told(settings: Settings, order: str, name: str = CHANNEL) -> list[dict[str, Any]]:
    """Every OrderChanged of an order in Kafka, as it came."""
    return [read.record for read in orders(settings) if read.key == f"{name}|{order}".encode()]


def orders(settings: Settings) -> list[Read]:
    """Everything on the orders topic."""
    return [read for read in committed(settings, ORDERS) if read.name == "OrderChanged"]


def newest(settings: Settings, order: str, name: str = CHANNEL) -> dict[str, Any]:
    """How an order is now, for whoever reads the topic; empty before the first."""
    found = told(settings, order, name)
    return max(found, key=lambda row: row["revision"], default={})


__all__ = [
    "CHANNEL",
    "SECRET",
    "ShopServer",
    "channel",
    "hooked",
    "newest",
    "orders",
    "post",
    "shopify",
    "told",
    "with_channels",
]
