"""Channels in the console: what is shown of them, and the orders that steer them, on real Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
from confluent_kafka import Producer
from tests.conftest import NewEnvironment
from tests.support.console import HOSTILE
from tests.support.console_page import Page, page_of, submit
from tests.support.kafka_io import Sender, committed
from tests.support.publishing import availability, partition_of

from stockfold.channels import Assurance
from stockfold.channels.findings import Finding, Level
from stockfold.channels.woocommerce.census import Coverage
from stockfold.channels.woocommerce.verdicts import Facts
from stockfold.contracts.codec import encode
from stockfold.contracts.connections import ConnectionState, encode_connection
from stockfold.contracts.topics import AVAILABILITY, CONNECTIONS, RESENDS
from stockfold.runtime import audit
from stockfold.runtime.channel_checks import record_check
from stockfold.runtime.channel_control import halt_of, publish_control, read_controls
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.keys import ApiKey, issue
from stockfold.runtime.settings import Settings
from stockfold.runtime.shop_check import Checked
from stockfold_services.api.app import create_app

pytestmark = pytest.mark.integration

AWAY = "postgresql://127.0.0.1:1/nobody"
PAGE = "/console/channels/woo"
CHANNEL = {
    "name": "woo", "kind": "woocommerce", "url": "http://127.0.0.1:1",
    "consumer_key": "ck_test", "consumer_secret": "cs_secret_of_the_shop",
}  # fmt: skip


@pytest.fixture
def settings(new_environment: NewEnvironment) -> Settings:
    return new_environment(postgres={"dsn": AWAY}, channels=[CHANNEL])


class KeyHolder:
    """Lets everybody in with one key."""

    def __init__(self, may: tuple[str, ...]) -> None:
        key = issue(name="office", events_per_s=1, body_bytes_max=10**6, created_at=0,
                    expires_at=1)[0]  # fmt: skip
        self.key = msgspec.structs.replace(key, may=may)

    def caller(self, *_: object) -> ApiKey:
        return self.key

    def count(self, *_: object) -> None:
        """No limit."""


async def opened(settings: Settings, *may: str) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings, KeyHolder(may) if may else None)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        yield client
    app.state.bounded.close()


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async for one in opened(settings):
        yield one


def state(**changes: object) -> ConnectionState:
    now_us = SYSTEM_CLOCK.now_us()
    told = ConnectionState(
        channel="woo", instance="host/1", since=now_us - 60_000_000, told_at=now_us, mode="live",
        settled=True, owner=True, listings=900, waiting=140, zeros=3, delayed=2, held=0,
        oldest_at=now_us - 5_000_000, outcomes=12, in_flight=1, at_once=2, at_once_max=4,
        requests_last_minute=290, requests_per_minute_max=300, item_us=21_000, trouble="",
        trouble_code="", trouble_detail="", trouble_since=None, rests_until=None,
        zeros_counted=177, zeros_limit=180, zeros_minutes=60, changes_counted=0,
        changes_limit=None, changes_minutes=10, stale_s=0, stale_minutes_max=15,
    )  # fmt: skip
    return msgspec.structs.replace(told, **changes)


def tell(settings: Settings, one: ConnectionState) -> None:
    Sender(settings).raw(CONNECTIONS, b"woo", encode_connection(one))


async def test_a_channel_is_shown_with_what_only_its_publisher_knows(
    settings: Settings, client: httpx.AsyncClient
) -> None:
    empty = await page_of(client, PAGE)
    assert "No publisher has told of this channel" in empty.text
    tell(settings, state(waiting=10))
    hostile = "<script>alert(1)</script>"
    down = SYSTEM_CLOCK.now_us() - 1_000_000
    tell(settings, state(trouble="unavailable", trouble_code="503", trouble_detail=hostile,
                         trouble_since=down, rests_until=down))  # fmt: skip
    page = await page_of(client, PAGE)
    for figure in ("140", "of 900 listings", "290", "of 300 allowed", "177", "21 ms", hostile):
        assert figure in page.text
    assert page.scripts[1:] == []
    listed = await page_of(client, "/console/channels")
    assert "unavailable" in listed.text
    old = SYSTEM_CLOCK.now_us() - 300_000_000
    tell(settings, state(told_at=old))
    silent = await page_of(client, PAGE)
    assert "Its publisher has been silent since" in silent.text
    assert "cs_secret_of_the_shop" not in page.text + listed.text + silent.text
    await page_of(client, "/console/channels/other", 404)


async def test_a_halt_is_shown_with_its_reason_and_resumed_after_a_preview(
    settings: Settings, client: httpx.AsyncClient
) -> None:
    reason = "212 of 900 listings would go to zero"
    halt = halt_of(read_controls(settings).of("woo"), "zeros", reason, "publisher")
    publish_control(settings, halt)
    page = await page_of(client, PAGE)
    assert reason in page.text
    assert "/console/runbooks/channel-halted" in page.links
    action = f"{PAGE}/resume"
    preview, _ = await submit(client, page, action, reason="looked at it")
    assert "Nothing has been done yet" in preview.text
    assert read_controls(settings).of("woo").state == "halted"
    _, answer = await submit(client, preview, action, 303)
    assert answer.headers["location"].endswith("?done=running")
    said = read_controls(settings).of("woo")
    assert (said.state, said.reason) == ("running", "looked at it")
    (change,) = audit.changes(settings)
    assert (change.command, change.by, change.outcome) == ("channel resume", said.by, "done")


async def test_the_last_check_is_shown_with_its_age_and_what_it_found(
    settings: Settings, client: httpx.AsyncClient
) -> None:
    assert "No check of it is on record" in (await page_of(client, PAGE)).text
    found = Checked(
        channel="woo",
        url=CHANNEL["url"],
        assurance=Assurance.CONTRACT,
        checked_at_us=SYSTEM_CLOCK.now_us() - 3 * 3_600_000_000,
        facts=Facts(),
        findings=(
            Finding(Level.WARNING, "old_version", "WooCommerce", "it is 7.1", "Update it."),
            Finding(Level.ERROR, "sku_unknown", HOSTILE, "no product has it", "Make one."),
        ),
        coverage=Coverage(12, 11, (), (HOSTILE,)),
        products=20,
        variations=5,
    )
    record_check(settings, found, by="somebody")
    page = await page_of(client, PAGE)
    for told in (
        "not fit",
        "3 h ago",
        "by somebody",
        "25 products and variations",
        "11 are covered",
    ):
        assert told in " ".join(page.text.split())
    assert page.text.index("no product has it") < page.text.index("it is 7.1")
    assert "/console/runbooks/listing-not-mapped" in page.links
    record_check(settings, msgspec.structs.replace(found, url="http://old"), by="somebody")
    assert "at another address" in (await page_of(client, PAGE)).text


async def test_the_mode_is_explained_where_it_can_be_changed(client: httpx.AsyncClient) -> None:
    page = await page_of(client, PAGE)
    for told in ("[channels.publishing]", "mode = ", "stockfold channel list", "nothing is sent"):
        assert told in page.text


async def test_what_somebody_else_said_meanwhile_is_looked_at_first(
    settings: Settings, client: httpx.AsyncClient
) -> None:
    page = await page_of(client, PAGE)
    pause, _ = await submit(client, page, f"{PAGE}/pause")
    zero, _ = await submit(client, page, f"{PAGE}/zero")
    await submit(client, zero, f"{PAGE}/zero", 303)
    again, _ = await submit(client, pause, f"{PAGE}/pause")
    assert "Meanwhile somebody said something else" in again.text
    assert read_controls(settings).of("woo").state == "zeroed"
    await submit(client, again, f"{PAGE}/pause", 303)
    assert read_controls(settings).of("woo").state == "paused"


def acts(page: Page) -> list[str]:
    return [action for action in page.forms if action.startswith(PAGE)]


def publish(settings: Settings, sku: str, version: int) -> None:
    value = encode("stockfold.Availability", availability("woo", sku, 4, version))
    producer = Producer(confluent_config(settings))
    topic = AVAILABILITY.full_name(settings.prefix)
    producer.produce(topic, value, f"woo|{sku}".encode(), partition_of(sku, 2))
    assert producer.flush(20) == 0


async def test_support_sends_listings_again_but_steers_nothing(settings: Settings) -> None:
    publish(settings, "S/ 1", 7)
    async for support in opened(settings, "read", "support"):
        page = await page_of(support, PAGE)
        assert acts(page) == [f"{PAGE}/resend"]
        preview, _ = await submit(support, page, f"{PAGE}/resend", skus="S/ 1\r\nunknown\r\n")
        assert "Nothing is published to woo under unknown" in preview.text
        assert "Send 1 listing again?" in preview.text
        await submit(support, preview, f"{PAGE}/resend", 303)
        fields = preview.forms[f"{PAGE}/resend"]
        headers = {"origin": "http://api", "sec-fetch-site": "same-origin"}
        pause = await support.post(f"{PAGE}/pause", data=fields, headers=headers)
        assert pause.status_code == 403
    (asked,) = await asyncio.to_thread(committed, settings, RESENDS)
    assert (asked.record["sku"], asked.record["version"]) == ("S/ 1", 7)
    assert asked.record["by"] == "office (key)"
    assert read_controls(settings).of("woo").state == "running"
    async for viewer in opened(settings, "read"):
        page = await page_of(viewer, PAGE)
        assert acts(page) == []
