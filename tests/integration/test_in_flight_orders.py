"""A shop sells while its stock is written: from its checkout to its shelf, on a real Kafka."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.conftest import NewEnvironment
from tests.support import serving, webhook_shop
from tests.support.gateway import gateway, in_thread
from tests.support.kafka_io import Sender, wait_for
from tests.support.running_ledger import ledger, running
from tests.support.webhook_shop import CHANNEL, SECRET
from tests.support.woo_shop import Shop, ShopServer

from stockfold.channels.woocommerce.fake.catalogue import Product
from stockfold.channels.woocommerce.webhooks import TOPICS
from stockfold.runtime.shop_publishing_settings import ShopPublishingSettings
from stockfold_services.cli.policy import publish_policies
from stockfold_services.orders.main import run as orders
from stockfold_services.publisher import main

pytestmark = pytest.mark.integration


def sells_once(shop: Shop, units: int) -> Callable[[Product], None]:
    """Sell right before the next item of a batch is written."""

    def sell(product: Product) -> None:
        shop.on_item = lambda _: None
        shop.sell(product.sku, units)

    return sell


def test_units_that_are_on_their_way_to_us_stay_off_sale(new_environment: NewEnvironment) -> None:
    shop = Shop()
    shop.add_products(["A"], 0)
    with ShopServer(shop) as server:
        settings = webhook_shop.with_channels(
            new_environment(kafka={"order_partitions": 1, "sku_partitions": 1}),
            webhook_shop.channel(server.url).model_copy(
                update={
                    "locations": ["DC"],
                    "publishing": ShopPublishingSettings(mode="live", coverage="reported"),
                }
            ),
        )
        publish_policies(settings)
        sender = Sender(settings)
        sender.event("GoodsReceived", sku="A", location="DC", quantity=10)
        with (
            ledger(settings),
            running(orders, settings),
            serving.availability(settings),
            gateway(settings) as client,
            running(in_thread(main.run), settings),
        ):
            for topic in TOPICS:
                url = f"{client.base_url}/v1/webhooks/{CHANNEL}"
                shop.webhooks.add({"topic": topic, "delivery_url": url, "secret": SECRET})
            wait_for("what was received", lambda: shop.stock() == {"A": 10})
            # Sold in the shop; before we hear of it, five more are received.
            shop.sell("A", 3)
            assert shop.stock() == {"A": 7}
            sender.event("GoodsReceived", sku="A", location="DC", quantity=5)
            wait_for("the five, without the three", lambda: shop.stock() == {"A": 12})
            # Sold in the very moment of a write, which puts the units back; their webhook mends it.
            shop.on_item = sells_once(shop, 2)
            sender.event("GoodsReceived", sku="A", location="DC", quantity=8)
            wait_for("the eight", lambda: shop.stock() == {"A": 20})
            shop.webhooks.deliver(lambda one: webhook_shop.post(client, one))
            wait_for("the eight, without the two", lambda: shop.stock() == {"A": 18})
            # The webhook comes first: what the shop shows already is not written again.
            shop.sell("A", 1)
            shop.webhooks.deliver(lambda one: webhook_shop.post(client, one))
            sender.event("GoodsReceived", sku="A", location="DC", quantity=2)
            wait_for("two more", lambda: shop.stock() == {"A": 19})
            written = [quantity for _, quantity in shop.written]
            assert written[:4] == [10, 12, 20, 18], "the three were never put back on sale"
