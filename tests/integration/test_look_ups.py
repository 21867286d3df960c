"""Plain look-ups of availability are answered ahead of the routes, and as their route does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest
from tests.support import read_side as given
from tests.support.api_reader import Reader, opened_reader, stock

from stockfold.runtime.telemetry.declare import REGISTRY
from stockfold_services.api.routes.availability import PATH

pytestmark = pytest.mark.integration

BY_ROUTE = "?by=route"
"""Nobody asks for it, and with it a look-up is no plain one."""


@pytest.fixture
async def reader(postgres: str) -> AsyncIterator[Reader]:
    async with opened_reader(postgres) as opened:
        yield opened


def _told(answer: httpx.Response) -> tuple[int, dict, dict]:
    """Status, body and headers, but for what goes with the moment or the address."""
    body = answer.json()
    if answer.status_code == 200:
        assert body["as_of"].pop("age_ms") is not None
    headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
    return answer.status_code, body, headers


@pytest.mark.parametrize("sku", ["s1", "a/b", "/a//b/", "100% + ü&?#;", "none"])
async def test_a_plain_look_up_is_answered_as_its_route_answers(reader: Reader, sku: str) -> None:
    if sku != "none":
        await reader.fill(*stock(sku, "L1", 5, 1), given.availability("web", sku, 1, 4))
    else:
        await reader.fill(given.availability("web", "another", 1, 4))
    path = f"/v1/availability/web/{quote(sku, safe='')}"
    plain = await reader.client.get(path)
    routed = await reader.client.get(path + BY_ROUTE)
    assert _told(plain) == _told(routed)
    assert plain.status_code == (404 if sku == "none" else 200)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/availability/web/" + "x" * 513, 422),
        ("GET", "/v1/availability/" + "x" * 513 + "/s", 422),
        ("GET", "/v1/availability/web/a%00b", 422),
        ("GET", "/v1/availability/web/", 422),
        ("DELETE", "/v1/availability/web/s", 405),
    ],
)
async def test_what_is_no_plain_look_up_is_left_to_its_route(
    reader: Reader, method: str, path: str, status: int
) -> None:
    await reader.fill(given.availability("web", "s", 1, 4))
    assert (await reader.client.request(method, path)).status_code == status


async def test_look_ups_before_there_are_tables_are_told_to_come_again(reader: Reader) -> None:
    problem = await reader.get("/v1/availability/web/s", 503)
    assert "Start the projector" in problem["detail"]


async def test_a_plain_look_up_is_counted_under_its_route(reader: Reader) -> None:
    def counted() -> float:
        labels = {"service": "api", "route": PATH, "method": "GET", "status": "200"}
        return REGISTRY.get_sample_value("stockfold_http_requests_total", labels) or 0.0

    await reader.fill(given.availability("web", "s", 1, 4))
    before = counted()
    await reader.get("/v1/availability/web/s")
    assert counted() == before + 1
