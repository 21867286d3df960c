"""A connection in shadow is compared with its shop, and the comparisons are kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Producer
from tests.support.command_line import stockfold, stockfold_json
from tests.support.memory_feed import IMPATIENT, channel
from tests.support.publishing import availability_service, eventually
from tests.support.woo_shop import Fault, Shop, ShopServer

from stockfold.channels.woocommerce.scoring import Change, score
from stockfold.contracts.codec import encode
from stockfold.contracts.topics import DAY_MS, SHADOW_REPORTS
from stockfold.domain.errors import SettingsError
from stockfold.runtime.channel_coverage import Waiver, publish_waivers
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.settings import Settings
from stockfold.runtime.shadow_reports import RECENT, ShadowReport, newest_reports, read_reports
from stockfold_services.publisher import shadowing
from stockfold_services.publisher.main import run

pytestmark = pytest.mark.integration

SHOWS = {"SAME": 5, "SOLD-OUT": 0, "TOO-MANY": 9, "TOO-FEW": 2, "GONE": 7}
WANTED = {**SHOWS, "SOLD-OUT": 4, "TOO-MANY": 6, "TOO-FEW": 3, "GONE": -1, "ABSENT": 8, "LET": 1}


@pytest.fixture
def server() -> Iterator[ShopServer]:
    with ShopServer(Shop()) as server:
        for sku, quantity in SHOWS.items():
            server.shop.add_products([sku], quantity)
        server.shop.add_products(["THEIRS"], 1)
        yield server


@pytest.fixture
def config(tmp_path: Path, server: ShopServer) -> str:
    path = tmp_path / "stockfold.toml"
    shop = 'consumer_key = "ck_test"\nconsumer_secret = "cs_test"\nzone = "Europe/Berlin"\n'
    path.write_text(
        f'[[channels]]\nname = "woo"\nkind = "woocommerce"\nurl = "{server.url}"\n{shop}'
    )
    return str(path)


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadowing, "LOOK_S", 0.1)
    monkeypatch.setattr(shadowing, "NOTHING_YET_S", 0.1)
    monkeypatch.setattr(shadowing, "AGAIN_S", 0.1)


@asynccontextmanager
async def publisher(settings: Settings) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(run(settings, stop, policy=IMPATIENT))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 30)


async def publish(settings: Settings, quantities: dict[str, int]) -> None:
    async with availability_service(settings) as service:
        await service.publish("woo", quantities.items())


async def first_report(settings: Settings) -> ShadowReport:
    found: list[ShadowReport] = []
    async with asyncio.timeout(60):
        while not found:
            found = await asyncio.to_thread(read_reports, settings, "woo")
    return found[-1]


async def test_a_publisher_in_shadow_says_what_going_live_would_change(
    environment: Settings, server: ShopServer
) -> None:
    settings = environment.model_copy(update={"channels": [channel(server, mode="shadow")]})
    publish_waivers(settings, [Waiver("woo", "LET", "sold in stores only", "erika", 1)])
    # The page is asked for again after the first, the report is begun anew after the second.
    server.shop.faults.queue += [Fault("error", status=500), Fault("error", status=401)]
    async with publisher(settings):
        await publish(settings, WANTED)
        report = await first_report(settings)
    found = report.score
    (theirs,) = [one for one in server.shop.catalogue.products.values() if one.sku == "THEIRS"]
    assert {change: count for change, count in found.counts.items() if count} == {
        Change.AGREES: 1, Change.UP: 1, Change.DOWN: 1, Change.TO_ZERO: 1, Change.FROM_ZERO: 1,
    }  # fmt: skip
    assert (found.listings, found.unmapped, found.waived) == (7, 1, 1)
    assert (found.units_up, found.units_down) == (1 + 4, 3 + 7)
    assert found.stranger_names == (f"#{theirs.id} Product THEIRS",)
    assert (report.mode, report.url, report.share) == ("shadow", server.url, 1 / 5)
    assert server.shop.faults.met["error"] == 2
    assert not server.shop.written
    assert server.shop.stats.batches == 0


async def test_the_next_report_is_due_after_its_time_also_when_the_process_is_another(
    environment: Settings, server: ShopServer
) -> None:
    settings = environment.model_copy(update={"channels": [channel(server, mode="shadow")]})
    await publish(settings, WANTED)
    async with publisher(settings):
        await first_report(settings)
    read = server.shop.stats.products_read
    async with publisher(settings):
        await asyncio.sleep(2)
    assert server.shop.stats.products_read == read
    (shop,) = settings.channels
    canary = shop.publishing.model_copy(update={"mode": "canary", "canary_skus": ("TOO-MANY",)})
    moved = shop.model_copy(update={"publishing": canary})
    async with publisher(settings.model_copy(update={"channels": [moved]})):
        await eventually(lambda: list(server.shop.written) == [("TOO-MANY", 6)], 60, "the canary")
        async with asyncio.timeout(60):
            while len(reports := await asyncio.to_thread(read_reports, settings, "woo")) < 2:
                continue
    assert [report.mode for report in reports] == ["shadow", "canary"], "of another mode: at once"


def test_a_merchant_reads_it_in_the_terminal_in_a_browser_and_over_time(
    environment: Settings, server: ShopServer, config: str, tmp_path: Path
) -> None:
    def shadow(*more: str) -> Any:
        return stockfold_json(environment, "channel", "shadow", "woo", "--config", config, *more)

    with pytest.raises(SettingsError, match="no shadow report of woo yet"):
        stockfold(environment, "channel", "shadow", "woo", "--config", config)
    asyncio.run(publish(environment, {**WANTED, "<script>": 1}))
    first = shadow("--now")
    (listed,) = stockfold_json(environment, "channel", "list", "--config", config)
    assert (listed["mode"], listed["in_force"], listed["is_served"]) == ("shadow", None, False)
    assert listed["compared"]["share"] == 1 / 5
    assert (first["mode"], first["score"]["unmapped"]) == ("shadow", 3)
    for sku, quantity in WANTED.items():
        for number in server.shop.catalogue.ids_of_sku.get(sku, []):
            server.shop.catalogue.products[number].stock_quantity = max(quantity, 0)
    page = tmp_path / "report.html"
    second = shadow("--now", "--html", str(page))
    assert [one["share"] for one in second["history"]] == [1 / 5, 1.0]
    assert "5 of 5 listings (100 %) would stay as they are." in second["verdict"]
    told = stockfold(environment, "channel", "shadow", "woo", "--config", config)
    assert "ABSENT" in told
    assert "20.0 %" in told
    text = page.read_text("utf-8")
    assert "woo: what would change if it went live" in text
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "<svg" in text


def test_of_days_long_past_the_last_report_is_shown(environment: Settings) -> None:
    now_ms = int(time.time() * 1_000) // DAY_MS * DAY_MS
    hours = range(-5 * 24, 0)
    producer = Producer(confluent_config(environment))
    for hour in hours:
        told = ShadowReport("woo", "https://shop.example", "shadow", 0, hour, score([], {}))
        body = msgspec.to_builtins(told)
        producer.produce(
            SHADOW_REPORTS.full_name(environment.prefix),
            encode("stockfold.ShadowReport", body | body.pop("score")),
            b"woo" if hour % 2 else b"other",
            timestamp=now_ms + hour * 3_600_000,
        )
    assert producer.flush(20) == 0
    found = [report.finished_at for report in read_reports(environment, "woo")]
    assert found == [-4 * 24 - 1, *range(-2 * RECENT + 1, 0, 2)]
    newest = newest_reports(environment)
    assert {name: report.finished_at for name, report in newest.items()} == {"woo": -1, "other": -2}
    assert newest_reports(environment, now_ms * 1_000) == {}
