"""What a key that is limited to channels or locations sees on pages, on a real Kafka."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from tests.conftest import NewEnvironment
from tests.integration.test_api_keys import api, bearer, create, until
from tests.integration.test_console_orders import demand
from tests.support import read_side as given
from tests.support.api_reader import Reader, stock

from stockfold.contracts.topics import API_KEYS
from stockfold.runtime.embedded.ports import free_port
from stockfold.runtime.kafka import ensure_topic

pytestmark = pytest.mark.integration

SECRETS = ("L2", "market", "MARKET-ORDER", "other-code", "bad_quantity", "journal", "In words")
"""What a key of channel web and location L1 must not read anywhere."""


async def parts(
    client: httpx.AsyncClient, what: str, key: dict[str, str] | None = None
) -> AsyncIterator[dict[str, str]]:
    """What a live page is sent, as it comes."""
    async with client.stream("GET", f"/console/live/{what}", headers=key) as answer:
        assert answer.status_code == 200
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))


async def test_a_limited_key_sees_its_channels_and_locations_and_nothing_else(
    new_environment: NewEnvironment, postgres: str
) -> None:
    settings = new_environment(topics=False, postgres={"dsn": postgres}, api={"port": free_port()})
    ensure_topic(settings, API_KEYS)
    await Reader(settings, httpx.AsyncClient()).fill(
        *stock("s", "L1", 1234, 1),
        *stock("s", "L2", 5678, 2),
        *stock("elsewhere", "L2", 1, 1),
        demand("s", 3, "web", "WEB-ORDER"),
        demand("s", 4, "market", "MARKET-ORDER"),
        given.availability("web", "s", 2, 900),
        given.availability("market", "s", 2, 800),
        given.order_status("web", "WEB-ORDER", 1),
        given.order_status("market", "MARKET-ORDER", 1),
        given.order_case("market/MARKET-ORDER/1/s/1", "market"),
        given.alias("other-code", "77", "s"),
        given.exception("bad_quantity", "s", 1),
    )
    web = bearer(await create(settings, "--may", "read", "--channel", "web"))
    place = bearer(await create(settings, "--may", "read", "--location", "L1"))
    whole = bearer(await create(settings, "--may", "read"))
    both = bearer(await create(settings, "--may", "read", "--channel", "web", "--location", "L1"))
    async with api(settings) as client:
        await until(client, "/contracts", 200, headers=both)

        async def see(path: str, key: dict[str, str]) -> tuple[int, str]:
            answer = await client.get(path, headers=key)
            return answer.status_code, answer.text

        for key, seen, unseen in (
            (web, ("900", "WEB-ORDER"), ("1,234", "L1", "5,678")),
            (place, ("1,234", "L1"), ("900", "WEB-ORDER", "5,678")),
            (both, ("900", "WEB-ORDER", "1,234", "L1"), ("5,678",)),
        ):
            for path in ("/console/skus/s", "/console/skus/s?location=L2&step=1"):
                status, text = await see(path, key)
                assert status == 200
                assert [word for word in seen if word not in text] == []
                assert [word for word in (*unseen, *SECRETS) if word in text] == []
            assert (await see("/console/skus/elsewhere", key))[0] == 404
            assert (await see("/console/skus?sku=elsewhere", key))[1].count("/console/skus/") == 0
            assert (await see("/console/skus?sku=77", key))[1].count("/console/skus/") == 0

        for path in ("/console/orders", "/console/reservations"):
            status, text = await see(path, web)
            assert (status, "WEB-ORDER" in text, "MARKET-ORDER" in text) == (200, True, False)
            assert "at L1" not in text
            assert (await see(f"{path}?channel=market", web))[0] == 403
            assert (await see(path, place))[0] == 403
        status, text = await see("/console/orders/web/WEB-ORDER", web)
        assert (status, "at L1" in text) == (200, False)
        for name in ("/market/MARKET-ORDER", "?channel=market&name=MARKET-ORDER"):
            assert (await see(f"/console/orders{name}", web))[0] == 403

        sku = "sku?sku=s&days=7"
        async with contextlib.aclosing(parts(client, sku, whole)) as stream:
            assert "5,678" in str(await anext(stream))
            for key, word in ((web, "900"), (place, "1,234")):
                async with contextlib.aclosing(parts(client, sku, key)) as narrowed:
                    told = str(await anext(narrowed))
                assert word in told, "while somebody who may see more looks at the same"
                assert [secret for secret in ("5,678", *SECRETS) if secret in told] == []
        for what, key, status in (
            ("orders", web, 200),
            ("orders", place, 403),
            ("orders?channel=market", web, 403),
            ("order?channel=web&order=WEB-ORDER", web, 200),
            ("order?channel=market&order=MARKET-ORDER", web, 403),
            ("reservations", web, 200),
            ("channel?channel=market", web, 403),
            ("channel", web, 403),
            ("overview", web, 403),
            ("rebuild", both, 403),
            ("overview", whole, 200),
        ):
            async with client.stream("GET", f"/console/live/{what}", headers=key) as answer:
                assert answer.status_code == status, what


async def test_the_pages_are_live_for_who_may_see_everything(
    new_environment: NewEnvironment, postgres: str
) -> None:
    settings = new_environment(topics=False, postgres={"dsn": postgres}, api={"port": free_port()})
    ensure_topic(settings, API_KEYS)
    tables = Reader(settings, httpx.AsyncClient())
    await tables.fill(*stock("s", "L1", 5, 1), given.order_status("web", "1", 1))
    async with api(settings) as client:
        for page, name, word in (
            ("orders", "orders-list", "/console/orders/web/1"),
            ("order?channel=web&order=1", "order-body", "The channel says"),
            ("reservations", "reservations-list", "Nothing is reserved"),
        ):
            async with contextlib.aclosing(parts(client, page)) as stream:
                assert word in (await anext(stream))[name]
        async with contextlib.aclosing(parts(client, "sku?sku=s&days=7")) as stream:
            first = await anext(stream)
            assert ">5<" in first["sku-figures"]
            assert "5 units are on hand" in first["sku-words"]
            await tables.fill(*stock("s", "L2", 7, 2))
            changed: dict[str, str] = {}
            async with asyncio.timeout(20):
                while "sku-places" not in changed:
                    changed |= await anext(stream)
            assert "L2" in changed["sku-places"]
