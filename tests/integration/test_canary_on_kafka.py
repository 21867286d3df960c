"""A canary through ledger, availability and publisher, and into the shop; and when it stops."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from tests.conftest import NewEnvironment
from tests.support import webhook_shop
from tests.support.command_line import stockfold_json
from tests.support.gateway import in_thread, served
from tests.support.kafka_io import committed, wait_for
from tests.support.running_ledger import ledger, running
from tests.support.webhook_shop import CHANNEL
from tests.support.woo_shop import Fault, Shop, ShopServer

from stockfold.contracts.topics import CHANNEL_PROOFS
from stockfold.runtime.channel_control import State, publish_control, read_controls, said
from stockfold.runtime.channel_coverage import Admission, admit
from stockfold.runtime.settings import Settings
from stockfold.runtime.shop_monitor_settings import ShopMonitorSettings
from stockfold.runtime.shop_publishing_settings import ShopPublishingSettings
from stockfold_services.api.main import run as api_run
from stockfold_services.availability.main import run as availability
from stockfold_services.cli.policy import publish_policies
from stockfold_services.publisher import main as publisher
from stockfold_services.publisher.retry import RetryPolicy
from stockfold_services.sweeper import main as sweeper
from stockfold_services.sweeper import monitor, sweeping

pytestmark = pytest.mark.integration

CANARY = "CANARY-1"
PAUSED = "the channel is paused: a sale"
WatchedBy = Callable[..., Settings]


@pytest.fixture
def server() -> Iterator[ShopServer]:
    shop = Shop()
    shop.add_products([CANARY])
    with ShopServer(shop) as server:
        yield server


@pytest.fixture
def watched(new_environment: NewEnvironment, monkeypatch: pytest.MonkeyPatch) -> WatchedBy:
    """Settings of a connection with a canary, in a mode."""
    monkeypatch.setattr(sweeping, "PAUSE_S", 0.0)
    monkeypatch.setattr(monitor, "LATE_S", 0.2)
    monkeypatch.setattr(monitor, "REST_S", 0.1)

    def settings(server: ShopServer, mode: Any, coverage: Any = "reported") -> Settings:
        canary = ShopMonitorSettings(sku=CANARY, location="NOWHERE", units=9, sla_s=3)
        told = {
            "locations": ["NOWHERE"],
            "safety_stock": 2,
            "publishing": ShopPublishingSettings(mode=mode, coverage=coverage),
            "monitor": canary.model_copy(update={"every_s": 1}),
        }
        channel = webhook_shop.channel(server.url, keep_webhooks=False).model_copy(update=told)
        found = new_environment(kafka={"order_partitions": 1, "sku_partitions": 1})
        return webhook_shop.with_channels(found, channel)

    return settings


@contextmanager
def everything(settings: Settings) -> Iterator[None]:
    """Ledger, availability, publisher and sweeper."""
    publish_policies(settings)
    impatient = RetryPolicy(base_s=0.01, cap_s=0.2, attempts_max=10_000)

    async def publish(settings: Settings, stop: Any) -> None:
        await publisher.run(settings, stop, policy=impatient)

    with ExitStack() as stack:
        stack.enter_context(ledger(settings))
        stack.enter_context(running(availability, settings))
        stack.enter_context(running(in_thread(publish), settings))
        stack.enter_context(running(in_thread(sweeper.run), settings))
        yield


def proofs(settings: Settings) -> list[dict[str, Any]]:
    return [read.record for read in committed(settings, CHANNEL_PROOFS)]


def say(settings: Settings, state: State, why: str) -> None:
    """What a person does to the channel."""
    publish_control(settings, said(read_controls(settings).of(CHANNEL), state, why, "test"))


def outcomes(settings: Settings) -> list[str]:
    return [proof["outcome"] for proof in proofs(settings)]


def test_it_proves_the_path_raises_an_alert_when_the_shop_stops_and_says_when_it_is_over(
    watched: WatchedBy,
    server: ShopServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = watched(server, "live")
    with everything(settings):
        wait_for("both ways proved", lambda: outcomes(settings).count("proved") >= 2)
        shown = {proof["counted"] for proof in proofs(settings) if proof["outcome"] == "proved"}
        assert shown == {0, 9}
        assert {quantity for _, quantity in server.shop.written} == {0, 7}, "less safety stock"
        say(settings, "paused", "a sale")
        wait_for("the pause", lambda: proofs(settings)[-1]["detail"] == PAUSED)
        assert outcomes(settings)[-1] == "hindered", "no alert while nothing can follow"
        say(settings, "running", "over")
        wait_for("a proof after it", lambda: outcomes(settings)[-1] == "proved")
        before = len(proofs(settings))
        broken = Fault("html", times=10**9, method="POST", path="/products")
        server.shop.faults.queue.append(broken)
        wait_for("the alert", lambda: "late" in outcomes(settings)[before:])
        said = [one for one in caplog.records if one.name == monitor.__name__]
        assert said[-1].levelno == logging.ERROR
        (row,) = stockfold_json(settings, "channel", "monitor", exit_code=1)
        assert row["outcome"] == "late"
        with served(api_run, "api", settings, ready=False) as api:
            said_there = f"Channel {CHANNEL} does not follow: its canary {CANARY}"
            wait_for("the word on the page", lambda: said_there in api.get("/console/").text)
        broken.times = 0
        wait_for("the end of it", lambda: outcomes(settings)[-1] != "late")
        wait_for("a proof in time", lambda: outcomes(settings)[-1] == "proved")
    assert any("the alert is over" in one.getMessage() for one in caplog.records)
    (row,) = stockfold_json(settings, "channel", "monitor", CHANNEL)
    assert row["outcome"] in ("proved", "waiting"), "the next one may have begun"
    assert row["day"]["late"] >= 1
    assert row["day"]["p50_ms"] <= row["day"]["p99_ms"]
    with served(api_run, "api", settings, ready=False) as api:
        wait_for("its keys", lambda: api.get("/v1/channel-proofs").is_success)
        (told,) = api.get("/v1/channel-proofs", params={"channel": CHANNEL}).json()["proofs"]
        assert (told["outcome"], told["day"]) == (row["outcome"], row["day"])
        assert api.get("/v1/channel-proofs", params={"channel": "other"}).json() == {"proofs": []}


def test_in_shadow_it_proves_the_path_up_to_what_would_be_sent(
    watched: WatchedBy, server: ShopServer
) -> None:
    settings = watched(server, "shadow")
    with everything(settings):
        wait_for("both ways proved", lambda: outcomes(settings).count("proved") >= 2)
    assert {proof["up_to"] for proof in proofs(settings)} == {"shadow"}
    assert list(server.shop.written) == []


def test_a_connection_that_waits_to_go_live_is_in_shadow_until_it_does(
    watched: WatchedBy, server: ShopServer
) -> None:
    settings = watched(server, "live", "required")
    (live,) = settings.channels
    with running(in_thread(sweeper.run), settings):
        wait_for("the first count", lambda: proofs(settings))
        assert proofs(settings)[-1]["up_to"] == "shadow"
        admit(settings, Admission(CHANNEL, live.url, 1, 0, 1))
        wait_for("the shop", lambda: proofs(settings)[-1]["up_to"] == "shop")


def test_a_connection_that_is_off_is_not_expected_to_follow(
    watched: WatchedBy, server: ShopServer
) -> None:
    settings = watched(server, "off")
    with running(in_thread(sweeper.run), settings):
        wait_for("the word", lambda: outcomes(settings) == ["hindered"])
    assert proofs(settings)[0]["detail"] == "the connection is off"
