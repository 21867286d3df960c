"""``stockfold channel check`` and ``waive``, between a real Kafka and the shop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.command_line import stockfold, stockfold_json, woo_settings
from tests.support.publishing import availability_service
from tests.support.woo_shop import Shop, ShopServer

from stockfold.domain.errors import SettingsError
from stockfold.runtime.audit import changes, user
from stockfold.runtime.channel_checks import read_checks
from stockfold.runtime.channel_coverage import (
    Admission,
    admit,
    dismiss,
    listed_skus,
    read_coverage,
)
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration

Run = Callable[..., Any]


@pytest.fixture
def server() -> Iterator[ShopServer]:
    with ShopServer(Shop()) as server:
        yield server


@pytest.fixture
def config(tmp_path: Path, server: ShopServer) -> str:
    return woo_settings(tmp_path, server.url)


def publish(settings: Settings, *skus: str, channel: str = "woo") -> None:
    async def send() -> None:
        async with availability_service(settings) as service:
            await service.publish(channel, [(sku, 5) for sku in skus])

    asyncio.run(send())


def test_a_channel_is_fit_when_every_listing_is_covered_or_waived_by_name(
    environment: Settings, server: ShopServer, config: str, tmp_path: Path
) -> None:
    server.shop.add_products(["A", "D", "D"])
    publish(environment, "A", "B", "D")
    publish(environment, "Z", channel="somebody-else")

    def check(exit_code: int) -> Any:
        asked = ("channel", "check", "woo", "--config", config)
        return stockfold_json(environment, *asked, exit_code=exit_code)

    found = check(1)
    assert not found["is_fit"]
    assert found["coverage"] == {
        "listings": 3,
        "covered": 1,
        "waived": [],
        "uncovered": ["B", "D"],
    }
    assert [f["code"] for f in found["findings"] if f["level"] == "error"] == [
        "sku_unknown",
        "sku_ambiguous",
    ]
    assert found["assurance"] == "contract"
    on_record = read_checks(environment)["woo"]
    assert (on_record["fit"], on_record["listings"], on_record["covered"]) == (False, 3, 1)
    assert on_record["by"] == user()
    assert [one["code"] for one in on_record["findings"]][:2] == ["sku_unknown", "sku_ambiguous"]

    asked = ("channel", "waive", "woo", "--config", config)
    with pytest.raises(SettingsError, match="needs a reason"):
        stockfold(environment, *asked, "B", "--yes")
    with pytest.raises(SettingsError, match="nobody can be asked"):
        stockfold(environment, *asked, "B", "--reason", "stores only")
    dry = stockfold_json(environment, *asked, "B", "--reason", "stores only", "--dry-run")
    assert [waiver["sku"] for waiver in dry["waived"]] == ["B"]
    assert stockfold_json(environment, *asked) == []
    assert changes(environment) == []

    names = tmp_path / "skus.txt"
    names.write_text("D\nno such\n\n")
    given = ("--file", str(names), "--reason", "stores only", "--yes")
    done = stockfold_json(environment, *asked, "B", *given)
    assert [waiver["sku"] for waiver in done["waived"]] == ["B", "D", "no such"]
    assert done["not_published_to_it"] == ["no such"]
    assert stockfold_json(environment, *asked, "B", *given)["waived"] == []
    (change,) = changes(environment)
    assert (change.command, change.subject, change.outcome) == ("channel waive", "woo", "done")
    assert change.details["skus"] == ["B", "D", "no such"]

    found = check(0)
    assert (found["is_fit"], found["share"], found["coverage"]["waived"]) == (True, 1, ["B", "D"])

    withdrawn = stockfold_json(environment, *asked, "D", "A", "--withdraw", "--yes")
    assert [waiver["sku"] for waiver in withdrawn["withdrawn"]] == ["D"]
    assert [waiver["sku"] for waiver in stockfold_json(environment, *asked)] == ["B", "no such"]
    assert check(1)["coverage"]["uncovered"] == ["D"]
    assert not server.shop.written


def test_the_check_reads_as_a_table_and_as_a_page(
    environment: Settings, server: ShopServer, config: str, tmp_path: Path
) -> None:
    server.shop.add_products(["A", "<b>"])
    server.shop.add_products([f"X{n}" for n in range(30)])
    publish(environment, "A", "<b>", "missing")
    page = tmp_path / "check.html"
    asked = ("channel", "check", "woo", "--config", config, "--probe")
    told = stockfold(environment, *asked, "--html", str(page), exit_code=1)
    assert "may read and write" in told
    assert "100, tried with" in told
    assert "3: 2 covered, 0 waived, 1 uncovered (66.7% covered or waived)" in told
    assert "not yet" in told
    assert told.count("not_ours") == 20
    assert stockfold(environment, *asked, "--all", exit_code=1).count("not_ours") == 30
    text = page.read_text("utf-8")
    assert "missing" in text
    assert "&lt;b&gt;" not in text, "nothing is said of what is well"
    assert text.count("not_ours") == 30
    with pytest.raises(SettingsError, match="not written"):
        stockfold(environment, *asked, "--html", str(tmp_path / "none" / "x.html"))


def test_without_kafka_the_shop_is_looked_at_all_the_same(
    new_environment: Run, server: ShopServer, config: str
) -> None:
    server.shop.add_products(["A"])
    settings = new_environment(topics=False)
    found = stockfold_json(settings, "channel", "check", "woo", "--config", config, exit_code=1)
    assert found["findings"][0]["code"] == "listings_unknown"
    assert found["products"] == 1


def test_a_channel_that_is_none_is_named(environment: Settings, config: str) -> None:
    for command in ("check", "waive"):
        with pytest.raises(SettingsError, match="there is no channel 'other'"):
            stockfold(environment, "channel", command, "other", "--config", config)


def test_the_listings_of_a_channel_are_read_whole_and_no_other_ones(environment: Settings) -> None:
    skus = [f"S{n}" for n in range(500)]
    publish(environment, *skus)
    publish(environment, "other", channel="woo-2")
    found = [sku for some in listed_skus(environment, "woo", 2) for sku in some]
    assert sorted(found) == sorted(skus)


def test_an_admission_holds_until_it_is_dismissed(environment: Settings) -> None:
    told = Admission("woo", "https://shop.example", 3, 1, 7)
    admit(environment, told)
    assert read_coverage(environment).admission("woo") == told
    dismiss(environment, "woo")
    assert read_coverage(environment).admission("woo") is None
