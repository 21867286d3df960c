"""What the adapter makes of answers to a whole request, and how it signs."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest
from tests.support.woo_adapter import (
    KINDS,
    adapter,
    echo,
    kinds,
    knowing,
    product,
    reply,
    updates,
    write_of,
)

from stockfold.channels import (
    Failure,
    Purpose,
    Response,
    TroubleKind,
)

# What goes wrong as a whole.


@pytest.mark.parametrize(
    "response",
    [
        reply(b"<html>Bad Gateway</html>", 502),
        reply({"code": "internal_server_error", "message": "critical"}, 500),
        reply(b"", 503),
        reply(b"<html>508 Resource Limit Is Reached</html>", 508),
        reply(b"<html>Are you a robot?</html>", 200),
        reply(b"<html>blocked by the firewall</html>", 403),
        reply({"create": []}, 200),
        reply([], 200),
        Failure("timeout", "no answer"),
        Failure("broken", "reset"),
    ],
)
def test_what_does_not_come_from_the_shop_itself_passes(response: Response | Failure) -> None:
    woo = knowing(product(1, "A"), product(2, "B"))
    answer = woo.receive(write_of(woo, *updates("A", "B")), response)
    assert [k for _, k, _ in kinds(answer)] == [KINDS.RETRYABLE, KINDS.RETRYABLE]
    assert all(outcome.whole_request for outcome in answer.outcomes)
    assert answer.trouble is not None
    assert answer.trouble.kind is TroubleKind.UNAVAILABLE


def test_when_nothing_reached_the_shop_nothing_is_counted_against_the_updates() -> None:
    woo = knowing(product(1, "A"))
    answer = woo.receive(write_of(woo, *updates("A")), Failure("connect", "refused"))
    assert answer.outcomes == ()
    assert answer.trouble is not None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"code": "woocommerce_rest_authentication_error", "message": "Invalid timestamp."}),
        (401, b"<html>password please</html>"),
        (403, {"code": "woocommerce_rest_cannot_batch", "message": "Sorry"}),
        (404, {"code": "rest_no_route", "message": "No route"}),
        (404, b"<html>not found</html>"),
        (301, b""),
    ],
)
def test_a_refusal_is_the_channels_trouble_and_says_nothing_of_updates(
    status: int, body: object
) -> None:
    woo = knowing(product(1, "A"))
    answer = woo.receive(write_of(woo, *updates("A")), reply(body, status, location="https://x"))
    assert answer.outcomes == ()
    assert answer.trouble is not None
    assert answer.trouble.kind is TroubleKind.REFUSED


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "0.5"}, 0.5),
        ({"retry_after": "999999"}, 3600.0),
        ({"retry_after": "-1"}, None),
        ({"retry_after": "soon"}, None),
        ({}, None),
        (
            {
                "date": "Sun, 01 Nov 2026 12:00:00 GMT",
                "retry_after": "Sun, 01 Nov 2026 12:00:30 GMT",
            },
            30.0,
        ),
    ],
)
def test_too_fast_names_the_time_to_wait(headers: dict[str, str], wait_s: float | None) -> None:
    woo = knowing(product(1, "A"))
    answer = woo.receive(write_of(woo, *updates("A")), reply(b"slow", 429, **headers))
    assert answer.outcomes == ()
    assert answer.trouble is not None
    assert (answer.trouble.kind, answer.trouble.retry_after_s) == (TroubleKind.LIMITED, wait_s)


def test_a_request_that_the_shop_calls_wrong_is_taken_apart() -> None:
    woo = knowing(product(1, "A"), product(2, "B"))
    body = {"code": "rest_invalid_param", "message": "Invalid parameter"}
    together = woo.receive(write_of(woo, *updates("A", "B")), reply(body, 400))
    assert [k for _, k, _ in kinds(together)] == [KINDS.RETRYABLE, KINDS.RETRYABLE]
    assert together.trouble is None
    alone = woo.receive(write_of(woo, *updates("A")), reply(body, 400))
    assert kinds(alone) == [("A", KINDS.REJECTED, "rest_invalid_param")]


@pytest.mark.parametrize(
    "body", [b"null", b'{"update": 3}', b'[{"id": "x"}]', b"[3]", b"\xff", b""]
)
def test_nothing_that_a_shop_sends_raises(body: bytes) -> None:
    woo = knowing(product(1, "A"))
    for request in (write_of(woo, *updates("A")), woo.probe(updates("B"))):
        assert woo.receive(request, reply(body)).trouble is not None


def test_a_byte_order_mark_before_the_json_is_passed_over() -> None:
    woo = knowing(product(1, "A"))
    request = write_of(woo, *updates("A"))
    body = b"\xef\xbb\xbf" + json.dumps(echo(request)).encode()
    assert kinds(woo.receive(request, reply(body))) == [("A", KINDS.APPLIED, "")]


def test_the_probe_looks_one_sku_up() -> None:
    request = knowing(product(1, "A")).probe(updates("A", "B"))
    assert request.purpose is Purpose.LOOK_UP
    assert [u.sku for u in request.updates] == ["A"]


def test_no_updates_need_no_request() -> None:
    assert adapter().next_request([]) is None


# Credentials.


def test_over_tls_the_key_goes_as_basic() -> None:
    woo = adapter("https://shop.test")
    signed = woo.authorize(woo.probe(updates("A")), 1_800_000_000, "n")
    token = b64encode(b"ck_1:cs_1").decode()
    assert ("authorization", f"Basic {token}") in signed.headers
    assert not any(name.startswith("oauth") for name, _ in signed.params)


def test_over_plain_http_requests_are_signed_and_the_secret_stays_home() -> None:
    woo = adapter("http://shop.test/store/")
    signed = woo.authorize(woo.probe(updates("A")), 1_800_000_000, "n")
    params = dict(signed.params)
    assert params["oauth_signature_method"] == "HMAC-SHA256"
    assert params["oauth_timestamp"] == "1800000000"
    assert "cs_1" not in str(signed)
    assert signed.headers == ()
