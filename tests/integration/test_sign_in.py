"""Signing in with a browser, on a real api, Kafka and provider: sessions and their ends."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from tests.conftest import NewEnvironment
from tests.integration.test_api_keys import api, bearer, create, until
from tests.support.command_line import stockfold
from tests.support.identity_provider import CLIENT, CLIENT_SECRET, PROGRAMS, IdentityProvider

from stockfold.contracts.topics import API_KEYS
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded.ports import free_port
from stockfold.runtime.kafka import ensure_topic
from stockfold.runtime.settings import Settings
from stockfold_services.api.sign_in import callers

pytestmark = pytest.mark.integration

SIGN_IN = "/console/sign-in"
PER_S = 20
HTML = {"accept": "text/html"}


@pytest.fixture(scope="module")
def idp() -> Iterator[IdentityProvider]:
    with IdentityProvider() as provider:
        yield provider


@pytest.fixture(autouse=True)
def _as_it_was(idp: IdentityProvider) -> None:
    idp.roles, idp.claims, idp.answers = ["stockfold-support"], {}, {}


@pytest.fixture(scope="module")
def settings(new_environment: NewEnvironment, postgres: str, idp: IdentityProvider) -> Settings:
    port = free_port()
    made = new_environment(
        topics=False,
        postgres={"dsn": postgres},
        api={"port": port},
        sign_in={
            "public_url": f"http://127.0.0.1:{port}",
            "session_s_max": 3_600,
            "idle_s_max": 600,
            "session_secret": "0123456789abcdef0123456789abcdef",
        },
        oidc={
            "issuer": idp.issuer,
            "client_id": CLIENT,
            "client_secret": CLIENT_SECRET,
            "audience": PROGRAMS,
            "requests_per_s": PER_S,
        },
    )
    ensure_topic(made, API_KEYS)
    return made


@pytest.fixture(scope="module")
async def served(settings: Settings) -> AsyncIterator[str]:
    async with api(settings) as client:
        yield str(client.base_url)


@pytest.fixture(scope="module")
async def token(settings: Settings, served: str) -> str:
    """The key of an engineer."""
    made = await create(settings, "--role", "engineer")
    async with browser(served) as client:
        await until(client, "/contracts", 200, headers=bearer(made))
    return made


@asynccontextmanager
async def browser(url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Keeps cookies, asks for pages, and says where its forms are from."""
    headers = {**HTML, "origin": url, "sec-fetch-site": "same-origin"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client:
        yield client


async def with_key(client: httpx.AsyncClient, key: str, to: str = "/contracts") -> httpx.Response:
    return await client.post(SIGN_IN, data={"key": key, "to": to})


async def at_provider(client: httpx.AsyncClient, to: str = "/contracts") -> httpx.Response:
    """Leave for the provider; where it leads back to, not followed yet."""
    leaving = await client.get(f"{SIGN_IN}/oidc", params={"to": to})
    assert leaving.status_code == 303, leaving.text
    async with httpx.AsyncClient() as elsewhere:
        return await elsewhere.get(leaving.headers["location"])


async def by_provider(client: httpx.AsyncClient, to: str = "/contracts") -> httpx.Response:
    return await client.get((await at_provider(client, to)).headers["location"])


def csrf_of(page: httpx.Response) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page.text)
    assert found is not None, page.text
    return found[1]


async def test_a_person_without_a_session_is_led_to_sign_in_and_back(
    served: str, token: str
) -> None:
    async with browser(served) as client:
        refused = await client.get("/contracts?a=1&b=2")
        assert refused.status_code == 303
        where = urlsplit(refused.headers["location"])
        assert (where.path, dict(parse_qsl(where.query))) == (SIGN_IN, {"to": "/contracts?a=1&b=2"})
        page = await client.get(refused.headers["location"])
        assert "Sign in with your organisation" in page.text
        signed = await with_key(client, token, "/contracts?a=1&b=2")
        assert (signed.status_code, signed.headers["location"]) == (303, "/contracts?a=1&b=2")
        assert "Sign out shop" in (await client.get("/contracts")).text
        # A program is told, and led nowhere.
    async with httpx.AsyncClient(base_url=served) as program:
        told = await program.get("/contracts")
        assert (told.status_code, told.headers["content-type"]) == (401, "application/problem+json")


async def test_a_session_cookie_is_out_of_the_reach_of_scripts_and_plain_text(
    served: str, token: str
) -> None:
    async with browser(served) as client:
        given = (await with_key(client, token)).headers["set-cookie"]
        assert given.startswith("stockfold=")
        assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(given.split("; "))
        assert token not in given
        # Anywhere but on this machine it goes over TLS alone, and no other host can set it.
        headers = {"host": "stock.example", "origin": "https://stock.example"}
        given = (await client.post(SIGN_IN, data={"key": token}, headers=headers)).headers
        assert given["set-cookie"].startswith("__Host-stockfold=")
        assert "Secure" in given["set-cookie"].split("; ")


async def test_a_person_signs_in_at_the_provider_and_has_the_role_it_tells(
    served: str, idp: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        async with browser(served) as client:
            signed = await by_provider(client)
            assert (signed.status_code, signed.headers["location"]) == (303, "/contracts")
            page = await client.get("/contracts")
            assert "ada is support, by oidc" in page.text
    assert "'ada' signed in by oidc as support" in caplog.messages
    assert CLIENT_SECRET not in caplog.text


async def test_whoever_has_no_role_does_not_get_in(
    served: str, idp: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    idp.roles = ["payroll"]
    async with browser(served) as client:
        refused = await by_provider(client)
        assert (refused.status_code, "has no role here" in refused.text) == (403, True)
        assert (await client.get("/contracts")).status_code == 303
    assert any("refused: 'ada' has no role" in line for line in caplog.messages)


async def test_the_way_back_is_for_the_browser_that_set_out(served: str) -> None:
    async with browser(served) as victim, browser(served) as attacker:
        theirs = (await at_provider(attacker)).headers["location"]
        # The attacker's own code, planted in another browser.
        assert (await victim.get(theirs)).status_code == 403
        await at_provider(victim)
        assert (await victim.get(theirs)).status_code == 403
        assert (await victim.get("/contracts")).status_code == 303


async def test_a_code_serves_once(served: str) -> None:
    async with browser(served) as client:
        back = (await at_provider(client)).headers["location"]
        way = dict(client.cookies)
        assert (await client.get(back)).status_code == 303
        async with browser(served) as again:
            again.cookies.update({"stockfold-way": way["stockfold-way"]})
            assert (await again.get(back)).status_code == 403


@pytest.mark.parametrize(
    ("answers", "claims"),
    [
        ({"state": "x"}, {}),
        ({"code": "stolen"}, {}),
        ({"iss": "https://elsewhere.example"}, {}),
        ({}, {"nonce": "x"}),
        ({}, {"nonce": None}),
        ({}, {"aud": "another-client"}),
        ({}, {"aud": [CLIENT, "another"], "azp": "another"}),
        ({}, {"exp": 1}),
    ],
)
async def test_a_way_back_that_was_bent_leads_nowhere(
    served: str, idp: IdentityProvider, answers: dict[str, str], claims: dict[str, Any]
) -> None:
    idp.answers, idp.claims = answers, claims
    async with browser(served) as client:
        refused = await by_provider(client)
        assert refused.status_code == 403
        assert "stockfold" not in client.cookies


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/console/\\evil.example",
        "/consolex",
        "javascript:alert(1)",
        "/console/\r\nset-cookie: a=b",
        "",
    ],
)
async def test_signing_in_leads_to_our_own_pages_alone(served: str, token: str, to: str) -> None:
    async with browser(served) as client:
        assert (await with_key(client, token, to)).headers["location"] == "/console/"
        assert (await by_provider(client, to)).headers["location"] == "/console/"


async def test_signing_in_begins_a_new_session_and_ends_the_one_before(
    served: str, token: str
) -> None:
    async with browser(served) as client:
        planted = {"cookie": "stockfold=planted"}
        await client.post(SIGN_IN, data={"key": token}, headers=planted)
        first = client.cookies["stockfold"]
        assert first != "planted"
        await by_provider(client)
        assert client.cookies["stockfold"] != first
        async with browser(served) as old:
            old.cookies.set("stockfold", first)
            assert (await old.get("/contracts")).status_code == 303


async def test_a_session_that_was_signed_out_is_over_for_whoever_kept_its_cookie(
    served: str, token: str
) -> None:
    async with browser(served) as client:
        await with_key(client, token)
        kept = client.cookies["stockfold"]
        csrf = csrf_of(await client.get("/contracts"))
        assert (await client.post("/console/sign-out", data={"a": ""})).status_code == 403
        answer = await client.post("/console/sign-out", data={"csrf": csrf})
        assert (answer.status_code, "stockfold" in client.cookies) == (303, False)
        client.cookies.set("stockfold", kept)
        assert (await client.get("/contracts")).status_code == 303


@pytest.mark.parametrize(
    "mend", [lambda c: c[:-1] + ("10"[c[-1] == "1"]), lambda c: "a" + c, lambda c: c[1:]]
)
async def test_a_session_cannot_be_made_or_changed(served: str, token: str, mend: Any) -> None:
    async with browser(served) as client:
        await with_key(client, token)
        kept = client.cookies["stockfold"]
        client.cookies.clear()
        client.cookies.set("stockfold", mend(kept))
        assert (await client.get("/contracts")).status_code == 303


async def test_a_session_ends_by_itself_when_idle_and_in_any_case(
    served: str, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    began_us = SYSTEM_CLOCK.now_us()
    later_s = 0
    monkeypatch.setattr(callers.Callers, "now_s", lambda _: began_us // 1_000_000 + later_s)
    async with browser(served) as client:
        await with_key(client, token)
        while later_s < 3_300:
            later_s += 300
            answer = await client.get("/contracts")
            assert (answer.status_code, "set-cookie" in answer.headers) == (200, True)
        later_s = 3_601
        assert (await client.get("/contracts")).status_code == 303
        await with_key(client, token)
        later_s += 601
        assert (await client.get("/contracts")).status_code == 303
        # A page that keeps itself live is nobody who looks.
        await with_key(client, token)
        later_s += 300
        live = await client.get("/console/live/none")
        assert (live.status_code, "set-cookie" in live.headers) == (404, False)


async def test_the_session_of_a_withdrawn_key_is_over(settings: Settings, served: str) -> None:
    made = await create(settings, "--role", "viewer")
    async with browser(served) as client:
        await until(client, "/contracts", 200, headers=bearer(made))
        await with_key(client, made)
        assert (await client.get("/contracts")).status_code == 200
        key_id = made.split("_")[1]
        await asyncio.to_thread(stockfold, settings, "keys", "revoke", key_id, "--yes")
        await until(client, "/contracts", 303)


async def test_a_page_of_another_site_signs_nobody_in(served: str, token: str) -> None:
    async with browser(served) as client:
        headers = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
        answer = await client.post(SIGN_IN, data={"key": token}, headers=headers)
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


async def test_a_key_that_is_none_is_said_and_its_text_is_nowhere(
    served: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with browser(served) as client:
        answer = await with_key(client, "sfk_0123456789ab_thisisasecretnobodyshallsee")
    assert (answer.status_code, "Key not known" in answer.text) == (401, True)
    assert "thisisasecret" not in answer.text + caplog.text
    assert any(line.startswith("refused: sign-in") for line in caplog.messages)


async def test_a_program_asks_with_a_token_of_the_provider(
    served: str, idp: IdentityProvider
) -> None:
    async with httpx.AsyncClient(base_url=served) as client:
        good = await client.get("/contracts", headers=bearer(idp.token()))
        assert good.status_code == 200
        id_token = idp.token(CLIENT)
        for bad in (id_token, idp.token(exp=1), "a.b.c"):
            refused = await client.get("/contracts", headers=bearer(bad))
            assert refused.status_code == 401
            assert bad not in refused.text
        nobody = await client.get("/contracts", headers=bearer(idp.token(roles=[])))
        assert nobody.status_code == 403


async def test_a_person_of_the_provider_has_a_rate_of_their_own(
    served: str, idp: IdentityProvider
) -> None:
    idp.claims = {"preferred_username": "hurried"}
    hurried = bearer(idp.token())
    idp.claims = {"preferred_username": "calm"}
    calm = bearer(idp.token())
    async with browser(served) as client:
        asked = [client.get("/v1/runbooks", headers=hurried) for _ in range(10 * PER_S)]
        answers = await asyncio.gather(*asked)
        refused = [answer for answer in answers if answer.status_code == 429]
        assert {answer.status_code for answer in answers} == {200, 429}
        assert refused[0].headers["retry-after"] == "1"
        assert (await client.get("/v1/runbooks", headers=calm)).status_code == 200
        idp.claims = {"preferred_username": "hurried"}
        in_a_browser = await by_provider(client)
        assert in_a_browser.status_code == 303
        asked = [client.get("/v1/runbooks") for _ in range(10 * PER_S)]
        told = [answer.status_code for answer in await asyncio.gather(*asked)]
        assert 429 in told, "signed in by the same provider, the same person"


async def test_basic_is_for_looking_alone(served: str, token: str) -> None:
    async with httpx.AsyncClient(base_url=served, auth=("any", token)) as client:
        assert (await client.get("/contracts")).status_code == 200
        headers = {"origin": served, "sec-fetch-site": "same-origin"}
        answer = await client.post("/console/sign-out", data={"csrf": ""}, headers=headers)
        assert (answer.status_code, answer.json()["title"]) == (403, "Not signed in")
