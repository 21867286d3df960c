"""Every question of the api with what an attacker would write into it, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest
from fastapi.routing import APIRoute
from tests.support import every_route
from tests.support import read_side as given
from tests.support.api_reader import Reader, opened_reader, stock
from tests.support.console import Page

from stockfold.runtime.with_headers import HEADERS

pytestmark = pytest.mark.integration

ENDLESS = ("/v1/availability/changes", "/console/live/{what}")
OF_KAFKA = (
    "/v1/channel",
    "/v1/monitor",
    "/console/audit",
    "/console/channels",
    "/console/exceptions/{place}",
    "/console/monitor",
    "/console/rebuild",
    "/console/trace",
    "/console/versions",
)
"""What only Kafka knows, which does not run here."""
ASKED = [
    route
    for route in every_route.routes()
    if "GET" in (route.methods or ()) and route.path not in ENDLESS
    if not route.path.startswith(OF_KAFKA) and every_route.asks(route)
]


@pytest.fixture(scope="module")
async def reader(postgres: str) -> AsyncIterator[Reader]:
    async with opened_reader(postgres) as opened:
        await opened.fill(*stock("s", "L1", 5, 1), given.availability("web", "s", 1, 5))
        yield opened


def sound(answer: httpx.Response, asked: str) -> None:
    """It is an answer or a problem; no defect, no file of ours, nobody's header, nothing acts."""
    assert answer.status_code in (200, 307, 400, 403, 404, 409, 422, 503), f"{asked}: {answer.text}"
    assert "set-cookie" not in answer.headers
    assert "root:x:" not in answer.text
    for name in HEADERS:
        assert name in answer.headers, f"{asked}: {name}"
    if answer.headers.get("content-type", "").startswith("text/html"):
        assert Page(answer.text).acting == [], asked


@pytest.mark.parametrize("route", ASKED, ids=lambda route: route.path)
async def test_a_question_with_hostile_values_is_answered_or_refused(
    reader: Reader, route: APIRoute
) -> None:
    names = every_route.places(route)
    asked = [field.alias for field in route.dependant.query_params]
    questions: list[tuple[str, dict[str, str]]] = []
    for text in every_route.HOSTILE if names else ():
        path = every_route.filled(route.path, {name: quote(text, safe="") for name in names})
        questions.append((path, {}))
    for text in every_route.WORST:
        path = every_route.filled(route.path, dict.fromkeys(names, "s"))
        questions += [(path, {name: text}) for name in asked]
    for path, query in questions:
        answer = await reader.client.get(path, params=query, headers={"accept": "text/html"})
        sound(answer, f"{path} {query}")


async def test_the_tables_are_as_they_were(reader: Reader) -> None:
    found = await reader.get("/v1/skus/s")
    assert (found["atp"], found["conservation"]["holds"]) == (5, True)


@pytest.mark.parametrize("route", every_route.acting(), ids=lambda route: route.path)
def test_whatever_acts_asks_for_a_role_and_for_its_own_form(route: APIRoute) -> None:
    calls = [getattr(call, "__qualname__", "") for call in every_route.dependencies(route)]
    assert "needs.<locals>.held" in calls
    assert "sent_form" in calls


def test_nothing_acts_outside_of_the_console() -> None:
    outside = {
        (method, route.path)
        for route in every_route.routes()
        for method in (route.methods or set()) - {"GET", "HEAD"}
        if not route.path.startswith("/console")
    }
    # Questions that are too long for an address.
    assert outside <= {
        ("POST", "/v1/availability:batchGet"),
        ("POST", "/v1/inventory-check/{channel}"),
        ("POST", "/v1/sourcing:advise"),
    }
