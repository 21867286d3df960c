"""Who the demo shop lets in. The signatures here are oauthlib's, neither the shop's nor ours."""

from __future__ import annotations

import httpx
import pytest
from oauthlib.oauth1 import Client
from tests.support.woo_shop import Shop, create_app

NOW = 1_800_000_000
URL = "http://shop.test/wp-json/wc/v3/products?sku=A%2CB%20C&per_page=100"


def shop(permissions: str = "read_write") -> Shop:
    shop = Shop(permissions=permissions, now_s=lambda: NOW)
    shop.add_products(["A"])
    return shop


def signed(
    url: str = URL,
    *,
    secret: str = "cs_test",
    key: str = "ck_test",
    method: str = "HMAC-SHA256",
    timestamp: int = NOW,
    nonce: str = "n1",
    verb: str = "GET",
) -> str:
    client = Client(
        key,
        client_secret=secret,
        signature_method=method,
        signature_type="QUERY",
        timestamp=str(timestamp),
        nonce=nonce,
    )
    return client.sign(url, http_method=verb)[0]


async def ask(shop: Shop, url: str, verb: str = "GET", **options: object) -> httpx.Response:
    transport = httpx.ASGITransport(create_app(shop))
    async with httpx.AsyncClient(transport=transport) as client:
        return await client.request(verb, url, **options)


async def code(shop: Shop, url: str, **options: object) -> str:
    response = await ask(shop, url, **options)
    assert response.status_code == 401
    return response.json()["code"] + ": " + response.json()["message"]


@pytest.mark.parametrize("method", ["HMAC-SHA256", "HMAC-SHA1"])
async def test_a_signed_request_comes_in_over_plain_http(method: str) -> None:
    assert (await ask(shop(), signed(method=method))).status_code == 200


async def test_a_json_body_is_not_signed() -> None:
    url = "http://shop.test/wp-json/wc/v3/products/batch"
    response = await ask(shop(), signed(url, verb="POST"), "POST", json={"update": []})
    assert response.status_code == 200


async def test_a_bad_signature_is_refused() -> None:
    assert "signature does not match" in await code(shop(), signed(secret="cs_other"))


async def test_a_parameter_changed_after_signing_is_refused() -> None:
    tampered = signed().replace("per_page=100", "per_page=99")
    assert "signature does not match" in await code(shop(), tampered)


async def test_an_unknown_key_is_refused() -> None:
    assert "Consumer key is invalid" in await code(shop(), signed(key="ck_other"))


@pytest.mark.parametrize("offset_s", [-901, 901])
async def test_a_timestamp_beyond_fifteen_minutes_is_refused(offset_s: int) -> None:
    assert "Invalid timestamp" in await code(shop(), signed(timestamp=NOW + offset_s))


async def test_a_timestamp_within_fifteen_minutes_is_taken() -> None:
    assert (await ask(shop(), signed(timestamp=NOW - 899))).status_code == 200


async def test_a_nonce_is_taken_once() -> None:
    one = shop()
    assert (await ask(one, signed(nonce="again"))).status_code == 200
    assert "Invalid nonce" in await code(one, signed(nonce="again"))
    assert (await ask(one, signed(nonce="other"))).status_code == 200


async def test_no_credentials_are_refused() -> None:
    assert "cannot_view" in await code(shop(), URL)


async def test_some_parameters_missing_are_named() -> None:
    answer = await code(shop(), URL + "&oauth_consumer_key=ck_test")
    assert "missing_parameter" in answer
    assert "oauth_nonce" in answer


async def test_basic_counts_only_where_the_shop_believes_in_tls() -> None:
    auth = ("ck_test", "cs_test")
    assert "cannot_view" in await code(shop(), URL, auth=auth)
    proxied = await ask(shop(), URL, auth=auth, headers={"x-forwarded-proto": "https"})
    assert proxied.status_code == 200
    over_tls = await ask(shop(), URL.replace("http:", "https:"), auth=auth)
    assert over_tls.status_code == 200


async def test_over_tls_the_key_may_stand_in_the_query() -> None:
    url = URL.replace("http:", "https:") + "&consumer_key=ck_test&consumer_secret=cs_test"
    assert (await ask(shop(), url)).status_code == 200


async def test_a_wrong_secret_over_tls_is_refused() -> None:
    url = URL.replace("http:", "https:")
    assert "Consumer secret is invalid" in await code(shop(), url, auth=("ck_test", "cs_no"))


async def test_a_key_that_may_only_read_cannot_write() -> None:
    reader = shop("read")
    assert (await ask(reader, signed())).status_code == 200
    url = signed("http://shop.test/wp-json/wc/v3/products/batch", verb="POST", nonce="n2")
    response = await ask(reader, url, "POST", json={"update": []})
    assert response.status_code == 401
    assert response.json()["code"] == "woocommerce_rest_authentication_error"
