"""The real-time inventory check of a marketplace, on a real Kafka and a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
from tests.conftest import NewEnvironment
from tests.integration.test_api_keys import api, create, until
from tests.support import read_side as given
from tests.support.api_reader import Reader

from stockfold.contracts.topics import API_KEYS, CHANNEL_CONTROL
from stockfold.runtime.channel_control import Control, publish_control, said
from stockfold.runtime.embedded.ports import free_port
from stockfold.runtime.kafka import ensure_topic
from stockfold.runtime.postgres import schema_name
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration

PATH = "/v1/inventory-check/ebay-de"
BASIC = httpx.BasicAuth("ebay", "a password of eBay's")
CREDENTIALS = ("client_id", "client_secret", "refresh_token")
LIVE = {"mode": "live", "coverage": "reported"}
CHANNELS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ebay-de": ({}, LIVE),
    "ebay-uk": ({}, LIVE),
    "ebay-often": ({"skus_per_s": 1}, LIVE),
    "ebay-old": ({"age_s_max": 1}, LIVE),
    "ebay-slow": ({"within_ms": 150}, LIVE),
    "ebay-shadow": ({}, {"mode": "shadow"}),
    "ebay-canary": ({}, {"mode": "canary", "canary_skus": ["cup"]}),
}
"""Their checks and how they are published to."""


def channel(name: str, check: dict[str, Any], publishing: dict[str, Any]) -> dict[str, Any]:
    """Settings of one eBay channel; there is time enough on a machine that is busy."""
    asking = {"user": "ebay", "password": "env:CHECK_PASSWORD", "within_ms": 5_000}
    return {
        "name": name,
        "kind": "ebay",
        "url": "https://api.ebay.example",
        "credentials": dict.fromkeys(CREDENTIALS, "env:NOT_SET_HERE"),
        "location_names": {"berlin": "WH-BER", "hamburg": "WH-HAM"},
        "publishing": publishing,
        "inventory_check": asking | check,
    }


@pytest.fixture(scope="module")
async def reader(new_environment: NewEnvironment, postgres: str) -> AsyncIterator[Reader]:
    """The api with these channels, each of which was told of two SKUs."""
    settings = new_environment(
        topics=False,
        postgres={"dsn": postgres},
        api={"port": free_port()},
        channels=[channel(name, *told) for name, told in CHANNELS.items()],
    )
    for topic in (API_KEYS, CHANNEL_CONTROL):
        ensure_topic(settings, topic)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHECK_PASSWORD", "a password of eBay's")
        async with api(settings) as client:
            reader = Reader(settings, client)
            for name in CHANNELS:
                await reader.fill(
                    given.availability(name, "tea", 1, 7, {"berlin": 5, "hamburg": 2}),
                    given.availability(name, "cup", 1, -3),
                )
            await reader.fill(given.availability("other", "pot", 1, 9))
            yield reader


async def post(reader: Reader, name: str, *items: dict[str, Any]) -> httpx.Response:
    """What is answered, once what channels shall do was read."""
    async with asyncio.timeout(30):
        while True:
            path = f"/v1/inventory-check/{name}"
            answer = await reader.client.post(path, json={"items": items}, auth=BASIC)
            if "was not read yet" not in answer.text:
                return answer
            await asyncio.sleep(0.05)


async def ask(
    reader: Reader, *items: dict[str, Any], name: str = "ebay-de", status: int = 200
) -> Any:
    answer = await post(reader, name, *items)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_one_call_tells_what_there_is_of_several_skus(reader: Reader) -> None:
    told = await ask(
        reader,
        {"sku": "tea", "quantity": 6},
        {"sku": "cup"},
        {"sku": "pot"},
        {"sku": "saucer"},
    )
    assert [tuple(item.values()) for item in told["items"]] == [
        ("tea", None, True, 7, True),
        ("cup", None, True, 0, False),
        ("pot", None, False, 0, False),
        ("saucer", None, False, 0, False),
    ]


async def test_units_are_told_by_location_and_demands_are_added_up(reader: Reader) -> None:
    told = await ask(
        reader,
        {"sku": "tea", "quantity": 5, "merchantLocationKey": "WH-BER"},
        {"sku": "tea", "quantity": 1, "merchantLocationKey": "WH-HAM"},
        {"sku": "tea", "quantity": 1, "merchantLocationKey": "WH-HAM"},
    )
    assert [item["availableQuantity"] for item in told["items"]] == [5, 2, 2]
    assert all(item["available"] for item in told["items"])
    told = await ask(
        reader,
        {"sku": "tea", "quantity": 6},
        {"sku": "tea", "quantity": 2, "merchantLocationKey": "WH-HAM"},
        {"sku": "tea", "quantity": 1, "merchantLocationKey": "WH-XXX"},
    )
    assert not any(item["available"] for item in told["items"])


async def test_only_the_channel_itself_may_ask(reader: Reader) -> None:
    asked = {"items": [{"sku": "tea"}]}
    token = await create(reader.settings)
    await until(reader.client, "/v1/channels", 401)
    await ask(reader, {"sku": "tea"})
    for auth in (
        None,
        httpx.BasicAuth("ebay", "another"),
        httpx.BasicAuth("else", "a password of eBay's"),
        httpx.BasicAuth("", ""),
    ):
        answer = await reader.client.post(PATH, json=asked, auth=auth)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic")
    for header in (f"Bearer {token}", "Basic %%%", "Basic", "Basic ZWJheQ=="):
        answer = await reader.client.post(PATH, json=asked, headers={"authorization": header})
        assert answer.status_code == 401
    for path in ("/v1/inventory-check/other", f"{PATH}/", "/v1/inventory-check/"):
        assert (await reader.client.post(path, json=asked, auth=BASIC)).status_code == 401
    # Nor does its password open anything else.
    assert (await reader.client.get("/v1/channels", auth=BASIC)).status_code == 401


async def test_what_is_too_much_or_no_question_is_refused(reader: Reader) -> None:
    many = [{"sku": f"s{number}"} for number in range(101)]
    await ask(reader, *many, status=422)
    await ask(reader, {"sku": "tea", "quantity": 0}, status=422)
    await ask(reader, {"sku": "tea", "quantity": "1"}, status=422)
    await ask(reader, {"sku": "tea", "colour": "green"}, status=422)
    await ask(reader, status=422)
    answer = await reader.client.post(PATH, content=b"[" * 70_000, auth=BASIC)
    assert answer.status_code == 413
    assert (await reader.client.get(PATH, auth=BASIC)).status_code == 405


async def test_more_skus_a_second_than_agreed_are_told_to_wait(reader: Reader) -> None:
    hundred = [{"sku": f"s{number}"} for number in range(100)]
    for _ in range(5):
        await ask(reader, *hundred, name="ebay-often")
    answer = await post(reader, "ebay-often", *hundred)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1


async def test_a_zeroed_channel_sells_nothing_and_a_restored_one_goes_by_its_own(
    reader: Reader,
) -> None:
    assert (await ask(reader, {"sku": "tea"}, name="ebay-uk"))["items"][0]["available"]
    zeroed = said(Control("ebay-uk"), "zeroed", "a fire in the warehouse", "ann")
    await asyncio.to_thread(publish_control, reader.settings, zeroed)
    await until_told(reader, '"available":false')
    restored = said(zeroed, "restored", "we leave", "ann")
    await asyncio.to_thread(publish_control, reader.settings, restored)
    await until_told(reader, "by its own numbers")


async def until_told(reader: Reader, text: str) -> None:
    """Controls are followed: what was said takes a moment."""
    async with asyncio.timeout(30):
        while text not in (answer := await post(reader, "ebay-uk", {"sku": "tea"})).text:
            assert answer.status_code in (200, 503)


async def test_in_shadow_nothing_is_told(reader: Reader) -> None:
    told = await ask(reader, {"sku": "tea"}, name="ebay-shadow", status=503)
    assert "in mode shadow" in told["detail"]


async def test_in_canary_only_its_skus_are_known(reader: Reader) -> None:
    told = await ask(reader, {"sku": "tea"}, {"sku": "cup"}, name="ebay-canary")
    assert [item["known"] for item in told["items"]] == [False, True]


async def test_what_is_too_old_is_no_answer(reader: Reader) -> None:
    await reader.fill(given.availability("ebay-old", "tea", 2, 7))
    await asyncio.sleep(1.1)
    told = await ask(reader, {"sku": "tea"}, name="ebay-old", status=503)
    assert "older than 1 s" in told["detail"]


async def test_when_the_database_does_not_answer_in_time_that_is_told(
    reader: Reader, postgres: str
) -> None:
    connection = await asyncpg.connect(postgres)
    try:
        await connection.execute("BEGIN")
        table = f'"{schema_name(reader.settings.prefix)}".availability'
        await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        told = await ask(reader, {"sku": "tea"}, name="ebay-slow", status=503)
        assert told["title"] == "Not in time"
    finally:
        await connection.close()


def test_a_user_without_a_password_is_refused_with_the_settings() -> None:
    told = channel("ebay-de", {"password": None}, LIVE)
    with pytest.raises(ValueError, match="user and password belong together"):
        Settings.model_validate({"channels": [told]})
