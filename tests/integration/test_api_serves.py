"""The api as a server: whether it is ready, how it describes itself, and without PostgreSQL."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest
from tests.support import read_side as given
from tests.support.api_reader import Reader, opened_reader, stock
from tests.support.console import Page

from stockfold.domain.errors import SettingsError
from stockfold.runtime.embedded.ports import free_port
from stockfold.runtime.postgres import connection_options
from stockfold.runtime.settings import Settings
from stockfold_services.api.app import create_app
from stockfold_services.api.main import run

pytestmark = pytest.mark.integration


@pytest.fixture
async def reader(postgres: str) -> AsyncIterator[Reader]:
    async with opened_reader(postgres) as opened:
        yield opened


async def test_nothing_is_ready_before_the_projector_has_made_the_tables(reader: Reader) -> None:
    assert await reader.get("/healthz") == {"status": "ok"}
    problem = await reader.get("/readyz", 503)
    assert "projector" in problem["detail"]
    page = await reader.client.get("/console/")
    assert page.status_code == 503
    assert "Start the projector" in page.text


async def test_readiness_tells_the_projectors_lag_and_age(reader: Reader) -> None:
    await reader.fill(*stock("s", "L1", 5, 1))
    ready = await reader.get("/readyz")
    assert ready["projector"]["alive"] is True
    assert ready["projector"]["lag"] == 0
    assert ready["projector"]["age_ms"] < 60_000
    connection = await asyncpg.connect(**connection_options(reader.settings, "test"))
    await connection.execute("UPDATE projectors SET beat_at = now() - interval '1 minute'")
    await connection.close()
    assert (await reader.get("/readyz"))["projector"]["alive"] is False


async def test_a_change_of_policy_shows_how_far_it_is(reader: Reader) -> None:
    now = datetime.now(UTC)
    began = now - timedelta(seconds=10)
    await reader.fill(
        given.reevaluation("a", began, now, listings=500, unseen=100, untold=200, zeros=7),
        given.reevaluation("done", began, now, listings=500, unseen=0, untold=0, zeros=7),
        given.reevaluation("silent", began, now - timedelta(minutes=2), 500, 1, 0, 0),
    )
    (work,) = (await reader.get("/v1/status"))["reevaluations"]
    assert (work["instance"], work["channels"], work["left"]) == ("a", ["woo", "<b>"], 300)
    assert (work["unseen"], work["zeros"], work["per_s"], work["left_s"]) == (100, 7, 20.0, 15)
    page = Page((await reader.client.get("/console/")).text).text
    assert "a, woo, <b>: 300 of 500 listings are yet to be looked at or told" in page
    assert "20 a second, about 15 s more" in page


async def test_the_overview_leads_to_pages_that_are_there(reader: Reader) -> None:
    await reader.fill(*stock("s", "L1", 5, 1))
    assert (await reader.client.get("/")).headers["location"] == "/console/"
    page = await reader.client.get("/console/")
    assert page.status_code == 200
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    for path in re.findall(r'href="(/[^"]*)"', page.text):
        # 503: a page of what only Kafka knows, which is not there.
        assert (await reader.client.get(path)).status_code in (200, 503), path


async def test_every_endpoint_is_on_the_page_of_the_interface(reader: Reader) -> None:
    paths = (await reader.get("/openapi.json"))["paths"]
    source = (await reader.client.get("/docs")).text
    page = Page(source).text
    told = [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]
    assert [name for name in told if name not in page] == []
    assert "//cdn" not in source


async def test_the_description_tells_what_refusals_look_like(reader: Reader) -> None:
    paths = (await reader.get("/openapi.json"))["paths"]
    for operations in paths.values():
        for operation in operations.values():
            refused = operation["responses"]["422"]["content"]
            assert list(refused) == ["application/problem+json"]


async def test_without_postgres_every_question_is_answered_with_503(tmp_path) -> None:
    settings = Settings(postgres={"dsn": f"postgresql://postgres@/x?host={tmp_path}"})
    transport = httpx.ASGITransport(create_app(settings, None))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        assert (await client.get("/healthz")).status_code == 200
        for path in ("/readyz", "/v1/skus/s", "/v1/positions", "/console/"):
            answer = await client.get(path)
            assert answer.status_code == 503, path
        assert (await client.get("/v1/skus/s")).headers["retry-after"] == "1"


async def test_it_serves_on_loopback_until_told_to_stop(postgres: str) -> None:
    port = free_port()
    settings = Settings(postgres={"dsn": postgres}, api={"port": port})
    stop = asyncio.Event()
    serving = asyncio.create_task(run(settings, stop))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        async with asyncio.timeout(20):
            while True:
                try:
                    answer = await client.get("/healthz")
                    break
                except httpx.ConnectError:
                    await asyncio.sleep(0.02)
        assert answer.json() == {"status": "ok"}
        with pytest.raises(SettingsError, match=f"port {port}"):
            await run(settings, asyncio.Event())
    stop.set()
    await asyncio.wait_for(serving, 20)
