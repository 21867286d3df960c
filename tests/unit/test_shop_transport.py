"""What goes over the wire for adapters that need more than a signed request to a path."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.telling import Telling, telling

from stockfold.channels import Failure, Purpose, Request, Response
from stockfold.runtime.channel_adapters import adapter_of
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.rate_budgets import Budgets
from stockfold.runtime.redaction import MASK, redacted
from stockfold.runtime.settings import ChannelSettings
from stockfold.runtime.shop_http import Transport

pytestmark = pytest.mark.usefixtures("tiny")

TOKEN = "token-that-nobody-shall-see"
OK = (200, {}, b"{}")


def granted(lasts_s: int = 3_600, token: str = TOKEN) -> tuple[int, dict[str, str], bytes]:
    return 200, {}, json.dumps({"token": token, "lasts_s": lasts_s}).encode()


def channel(url: str, **options: Any) -> ChannelSettings:
    return ChannelSettings(
        name="tiny-de",
        kind="tiny",
        url=url,
        options={"seller": "A1", **options},
        credentials={"client_secret": "env:TINY_SECRET"},
    )


def transport(url: str, **options: Any) -> Transport:
    settings = channel(url, **options)
    return Transport(settings, adapter_of(settings), SYSTEM_CLOCK)


def get(path: str = "/stock", **more: Any) -> Request:
    return Request(Purpose.LOOK_UP, "GET", path, (), **more)


@pytest.fixture
def elsewhere() -> Iterator[Telling]:
    with telling([(302, {"Location": "/further", "Set-Cookie": "a=1"}, b"moved")]) as told:
        yield told


async def test_a_body_is_sent_as_it_is() -> None:
    body = b"sku;quantity\r\nA;1\r\n"
    headers = (("content-type", "text/csv"),)
    with telling([granted(), OK]) as shop:
        async with transport(shop.url) as it:
            await it.perform(Request(Purpose.WRITE, "PUT", "/s", (), headers=headers, body=body))
    assert shop.bodies[1] == body
    assert shop.heads[1]["content-type"] == "text/csv"


async def test_where_the_channel_tells_us_to_go_gets_no_credentials_and_leads_nowhere(
    elsewhere: Telling,
) -> None:
    with telling([granted(), (200, {"Set-Cookie": "session=hush"}, b"{}")]) as shop:
        async with transport(shop.url) as it:
            await it.perform(get())
            told = get("", url=f"{elsewhere.url}/document?signature=x")
            answers = [await it.perform(told), await it.perform(told)]
    assert [a.status for a in answers if isinstance(a, Response)] == [302, 302]
    assert elsewhere.paths == ["/document?signature=x"] * 2
    for head in elsewhere.heads:
        assert "authorization" not in head
        assert "session" not in head.get("cookie", "")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://shop.example/document", "not https"),
        ("ftp://shop.example/document", "not https"),
        ("https://user:pass@shop.example/", "with a user"),
        ("https:///document", "without a host"),
        ("https://[::1", "no address"),
        ("https://127.0.0.1/document", "this machine"),
        ("https://[::ffff:10.0.0.7]/", "a private address"),
        ("https://10.0.0.7/document", "a private address"),
        ("https://169.254.169.254/latest/meta-data", "keep their credentials"),
        ("https://localhost:1/document", "no connection"),
    ],
)
async def test_a_channel_sends_us_to_no_machine_of_ours(url: str, why: str) -> None:
    async with transport("https://tiny.example") as it:
        answer = await it.perform(get("", url=url))
    assert isinstance(answer, Failure)
    assert answer.code == "connect"
    assert why in answer.detail
    assert "pass@" not in answer.detail


async def test_a_name_that_a_channel_tells_is_checked_where_it_leads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with telling([OK]) as here:
        port = here.url.rpartition(":")[2]
        async with transport("https://tiny.example") as it:
            answer = await it.perform(get("", url=f"https://localhost:{port}/document"))
    assert isinstance(answer, Failure)
    assert "localhost leads to 127.0.0.1, this machine; nothing was sent" in answer.detail
    assert here.paths == []


async def test_credentials_are_asked_for_once_by_requests_that_go_at_once() -> None:
    with telling([granted(), OK]) as shop:
        async with transport(shop.url) as it:
            await asyncio.gather(*(it.perform(get()) for _ in range(8)))
    assert shop.paths == ["/token", *["/stock"] * 8]
    assert {head["authorization"] for head in shop.heads[1:]} == {f"Bearer {TOKEN}"}
    assert json.loads(shop.bodies[0]) == {"secret": "hush-tiny", "seller": "A1"}


async def test_credentials_are_renewed_before_they_end() -> None:
    answers = [granted(lasts_s=3, token="the-first-one"), OK, granted(token="the-second-one"), OK]
    with telling(answers) as shop:
        async with transport(shop.url) as it:
            await it.perform(get())
            await asyncio.sleep(1.1)
            await it.perform(get())
    assert shop.paths == ["/token", "/stock", "/token", "/stock"]
    assert shop.heads[3]["authorization"] == "Bearer the-second-one"


async def test_without_new_credentials_nothing_is_sent_to_the_channel() -> None:
    with telling([(401, {}, b"the secret is wrong")]) as shop:
        async with transport(shop.url) as it:
            answer = await it.perform(get())
    assert isinstance(answer, Failure)
    assert answer.code == "credentials"
    assert shop.paths == ["/token"]


async def test_a_token_endpoint_that_is_down_says_nothing_about_the_credentials() -> None:
    with telling([(503, {}, b""), granted(), OK]) as shop:
        async with transport(shop.url) as it:
            first, second = await it.perform(get()), await it.perform(get())
    assert isinstance(first, Failure)
    assert first.code == "connect"
    assert isinstance(second, Response)


async def test_no_token_is_in_what_a_channel_quotes_and_the_old_ones_are_forgotten() -> None:
    quoting = (400, {}, f"what is {TOKEN}?".encode())
    answers = [granted(lasts_s=2), quoting, granted(token="another-one-of-them"), OK]
    with telling(answers) as shop:
        async with transport(shop.url) as it:
            answer = await it.perform(get())
            assert redacted(TOKEN) == MASK
            await it.perform(get())
    assert isinstance(answer, Response)
    assert answer.body == f"what is {MASK}?".encode()
    assert redacted("another-one-of-them") == MASK
    assert redacted(TOKEN) == TOKEN


async def test_a_request_waits_for_the_budget_of_its_account() -> None:
    with telling([granted(), OK, granted(), OK]) as shop:
        one, other = channel(shop.url, per_s=4.0, burst=1.0), channel(shop.url, per_s=4.0, burst=1)
        budgets = Budgets(SYSTEM_CLOCK)
        async with (
            Transport(one, adapter_of(one), SYSTEM_CLOCK, budget=budgets.of("one")) as first,
            Transport(other, adapter_of(other), SYSTEM_CLOCK, budget=budgets.of("two")) as second,
        ):
            await first.perform(get())
            assert 0.0 < second.wait_s(get()) <= 0.25
            began_s = time.monotonic()
            await asyncio.gather(second.perform(get()), first.perform(get()))
            took_s = time.monotonic() - began_s
    assert took_s >= 0.4, "three requests at four a second, of which the first was free"


async def test_a_budget_that_is_used_up_for_long_holds_no_request() -> None:
    with telling([granted(), OK]) as shop:
        async with transport(shop.url, per_s=0.01, burst=1.0) as it:
            await it.perform(get())
            answer = await it.perform(get())
            assert 90 < it.wait_s(get()) <= 100, "what was not sent is not counted"
    assert isinstance(answer, Failure)
    assert answer.code == "connect"
    assert shop.paths == ["/token", "/stock"]
