"""A shop that changes its version: noticed by the sweeper or by hand, checked, and halted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.conftest import NewEnvironment
from tests.support import webhook_shop
from tests.support.command_line import stockfold, stockfold_json, woo_settings
from tests.support.gateway import in_thread
from tests.support.kafka_io import committed, wait_for
from tests.support.running_ledger import running
from tests.support.shopify_shop import TOKEN, ShopifyServer, ShopifyShop
from tests.support.webhook_shop import CHANNEL
from tests.support.woo_shop import Shop, ShopServer

from stockfold.contracts.topics import EXCEPTIONS
from stockfold.domain.errors import SettingsError
from stockfold.runtime.audit import changes
from stockfold.runtime.channel_control import read_controls
from stockfold.runtime.remote_versions import RemoteVersions, read_versions
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold_services.api.app import create_app
from stockfold_services.sweeper import main, versions

pytestmark = pytest.mark.integration


@pytest.fixture
def server() -> Iterator[ShopServer]:
    shop = Shop()
    shop.add_products(["A", "B"], 10)
    with ShopServer(shop) as server:
        yield server


def notices(settings: Settings) -> list[str]:
    return [
        read.record["reason"]
        for read in committed(settings, EXCEPTIONS)
        if read.record["kind"] == "remote_version_changed"
    ]


def test_the_sweeper_notices_a_change_checks_the_shop_and_halts_it_when_a_fact_is_gone(
    new_environment: NewEnvironment, server: ShopServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "LOOK_S", 0.1)
    found = new_environment(kafka={"order_partitions": 1})
    channel = ChannelSettings(
        name=CHANNEL,
        kind="woocommerce",
        url=server.url,
        consumer_key="ck_test",
        consumer_secret="cs_test",
        publishing={"mode": "live"},
        versions={"every_s": 1},
    )
    settings = webhook_shop.with_channels(found, channel)
    shop = server.shop

    def known() -> RemoteVersions | None:
        return read_versions(settings).get(CHANNEL)

    def checked(version: str) -> bool:
        one = known()
        return one is not None and one.check != "none" and version in str(one.parts)

    with running(in_thread(main.run), settings):
        first = wait_for("the first look", known)
        assert (first.parts[0].version, first.check, first.changes) == ("11.0.1", "none", ())
        shop.version = "11.1.0"
        wait_for("the change", lambda: checked("11.1.0"))
        (notice,) = notices(settings)
        assert "woocommerce 11.0.1 → 11.1.0; its contract checks hold" in notice
        assert read_controls(settings).of(CHANNEL).state == "running"

        shop.catalogue.manage_stock_option = False
        shop.php_version = "9.0.0"
        wait_for("the next change", lambda: checked("9.0.0"))
    one = known()
    assert one is not None
    assert (one.check, one.halted, [f.code for f in one.missing_facts]) == (
        "unfit",
        True,
        ["stock_management_off"],
    )
    control = read_controls(settings).of(CHANNEL)
    assert (control.state, control.guard, control.by) == ("halted", "versions", "sweeper")
    assert "php 8.2.28 → 9.0.0" in control.reason
    assert len(notices(settings)) == 2
    asyncio.run(shown(settings))


async def shown(settings: Settings) -> None:
    """The api and the console tell the same."""
    transport = httpx.ASGITransport(create_app(settings, None))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        (told,) = (await client.get("/v1/channel-versions")).json()["channels"]
        page = await client.get("/console/versions")
    assert (told["check"], told["halted"]) == ("unfit", True)
    assert told["findings"][0]["code"] == "stock_management_off"
    assert page.status_code == 200
    for said in ("11.1.0", "8.2.28", "9.0.0", "halted for it", "the shop manages no stock"):
        assert said in page.text, said


def test_by_hand_a_dry_run_tells_and_notes_nothing_and_the_rest_is_audited(
    environment: Settings, server: ShopServer, tmp_path: Path
) -> None:
    config = woo_settings(tmp_path, server.url)
    asked = ("channel", "versions", "woo", "--config", config)
    assert stockfold_json(environment, *asked) == []
    stockfold(environment, *asked, "--now", "--yes")
    (seen,) = stockfold_json(environment, *asked)
    assert [part["version"] for part in seen["parts"]] == ["11.0.1", "6.9", "8.2.28", "wc/v3"]

    server.shop.version = "11.1.0"
    server.shop.catalogue.manage_stock_option = False
    (would,) = stockfold_json(environment, *asked, "--now", "--dry-run", exit_code=1)
    assert would["changes"] == [{"part": "woocommerce", "before": "11.0.1", "now": "11.1.0"}]
    assert (would["check"], would["halted"]) == ("unfit", False)  # In shadow nothing is written.
    assert stockfold_json(environment, *asked) == [seen]
    with pytest.raises(SettingsError, match="nobody can be asked: woo: woocommerce"):
        stockfold(environment, *asked, "--now")
    assert stockfold(environment, *asked, "--now", "--yes", exit_code=1).count("from 11.0.1") == 1
    assert [(c.command, c.outcome) for c in changes(environment)] == [
        ("channel versions", "done"),
        ("channel versions", "done"),
    ]
    assert len(notices(environment)) == 1
    with pytest.raises(SettingsError, match="no channel 'nobody'"):
        stockfold(environment, "channel", "versions", "nobody", "--config", config)


def test_a_shop_that_keeps_its_versions_to_itself_is_remembered_as_such(
    environment: Settings, server: ShopServer, tmp_path: Path
) -> None:
    server.shop.manager = False
    with ShopifyServer(ShopifyShop(lambda: 1_790_000_000.0)) as shopify:
        config = woo_settings(
            tmp_path,
            server.url,
            f"""
[[channels]]
name = "shopify"
kind = "shopify"
url = "{shopify.url}"
[channels.orders]
access_token = "{TOKEN}"
""",
        )
        asked = ("channel", "versions", "--config", config)
        found = stockfold_json(environment, *asked, "--now", "--yes")
    assert [(one["channel"], len(one["parts"]), bool(one["detail"])) for one in found] == [
        ("woo", 0, True),
        ("shopify", 2, False),
    ]
    assert found[1]["parts"][0]["ends_on"] == "2027-01-01"
    assert "2027-01-01" in stockfold(environment, *asked)
