"""What support does about an order on its page: shown before it is told, told once, audited."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
from tests.conftest import NewEnvironment
from tests.support import read_side as given
from tests.support.api_reader import Reader
from tests.support.kafka_io import committed

from stockfold.contracts.topics import ORDERS
from stockfold.runtime.audit import changes
from stockfold.runtime.keys import ApiKey, issue
from stockfold.runtime.settings import Settings
from stockfold_services.api.app import create_app

pytestmark = pytest.mark.integration

HERE = {"origin": "http://api", "sec-fetch-site": "same-origin", "accept": "text/html"}
CASE = "web/1/1/s1/1"


class KeyHolder:
    """Lets everybody in with one key."""

    def __init__(self, **terms: object) -> None:
        made = issue(name="desk", events_per_s=1, body_bytes_max=10**6, created_at=0, expires_at=1)
        self.key = msgspec.structs.replace(made[0], **terms)

    def caller(self, *_: object) -> ApiKey:
        return self.key

    def count(self, *_: object) -> None:
        """No limit."""


class Desk:
    """The pages as the holder of a key uses them."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient) -> None:
        self.settings = settings
        self.client = client

    async def send(self, status: int = 200, **fields: str) -> httpx.Response:
        """Send a form with the token of the order's page."""
        text = (await self.client.get("/console/orders/web/1", headers=HERE)).text
        token = re.findall(r'name="csrf" value="([0-9a-f]+)"', text)
        sent = {"csrf": token[0] if token else "none", "channel": "web", "order": "1", **fields}
        answer = await self.client.post("/console/orders", data=sent, headers=HERE)
        assert answer.status_code == status, answer.text
        return answer

    async def told(self) -> list[tuple[str, dict]]:
        records = await asyncio.to_thread(committed, self.settings, ORDERS)
        return [(read.name, read.record) for read in records]


@pytest.fixture
def settings(new_environment: NewEnvironment, postgres: str) -> Settings:
    return new_environment(postgres={"dsn": postgres})


async def opened(settings: Settings, **terms: object) -> AsyncIterator[Desk]:
    await Reader(settings, httpx.AsyncClient()).fill(
        given.order_status("web", "1", 1, "partial"),
        given.order_status("market", "1", 1, "partial"),
        given.order_case(CASE, "web"),
    )
    app = create_app(settings, KeyHolder(**terms))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        yield Desk(settings, client)
    app.state.bounded.close()
    await app.state.database.close()


@pytest.fixture
async def desk(settings: Settings) -> AsyncIterator[Desk]:
    async for one in opened(settings, may=("read", "support")):
        yield one


def seen(answer: httpx.Response) -> str:
    return re.findall(r'name="seen" value="([0-9a-f]+)"', answer.text)[0]


async def test_a_case_is_given_to_somebody_else_once_that_was_shown(desk: Desk) -> None:
    shown = await desk.send(act="assign", case=CASE)
    assert "Nothing has been done yet" in shown.text
    assert await desk.told() == []
    await desk.send(422, act="assign", case=CASE, step="do", seen=seen(shown))
    fields = {"act": "assign", "case": CASE, "step": "do", "owner": "ada"}
    stale = await desk.send(**fields, seen="0" * 32)
    assert "It has changed since it was shown" in stale.text
    assert await desk.told() == []
    done = await desk.send(303, **fields, seen=seen(shown))
    assert done.headers["location"] == "/console/orders/web/1"
    ((kind, record),) = await desk.told()
    assert (kind, record["action"], record["owner"]) == ("OrderCaseChanged", "assign", "ada")
    (change,) = await asyncio.to_thread(changes, desk.settings)
    assert (change.command, change.subject, change.by) == ("cases assign", CASE, "desk (key)")
    assert change.outcome == "done"


async def test_an_order_is_stopped_with_a_reason_and_a_closed_case_is_not_closed_again(
    desk: Desk,
) -> None:
    shown = await desk.send(act="refused")
    await desk.send(422, act="refused", step="do", seen=seen(shown))
    await desk.send(303, act="refused", step="do", seen=seen(shown), reason="fraud")
    ((kind, record),) = await desk.told()
    assert (kind, record["verdict"], record["reason"]) == ("OrderReviewed", "refused", "fraud")
    await Reader(desk.settings, httpx.AsyncClient()).fill(
        given.order_case(CASE, "web", "closed", "ada")
    )
    await desk.send(409, act="close", case=CASE)
    await desk.send(422, act="nonsense")
    await desk.send(404, act="refused", order="2")


async def test_who_may_only_look_is_shown_no_buttons_and_refused(settings: Settings) -> None:
    async for desk in opened(settings, may=("read",)):
        page = await desk.client.get("/console/orders/web/1", headers=HERE)
        assert '<form class="inline"' not in page.text
        refused = await desk.send(403, act="refused")
        assert "settle oversold orders" in refused.text
        assert await desk.told() == []


async def test_support_of_one_channel_settles_nothing_of_another(settings: Settings) -> None:
    async for desk in opened(settings, may=("read", "support"), channels=("web",)):
        await desk.send(act="refused")
        await desk.send(403, act="refused", channel="market")


async def test_a_form_of_another_site_acts_on_nothing(desk: Desk) -> None:
    fields = {"act": "refused", "channel": "web", "order": "1", "step": "do", "reason": "x"}
    for headers in ({}, {"origin": "http://evil"}, {"sec-fetch-site": "cross-site"}, HERE):
        answer = await desk.client.post("/console/orders", data=fields, headers=headers)
        assert answer.status_code == 403
    assert await desk.told() == []
