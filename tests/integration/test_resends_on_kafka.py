"""What is asked to be sent once more goes through the one publisher of its channel."""

from __future__ import annotations

import msgspec
import pytest
from tests.conftest import NewEnvironment
from tests.integration.test_publisher import publisher
from tests.support.memory_feed import channel
from tests.support.publishing import availability, availability_service, deliveries, eventually
from tests.support.woo_shop import Shop, ShopServer

from stockfold.runtime.resends import CARRIED_OUT_WITHIN_US, ask_to_resend, resend_of

pytestmark = pytest.mark.integration


async def test_a_listing_that_was_changed_by_hand_is_written_once_more(
    new_environment: NewEnvironment,
) -> None:
    with ShopServer(Shop()) as server:
        a, b = server.shop.add_products(["A", "B"])
        settings = new_environment(channels=[channel(server)])
        wanted = resend_of(availability("woo", "A", 5, 1), "drift", "test")
        late = msgspec.structs.replace(
            resend_of(availability("woo", "B", 6, 1), "drift", "test"),
            asked_at=wanted.asked_at - CARRIED_OUT_WITHIN_US,
        )
        async with availability_service(settings) as service:
            async with publisher(settings):
                await service.publish("woo", [("A", 5), ("B", 6)])
                await eventually(lambda: server.shop.stock() == {"A": 5, "B": 6}, 30, "both")
            a.stock_quantity = b.stock_quantity = 99
            ask_to_resend(settings, [wanted, late])  # Nobody is there: it waits.
            async with publisher(settings):
                await eventually(lambda: a.stock_quantity == 5, 30, "it is written again")
                a.stock_quantity = 98
                ask_to_resend(settings, [wanted])
                await eventually(lambda: a.stock_quantity == 5, 30, "and again")
                await service.publish("woo", [("A", 7)])
                await eventually(lambda: a.stock_quantity == 7, 30, "the next version")
                ask_to_resend(settings, [wanted])
                await service.publish("woo", [("B", 8)])
                await eventually(lambda: b.stock_quantity == 8, 30, "a later one")
            assert (a.stock_quantity, b.stock_quantity) == (7, 8)
            # Whoever starts now reads the resend of version 1 again, and knows nothing of A.
            async with publisher(settings):
                ask_to_resend(
                    settings, [resend_of(availability("woo", "B", 8, 2), "drift", "test")]
                )
                b.stock_quantity = 97
                await eventually(lambda: b.stock_quantity == 8, 30, "what is newest is sent")
            assert a.stock_quantity == 7, "an older version is not"
        told = [(r["sku"], r["version"], r["outcome"]) for _, r in await deliveries(settings)]
    assert told.count(("A", 1, "applied")) == 3
    assert ("B", 1, "applied") in told
