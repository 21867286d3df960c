"""Who may come in: one test for each fact."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from oauthlib.oauth1 import Client
from tests.support.woo_subject import ROOT, Subject

WINDOW_S = 15 * 60


@pytest.fixture
async def raw() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        yield client


def signed(
    woo: Subject, method: str = "HMAC-SHA256", shift_s: int = 0, nonce: str = "", verb: str = "GET"
) -> str:
    """Signed by another hand than ours."""
    client = Client(
        woo.key,
        client_secret=woo.secret,
        signature_method=method,
        signature_type="QUERY",
        timestamp=str(int(time.time()) + shift_s),
        nonce=nonce or secrets.token_hex(16),
    )
    route = "products?per_page=1" if verb == "GET" else "products/batch"
    url: str = client.sign(woo.url + ROOT + route, http_method=verb)[0]
    return url


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["message"]


def over_tls(woo: Subject) -> dict[str, str]:
    """What a trusted proxy says of a request that reached it over TLS."""
    return {} if woo.url.startswith("https:") else {"x-forwarded-proto": "https"}


@pytest.mark.over_plain_http
@pytest.mark.parametrize("method", ["HMAC-SHA256", "HMAC-SHA1"])
async def test_plain_http_takes_a_signature(
    woo: Subject, raw: httpx.AsyncClient, method: str
) -> None:
    assert (await raw.get(signed(woo, method))).status_code == 200


@pytest.mark.over_plain_http
async def test_plain_http_takes_no_basic(woo: Subject, raw: httpx.AsyncClient) -> None:
    answer = await raw.get(f"{woo.url}{ROOT}products", auth=(woo.key, woo.secret))
    assert answer.status_code == 401


@pytest.mark.over_plain_http
async def test_a_body_is_not_signed(woo: Subject, raw: httpx.AsyncClient) -> None:
    answer = await raw.post(signed(woo, verb="POST"), json={"update": []})
    assert answer.status_code == 200


@pytest.mark.over_plain_http
@pytest.mark.parametrize("shift_s", [-WINDOW_S - 30, WINDOW_S + 30])
async def test_a_time_more_than_fifteen_minutes_off_is_refused(
    woo: Subject, raw: httpx.AsyncClient, shift_s: int
) -> None:
    assert told(await raw.get(signed(woo, shift_s=shift_s))) == (401, "Invalid timestamp.")


@pytest.mark.over_plain_http
async def test_a_nonce_is_taken_once(woo: Subject, raw: httpx.AsyncClient) -> None:
    nonce = secrets.token_hex(16)
    assert (await raw.get(signed(woo, nonce=nonce))).status_code == 200
    status, message = told(await raw.get(signed(woo, nonce=nonce)))
    assert status == 401
    assert "nonce" in message


@pytest.mark.over_tls
async def test_over_tls_basic_is_taken(woo: Subject, raw: httpx.AsyncClient) -> None:
    url = f"{woo.url}{ROOT}products"
    answer = await raw.get(url, auth=(woo.key, woo.secret), headers=over_tls(woo))
    assert answer.status_code == 200


@pytest.mark.over_tls
async def test_over_tls_the_key_may_stand_in_the_query(
    woo: Subject, raw: httpx.AsyncClient
) -> None:
    params = {"consumer_key": woo.key, "consumer_secret": woo.secret}
    answer = await raw.get(f"{woo.url}{ROOT}products", params=params, headers=over_tls(woo))
    assert answer.status_code == 200


async def test_nobody_comes_in_without_a_key(woo: Subject, raw: httpx.AsyncClient) -> None:
    answer = await raw.get(f"{woo.url}{ROOT}products")
    assert answer.status_code == 401
    assert answer.json()["code"] == "woocommerce_rest_cannot_view"
