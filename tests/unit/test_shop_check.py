"""The whole check against a shop over HTTP; nothing in it is changed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.memory_feed import channel
from tests.support.woo_shop import Fault, Shop, ShopServer

from stockfold.channels import Assurance
from stockfold.channels.findings import Level
from stockfold.channels.woocommerce.fake.catalogue import RestError
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.secret import SecretRef
from stockfold.runtime.settings import ChannelSettings, GatewaySettings, Settings
from stockfold.runtime.shop_catalog import PAUSE_S, pause_of
from stockfold.runtime.shop_check import Checked, check
from stockfold.runtime.shop_http import Transport, woocommerce
from stockfold.runtime.shop_pace_settings import ShopPaceSettings
from stockfold.runtime.shop_settings import ShopOrdersSettings


@pytest.fixture
def server() -> Iterator[ShopServer]:
    with ShopServer(Shop()) as server:
        yield server


async def checked(server: ShopServer, *skus: str, **options: Any) -> Checked:
    told: ChannelSettings = options.pop("channel", channel(server))
    settings = Settings(channels=[told], gateway=options.pop("gateway", GatewaySettings()))
    adapter = woocommerce(told)
    async with Transport(told, adapter, SYSTEM_CLOCK) as shop:
        return await check(
            settings,
            told,
            shop,
            adapter.assurance,
            SYSTEM_CLOCK,
            skus=skus,
            **options,
        )


def codes(found: Checked, level: Level = Level.ERROR) -> list[str]:
    return [finding.code for finding in found.findings if finding.level is level]


async def test_a_shop_in_order_is_fit_and_nothing_in_it_is_changed(server: ShopServer) -> None:
    server.shop.add_products(["A", "B"], 3)
    server.shop.add_variations("P", ["V"], 4)
    found = await checked(server, "A", "B", "V", probe=True)
    assert found.is_fit
    assert codes(found) == []
    assert (found.products, found.variations) == (3, 1)
    assert found.assurance is Assurance.CONTRACT
    assert found.facts.system.woocommerce == "11.0.1"  # type: ignore[union-attr]
    assert found.facts.batch.items == 100  # type: ignore[union-attr]
    assert found.facts.skew_s == 0
    assert found.read_items_per_s is not None
    assert not server.shop.written
    assert server.shop.stock() == {"A": 3, "B": 3, "P": None, "V": 4}


async def test_a_key_that_may_only_read_is_found_out(server: ShopServer) -> None:
    server.shop.add_products(["A"])
    server.shop.keys.permissions = "read"
    found = await checked(server, "A", probe=True)
    assert codes(found) == ["not_writable"]
    assert not found.is_fit
    assert found.facts.batch is None


async def test_a_user_who_may_not_see_orders_is_found_out(server: ShopServer) -> None:
    server.shop.add_products(["A"])
    refusal = RestError(403, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
    server.shop.faults.refusals["orders"] = refusal
    found = await checked(server, "A")
    assert codes(found) == ["orders_not_readable"]
    assert found.findings[0].subject == "key"


async def test_a_wrong_key_says_so_and_nothing_more(server: ShopServer) -> None:
    server.shop.keys.secret = "another"
    found = await checked(server, "A")
    assert codes(found) == ["not_readable"]
    assert (found.coverage, found.is_fit) == (None, False)


async def test_a_clock_that_is_far_off_is_told_even_where_it_refuses_us() -> None:
    with ShopServer(Shop(now_s=lambda: time.time() + 3_600)) as server:
        found = await checked(server, "A")
    assert codes(found) == ["not_readable", "clock_skew"]
    assert found.facts.skew_s == 3_600


async def test_a_shop_without_stock_management_is_not_fit(server: ShopServer) -> None:
    server.shop.add_products(["A"])
    server.shop.catalogue.manage_stock_option = False
    assert "stock_management_off" in codes(await checked(server, "A"))


async def test_a_user_who_is_no_manager_leaves_settings_unknown_but_the_shop_fit() -> None:
    with ShopServer(Shop(manager=False)) as server:
        server.shop.add_products(["A"])
        found = await checked(server, "A")
    assert found.is_fit
    assert {"settings_unknown", "version_unknown"} <= {*codes(found, Level.NOTE)}


async def test_the_hosts_limit_is_found() -> None:
    with ShopServer(Shop(batch_items_max=20)) as server:
        server.shop.add_products(["A"])
        found = await checked(server, "A", probe=True)
    assert "small_batches" in codes(found, Level.NOTE)
    assert found.facts.batch.items == 20  # type: ignore[union-attr]


async def test_a_firewall_that_takes_no_batches_is_found(server: ShopServer) -> None:
    server.shop.add_products(["A"])
    server.shop.faults.queue.append(Fault("html", status=403, path="products/batch"))
    found = await checked(server, "A")
    assert codes(found) == ["not_writable"]
    assert "403" in found.findings[0].detail


async def test_what_is_uncovered_is_not_fit_until_it_is_waived(server: ShopServer) -> None:
    server.shop.add_products(["A", "D", "D"])
    skus = ("A", "B", "D")
    found = await checked(server, *skus)
    assert codes(found) == ["sku_unknown", "sku_ambiguous"]
    assert found.coverage is not None
    assert found.coverage.uncovered == ("B", "D")
    assert (await checked(server, *skus, waived=("B", "D"))).is_fit


async def test_an_older_shop_is_read_as_well() -> None:
    with ShopServer(Shop(version="8.9.3")) as server:
        server.shop.add_variations("P", ["V"])
        found = await checked(server, "V")
    assert found.is_fit
    assert found.facts.system.woocommerce == "8.9.3"  # type: ignore[union-attr]


async def test_webhooks_are_looked_at_where_they_are_wanted(server: ShopServer) -> None:
    server.shop.add_products(["A"])
    orders = ShopOrdersSettings(webhook_secret=SecretRef("hush"))
    told = channel(server).model_copy(update={"orders": orders})
    gateway = GatewaySettings(public_url="https://stock.example")
    found = await checked(server, "A", channel=told, gateway=gateway)
    assert codes(found, Level.WARNING).count("webhook_missing") == 4


def test_the_catalogue_is_read_within_half_of_the_rate_that_is_allowed(
    server: ShopServer,
) -> None:
    told = channel(server)
    assert pause_of(told) == PAUSE_S
    slow = told.model_copy(update={"pace": ShopPaceSettings(requests_per_s=0.5)})
    assert pause_of(slow) == 4.0
