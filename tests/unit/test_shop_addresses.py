"""What we send to a shop goes to that shop: no redirect, no name and no scheme leads elsewhere."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from tests.support.telling import telling

from stockfold.channels import Failure, Purpose, Request, Response
from stockfold.runtime import shop_http
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.secret import SecretRef
from stockfold.runtime.settings import ChannelSettings
from stockfold.runtime.shop_addresses import forbidden
from stockfold.runtime.shop_http import Transport, woocommerce

SECRET = "cs_nobody-elses-business"


def channel(url: str, **more: Any) -> ChannelSettings:
    return ChannelSettings(
        name="woo",
        kind="woocommerce",
        url=url,
        consumer_key=SecretRef("ck_nobody-elses-business"),
        consumer_secret=SecretRef(SECRET),
        **more,
    )


async def asked(shop: ChannelSettings) -> Response | Failure:
    async with Transport(shop, woocommerce(shop), SYSTEM_CLOCK) as transport:
        return await transport.perform(Request(Purpose.READ, "GET", "/wp-json/wc/v3/products", ()))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_shops_redirect_is_not_followed(status: int) -> None:
    with telling([(200, {}, b"[]")]) as elsewhere:
        with telling([(status, {"Location": f"{elsewhere.url}/steal"}, b"")]) as shop:
            answer = await asked(channel(shop.url))
        assert isinstance(answer, Response)
        assert answer.status == status
        assert elsewhere.paths == []


@pytest.mark.parametrize(
    ("host", "written", "private", "may"),
    [
        ("93.184.216.34", False, False, True),
        ("2606:2800:220:1:248:1893:25c8:1946", False, False, True),
        ("127.0.0.1", False, False, False),
        ("127.0.0.1", False, True, False),
        ("127.0.0.1", True, False, True),
        ("::1", False, True, False),
        ("::ffff:127.0.0.1", False, True, False),
        ("10.0.0.7", False, False, False),
        ("10.0.0.7", False, True, True),
        ("10.0.0.7", True, False, True),
        ("192.168.1.1", False, False, False),
        ("::ffff:192.168.1.1", False, False, False),
        ("100.64.0.1", False, False, False),
        ("fd00::1", False, False, False),
        ("fd00::1", False, True, True),
        ("169.254.169.254", True, True, False),
        ("::ffff:169.254.169.254", True, True, False),
        ("fe80::1%eth0", True, True, False),
        ("0.0.0.0", True, True, False),
        ("224.0.0.1", True, True, False),
        ("", False, False, False),
    ],
)
def test_a_name_leads_to_the_internet_or_where_its_operator_said(
    host: str, written: bool, private: bool, may: bool
) -> None:
    assert (forbidden(host, written=written, private=private) == "") is may


async def test_a_name_that_leads_to_this_machine_is_told_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # This machine's own name: an operator wrote a name, and it leads here.
    monkeypatch.setattr("stockfold.runtime.shop_addresses.is_loopback_url", lambda _: False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with telling([(200, {}, b"[]")]) as shop:
        named = channel(shop.url.replace("127.0.0.1", "localhost"))
        answer = await asked(named)
        again = await asked(named.model_copy(update={"private_network": True}))
    for refused in (answer, again):
        assert isinstance(refused, Failure)
        assert "leads to 127.0.0.1, this machine; nothing was sent" in refused.detail
    assert shop.paths == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://shop.example/",
        "ftp://shop.example/",
        "//shop.example",
        "https://",
        "https://user:password@shop.example",
    ],
)
def test_a_channel_is_reached_by_http_alone(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        channel(url)


async def test_an_answer_that_is_small_and_unpacks_to_much_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shop_http, "BODY_BYTES_MAX", 1024 * 1024)
    bomb = gzip.compress(b"\0" * 64 * 1024 * 1024)
    assert len(bomb) < 100_000
    with telling([(200, {"Content-Encoding": "gzip"}, bomb)]) as shop:
        answer = await asked(channel(shop.url))
    assert isinstance(answer, Failure)
    assert answer.code == "too_large"
