"""Messages of the HTTP channel are signed as Standard Webhooks has it; its own library says so."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from tests.support.http_channel import (
    NOW_S,
    SECRET,
    adapter,
    ask,
    reply,
    sent,
    updates,
    written,
)

from stockfold.channels import Failure, Request
from stockfold.channels.http.adapter import UNCLEAR_MAX, HttpChannel
from stockfold.channels.http.fake import HttpReceiver
from stockfold.channels.http.options import HttpOptions
from stockfold.channels.http.signing import keys_of, signature
from stockfold.domain.errors import SettingsError

OLD = f"whsec_{base64.b64encode(b'o' * 32).decode()}"
NEW = f"whsec_{base64.b64encode(b'n' * 32).decode()}"


def headers_of(request: Request, names: tuple[str, ...] = ()) -> dict[str, str]:
    return {name: value for name, value in request.headers if not names or name in names}


def signed(channel: HttpChannel, request: Request, nonce: str = "1") -> dict[str, str]:
    return headers_of(channel.authorize(request, int(time.time()), nonce))


def test_the_reference_library_finds_our_signature_genuine() -> None:
    channel = adapter()
    request = written(channel, *updates("Größe-L", "🧦"))
    assert request.body is not None
    told = Webhook(SECRET).verify(request.body, signed(channel, request))
    assert [item["sku"] for item in told["data"]["items"]] == ["Größe-L", "🧦"]


def test_the_reference_library_finds_a_changed_body_or_another_secret_out() -> None:
    channel = adapter()
    request = written(channel, *updates("A"))
    assert request.body is not None
    headers = signed(channel, request)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(request.body, headers)


def test_the_example_of_the_specification_is_signed_as_it_says() -> None:
    """Of the specification's own libraries: secret, id, time, body and signature."""
    keys = keys_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "here")
    body = b'{"test": 2432232314}'
    made = signature(keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_while_a_secret_is_replaced_a_message_is_signed_with_both() -> None:
    channel = adapter(f"{NEW}\n{OLD}\n")
    request = written(channel, *updates("A"))
    assert request.body is not None
    headers = signed(channel, request)
    assert headers["webhook-signature"].count("v1,") == 2
    Webhook(OLD).verify(request.body, headers)
    Webhook(NEW).verify(request.body, headers)


def test_a_secret_that_was_replaced_signs_the_next_message() -> None:
    given = [OLD]
    channel = HttpChannel("own", "https://r.example", lambda: given[0], HttpOptions(), {})
    request = written(channel, *updates("A"))
    assert request.body is not None
    given[0] = NEW
    Webhook(NEW).verify(request.body, signed(channel, request))
    given[0] = "half of a sec"
    Webhook(NEW).verify(request.body, signed(channel, request))


@pytest.mark.parametrize(
    "secret",
    ["", "  ", "whsec_", "whsec_c2hvcnQ=", "hunter2!", " ".join([OLD] * 5), f"{OLD} x"],
)
def test_what_is_no_secret_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(SettingsError) as refused:
        adapter(secret)
    assert "channel own" in str(refused.value)
    for word in secret.split():
        assert word in ("whsec_", "x") or word not in str(refused.value)


def test_headers_can_have_other_names() -> None:
    channel = adapter(id_header="x-id", timestamp_header="x-time", signature_header="x-sign")
    headers = headers_of(channel.authorize(written(channel, *updates("A")), NOW_S, "1"))
    assert (headers["x-id"], headers["x-time"]) == ("msg_1", str(NOW_S))
    assert headers["x-sign"].startswith("v1,")
    assert not any(name.startswith("webhook") for name in headers)


# The id tells repeats.


def id_of(channel: HttpChannel, request: Request, nonce: str) -> str:
    return headers_of(channel.authorize(request, NOW_S, nonce))["webhook-id"]


@pytest.mark.parametrize("unclear", [Failure("timeout", ""), reply(502), reply(200, b"<html>")])
def test_a_message_whose_fate_is_unclear_goes_out_again_under_its_id(unclear: Any) -> None:
    channel = adapter()
    first = written(channel, *updates("A"))
    assert id_of(channel, first, "1") == "msg_1"
    channel.receive(first, unclear)
    assert id_of(channel, written(channel, *updates("A", failures=1)), "2") == "msg_1"


def test_what_was_answered_and_is_meant_once_more_is_a_message_of_its_own() -> None:
    channel = adapter()
    request = written(channel, *updates("A"))
    assert id_of(channel, request, "1") == "msg_1"
    channel.receive(request, reply(200))
    assert id_of(channel, written(channel, *updates("A")), "2") == "msg_2"


def test_other_content_is_another_message() -> None:
    channel = adapter()
    id_of(channel, written(channel, *updates("A")), "1")
    assert id_of(channel, written(channel, *updates("A", version=2)), "2") == "msg_2"


def test_what_was_unclear_is_meant_anew_once_something_else_was_said_of_its_sku() -> None:
    channel = adapter()
    first = written(channel, *updates("A", "B", quantity=5))
    id_of(channel, first, "1")
    channel.receive(first, Failure("timeout", ""))
    zero = written(channel, *updates("A", quantity=0))
    id_of(channel, zero, "2")
    channel.receive(zero, Failure("timeout", ""))
    assert id_of(channel, written(channel, *updates("A", "B", quantity=5)), "3") == "msg_3"


def test_only_so_many_ids_are_kept() -> None:
    channel = adapter()
    first = written(channel, *updates("first"))
    id_of(channel, first, "first")
    for number in range(UNCLEAR_MAX):
        id_of(channel, written(channel, *updates(f"SKU-{number}")), str(number))
    assert id_of(channel, first, "again") == "msg_again"


# The receiver in memory is as strict.


def test_the_receiver_takes_nothing_unsigned_changed_or_old() -> None:
    channel, receiver = adapter(), HttpReceiver()
    receiver.list("A")
    genuine = sent(channel, written(channel, *updates("A")), receiver)
    for wrong in (
        {"webhook-id": "msg_other"},
        {"webhook-timestamp": str(NOW_S + 1)},
        {"webhook-timestamp": "now"},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": ""},
        {"webhook-signature": genuine.headers["webhook-signature"].replace("v1,", "v1a,")},
    ):
        headers = {**genuine.headers, **wrong}
        answer = receiver.answer(type(genuine)(genuine.method, genuine.url, headers, genuine.body))
        assert answer is not None
        assert answer.status == 401
    receiver.advance(301)
    answer = receiver.answer(genuine)
    assert answer is not None
    assert answer.status == 401
    assert receiver.writes == ()


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"method": "PUT"}, 405),
        ({"path": "/elsewhere"}, 404),
    ],
)
def test_the_receiver_takes_messages_at_one_address(changed: dict[str, Any], status: int) -> None:
    channel, receiver = adapter(**changed), HttpReceiver()
    answer = receiver.answer(sent(channel, written(channel, *updates("A")), receiver))
    assert answer is not None
    assert answer.status == status


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"type":"stockfold.availability.v1","data":{"channel":"own","items":[],"more":1}}',
        b'{"type":"stockfold.availability.v2","data":{"channel":"own","items":[]}}',
        b'{"type":"stockfold.availability.v1","data":{"channel":"own","items":[{"sku":"A"}]}}',
    ],
)
def test_the_receiver_takes_no_other_message(body: bytes) -> None:
    channel, receiver = adapter(), HttpReceiver()
    request = Request(
        written(channel, *updates("A")).purpose,
        "POST",
        "/stockfold",
        (),
        headers=(("content-type", "application/json"),),
        body=body,
    )
    answer = receiver.answer(sent(channel, request, receiver))
    assert answer is not None
    assert answer.status == 400


def test_an_older_version_never_overwrites_a_newer_one() -> None:
    channel, receiver = adapter(), HttpReceiver()
    receiver.list("A")
    ask(channel, written(channel, *updates("A", quantity=1, version=3)), receiver)
    answer = ask(channel, written(channel, *updates("A", quantity=9, version=2)), receiver)
    assert [(one.kind.value, one.code) for one in answer.outcomes] == [("rejected", "stale")]
    assert receiver.shows("A") == 1


def test_of_one_version_the_message_that_was_sent_last_counts() -> None:
    channel, receiver = adapter(), HttpReceiver()
    receiver.list("A")
    late = sent(channel, written(channel, *updates("A", quantity=5)), receiver, "1")
    receiver.advance(2)
    ask(channel, written(channel, *updates("A", quantity=0)), receiver, "2")
    answer = receiver.answer(late)
    assert answer is not None
    assert b'"stale"' in answer.body
    assert receiver.shows("A") == 0
