"""``stockfold reconcile channel`` and its schedule: a real Kafka, the publisher, a shop."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import NewEnvironment
from tests.integration.test_publisher import publisher
from tests.support.command_line import stockfold_json, woo_settings
from tests.support.memory_feed import channel
from tests.support.publishing import availability_service, eventually
from tests.support.woo_shop import Shop, ShopServer

from stockfold.domain.errors import SettingsError
from stockfold.runtime import channel_reconcile, reconciliations
from stockfold.runtime.audit import changes
from stockfold.runtime.channel_control import Control, publish_control, said
from stockfold.runtime.channel_reconcile import ChannelReconciling, Reconciled
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.settings import Settings
from stockfold.runtime.shop_http import Transport, woocommerce
from stockfold_services.publisher.lease import Lease
from stockfold_services.publisher.mode import ALL
from stockfold_services.publisher.reconciling import Reconciling

pytestmark = pytest.mark.integration

SKUS = ("agrees", "less", "more", "sold", "unmanaged", "twice", "nowhere", "P-1")


class Site:
    """A shop that has been published to, and then went its own ways."""

    def __init__(self, server: ShopServer, settings: Settings) -> None:
        self.server = server
        self.settings = settings

    async def look(self) -> Reconciled:
        """Reconcile once."""
        (shop,) = self.settings.channels
        adapter = woocommerce(shop)
        async with Transport(shop, adapter, SYSTEM_CLOCK) as transport:
            return await ChannelReconciling(
                self.settings,
                shop,
                adapter,
                transport,
                SYSTEM_CLOCK,
                writes=lambda _: True,
                by="test",
            ).run()


@pytest.fixture
async def site(
    new_environment: NewEnvironment, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Site]:
    monkeypatch.setattr(channel_reconcile, "SETTLE_S", 0.1)
    with ShopServer(Shop()) as server:
        shop = server.shop
        shop.add_products([sku for sku in SKUS[:5] if sku != "unmanaged"])
        shop.add_products(["twice", "twice", "theirs"], quantity=3)
        shop.catalogue.add("unmanaged", type="external", manage_stock=False, stock_quantity=None)
        shop.add_variations("P", ["P-1"])
        settings = new_environment(channels=[channel(server)])
        async with availability_service(settings) as service, publisher(settings):
            await service.publish("woo", [(sku, 10) for sku in SKUS])
            written = ("agrees", "less", "more", "sold", "P-1")
            await eventually(
                lambda: shop.stock(written) == dict.fromkeys(written, 10), 30, "all written"
            )
            await asyncio.sleep(1.5)  # How far each listing is, is told once a second.
        by_sku = {product.sku: product for product in shop.catalogue.products.values()}
        by_sku["less"].stock_quantity = 7
        by_sku["more"].stock_quantity = 14
        shop.sell("sold", 2)
        yield Site(server, settings)


def kinds(found: Reconciled) -> dict[str, str]:
    return {one.sku: str(one.kind) for one in (*found.findings, *found.agreeing)}


EXPECTED = {
    "agrees": "agrees",
    "less": "drift",
    "more": "manual_edit",
    "sold": "in_flight",
    "unmanaged": "not_managed",
    "twice": "duplicate_sku",
    "nowhere": "unmapped",
    "P-1": "agrees",
    "P": "not_ours",
    "theirs": "not_ours",
}


async def test_each_difference_is_classified_and_what_can_be_is_repaired_by_the_publisher(
    site: Site,
) -> None:
    found = await site.look()
    assert kinds(found) == EXPECTED
    assert [one.sku for one in found.differing][:2] == ["more", "less"]
    (terms,) = site.settings.channels
    few = terms.reconciliation.model_copy(
        update={"repair": ("drift", "manual_edit"), "repair_max": 1}
    )
    terms = terms.model_copy(update={"reconciliation": few})
    await Reconciling(site.settings, terms, SYSTEM_CLOCK, Lease(SYSTEM_CLOCK), ALL).once()
    assert changes(site.settings) == [], "more than may be repaired by itself"
    shop = site.server.shop
    wanted = found.to_repair(["drift", "manual_edit"])
    assert {(one.sku, one.reason) for one in wanted} == {("less", "drift"), ("more", "manual_edit")}
    before = shop.stats.items_written
    assert reconciliations.repair(site.settings, "woo", wanted, "test") == 2
    assert shop.stats.items_written == before, "nothing but the publisher writes"
    async with publisher(site.settings):
        repaired = {"less": 10, "more": 10, "sold": 8}
        await eventually(lambda: shop.stock(repaired) == repaired, 30, "both are sent once more")
    again = kinds(await site.look())
    assert again == EXPECTED | {"less": "agrees", "more": "agrees"}
    (change,) = changes(site.settings)
    assert (change.command, change.result) == ("reconcile channel", {"asked": 2})


async def test_on_a_schedule_it_is_put_on_record_and_repairs_what_the_settings_say(
    site: Site,
) -> None:
    (shop,) = site.settings.channels
    terms = shop.reconciliation.model_copy(update={"every_s": 1, "repair": ("drift",)})
    shop = shop.model_copy(update={"reconciliation": terms})
    settings = site.settings.model_copy(update={"channels": [shop]})
    async with publisher(settings):
        stock = site.server.shop.stock
        await eventually(lambda: stock(["less"]) == {"less": 10}, 60, "it is repaired by itself")

        def told() -> Any:
            record = reconciliations.last(settings, "woo")
            return record is not None and record["repaired"] == 0

        await eventually(told, 30, "the next one, which has nothing to repair")
    record = reconciliations.last(settings, "woo")
    assert record is not None
    assert {one["sku"] for one in record["differences"]} == {
        "more",
        "unmanaged",
        "twice",
        "nowhere",
    }
    assert record["by"] == "publisher"
    assert stock(["more"]) == {"more": 14}, "which the settings do not say"


async def test_the_command_reports_asks_and_has_the_publisher_repair(
    site: Site, tmp_path: Path
) -> None:
    publishing = 'publishing = { mode = "live", coverage = "reported" }'
    config = woo_settings(tmp_path, site.server.url, publishing)
    command = ("reconcile", "channel", "woo", "--config", config)

    async def run(*more: str) -> Any:
        return await asyncio.to_thread(stockfold_json, site.settings, *command, *more, exit_code=1)

    with pytest.raises(SettingsError, match="never reconciled"):
        await run("--last")
    with pytest.raises(SettingsError, match="nobody can be asked: Have the publisher of woo send"):
        await run("--repair")
    found, out = tmp_path / "out.csv", tmp_path / "out.html"
    dry = await run("--repair", "--dry-run", "--csv", str(found), "--html", str(out))
    assert (dry["repaired"], dry["differing"], dry["kinds"]["drift"]) == (0, 5, 1)
    rows = list(csv.DictReader(found.read_text("utf-8").splitlines()))
    assert [(r["sku"], r["difference"]) for r in rows if r["kind"] == "drift"] == [("less", "3")]
    assert "less is now" in out.read_text("utf-8")
    with pytest.raises(SettingsError, match="is not mended by sending it once more"):
        await run("--kind", "unmapped")
    paused = said(Control("woo"), "paused", "stocktaking", "anna")
    await asyncio.to_thread(publish_control, site.settings, paused)
    held = await run()
    assert held["kinds"]["held"] == 3
    running = said(paused, "running", "done", "anna")
    await asyncio.to_thread(publish_control, site.settings, running)
    done = await run("--repair", "--yes", "--kind", "drift")
    assert done["repaired"] == 1
    assert (await run("--last"))["repaired"] == 1
