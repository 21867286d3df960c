"""API keys on the api, on a real Kafka and PostgreSQL: who may ask, and what."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from tests.conftest import NewEnvironment
from tests.support import read_side as given
from tests.support.api_reader import Reader
from tests.support.command_line import stockfold, stockfold_json

from stockfold.contracts.topics import API_KEYS
from stockfold.domain.errors import SettingsError
from stockfold.runtime.embedded.ports import free_port
from stockfold.runtime.kafka import ensure_topic
from stockfold.runtime.settings import Settings
from stockfold_services.api.main import run

pytestmark = pytest.mark.integration

PATHS = (
    "/console/",
    "/docs",
    "/openapi.json",
    "/contracts",
    "/v1/skus/s",
    "/v1/availability/changes",
)


@pytest.fixture
def settings(new_environment: NewEnvironment, postgres: str) -> Settings:
    made = new_environment(topics=False, postgres={"dsn": postgres}, api={"port": free_port()})
    ensure_topic(made, API_KEYS)
    return made


@asynccontextmanager
async def api(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    stop = asyncio.Event()
    serving = asyncio.create_task(run(settings, stop))
    url = f"http://127.0.0.1:{settings.api.port}"
    async with httpx.AsyncClient(base_url=url, timeout=20) as client:
        try:
            await until(client, "/healthz", 200)
            yield client
        finally:
            stop.set()
            await asyncio.wait_for(serving, 20)


async def until(client: httpx.AsyncClient, path: str, status: int, **asked: Any) -> httpx.Response:
    """The answer once it has this status."""
    async with asyncio.timeout(30):
        while True:
            try:
                answer = await client.get(path, **asked)
            except httpx.ConnectError:
                answer = None
            if answer is not None and answer.status_code == status:
                return answer
            await asyncio.sleep(0.05)


async def create(settings: Settings, *options: str) -> str:
    """The token of a new key."""
    made = await asyncio.to_thread(
        stockfold_json, settings, "keys", "create", "shop", *options, "--yes"
    )
    return str(made["token"])


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def test_from_the_first_key_on_nobody_asks_without_one(settings: Settings) -> None:
    async with api(settings) as client:
        assert (await client.get("/docs")).status_code == 200
        foreign = await client.get("/docs", headers={"host": "shop.example"})
        assert (foreign.status_code, foreign.json()["title"]) == (403, "Not allowed")

        sender = await create(settings)
        refused = await until(client, "/docs", 401)
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert refused.headers["x-content-type-options"] == "nosniff"
        for path in PATHS:
            assert (await client.get(path)).status_code == 401, path
        batch = await client.post("/v1/availability:batchGet", content=b"{" * 2_000_000)
        assert batch.status_code == 401
        assert (await client.get("/healthz")).status_code == 200

        only_sends = await client.get("/docs", headers=bearer(sender))
        assert only_sends.status_code == 403
        assert "--may read" in only_sends.json()["detail"]
        assert (await client.get("/docs", headers=bearer("sfk_x_y"))).status_code == 401

        reader = await create(settings, "--may", "read")
        await until(client, "/docs", 200, headers=bearer(reader))


async def test_a_browser_gives_the_key_as_a_password(settings: Settings) -> None:
    token = await create(settings, "--may", "read")
    await Reader(settings, httpx.AsyncClient()).fill(given.availability("web", "s", 1, 5))
    async with api(settings) as client:
        assert 'Basic realm="stockfold"' in (await client.get("/")).headers["www-authenticate"]
        for path in ("/console/", "/docs", "/contracts"):
            answer = await client.get(path, auth=("anyone", token))
            assert answer.headers["content-type"].startswith("text/html"), path
        assert (await client.get("/", auth=(token, ""))).status_code == 401
        assert (await client.get("/", headers={"authorization": "Basic %%"})).status_code == 401
        changes = "/v1/availability/changes"
        async with client.stream("GET", changes, auth=("anyone", token)) as answer:
            assert answer.status_code == 200
        async with client.stream("GET", changes, auth=("anyone", token[:-1])) as answer:
            assert answer.status_code == 401


async def test_a_limited_key_asks_about_its_channels_and_locations_alone(
    settings: Settings,
) -> None:
    tables = Reader(settings, httpx.AsyncClient())
    await tables.fill(
        given.fact("s", 1, [("on_hand", "L1", 5), ("supplier", "", -5)]),
        given.position("s", "L1", 1, on_hand=5),
        given.availability("web", "s", 1, 5),
        given.availability("shop", "s", 1, 3),
    )
    web = bearer(await create(settings, "--may", "read", "--channel", "web"))
    both = bearer(await create(settings, "--may", "read", "--channel", "web", "--location", "L1"))
    async with api(settings) as client:
        await until(client, "/contracts", 200, headers=both)

        async def statuses(headers: dict[str, str]) -> dict[str, int]:
            paths = (
                "/v1/availability?channel=web",
                "/v1/availability/web/s",
                "/v1/positions?location=L1",
                "/v1/positions/s?location=L1",
                "/v1/availability",
                "/v1/availability?channel=shop",
                "/v1/availability/shop/s",
                "/v1/availability/changes?channel=shop",
                "/v1/positions/s",
                "/v1/positions?location=L2",
                "/v1/skus/s",
                "/v1/skus/s/explain",
                "/v1/journal/s",
                "/v1/exceptions",
                "/v1/status",
                "/",
            )
            found = {path: await client.get(path, headers=headers) for path in paths}
            return {path: answer.status_code for path, answer in found.items()}

        assert {path for path, status in (await statuses(web)).items() if status == 200} == {
            "/v1/availability?channel=web",
            "/v1/availability/web/s",
        }
        assert {path for path, status in (await statuses(both)).items() if status != 403} == {
            "/v1/availability?channel=web",
            "/v1/availability/web/s",
            "/v1/positions?location=L1",
            "/v1/positions/s?location=L1",
        }
        refused = await client.get("/v1/availability", headers=web)
        assert "?channel=web" in refused.json()["detail"]
        asked = {"channels": ["web"], "skus": ["s"]}
        told = await client.post("/v1/availability:batchGet", json=asked, headers=web)
        assert told.json()["availability"][0]["quantity"] == 5
        asked["channels"].append("shop")
        told = await client.post("/v1/availability:batchGet", json=asked, headers=web)
        assert told.status_code == 403


async def test_questions_have_a_rate_and_bodies_a_size(settings: Settings) -> None:
    token = await create(
        settings, "--may", "read", "--events-per-s", "1", "--body-bytes-max", "2048"
    )
    async with api(settings) as client:
        await until(client, "/contracts", 200, headers=bearer(token))
        big = await client.post(
            "/v1/availability:batchGet", content=b"[" * 2049, headers=bearer(token)
        )
        assert (big.status_code, big.json()["title"]) == (413, "Too large")
        # Its burst, and what may come beside it while they are asked.
        for _ in range(2_000):
            answer = await client.get("/contracts/asyncapi.yaml", headers=bearer(token))
            if answer.status_code != 200:
                break
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1


async def test_without_a_key_it_listens_on_this_machine_alone(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    everywhere = settings.model_copy(
        update={"api": settings.api.model_copy(update={"host": "0.0.0.0"})}
    )
    with caplog.at_level(logging.INFO, "stockfold"):
        async with api(everywhere) as client:
            assert (await client.get("/docs")).status_code == 200
    assert any("there is no API key" in line for line in caplog.messages)
    assert any("api serves http://127.0.0.1:" in line for line in caplog.messages)
    await create(settings)
    caplog.clear()
    with caplog.at_level(logging.INFO, "stockfold"):
        async with api(everywhere):
            pass
    assert any("api serves http://0.0.0.0:" in line for line in caplog.messages)


def test_there_are_two_rights_and_no_others(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="no right 'write'"):
        stockfold(settings, "keys", "create", "shop", "--may", "write", "--yes")
