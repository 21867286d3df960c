"""Short words for tests of the HTTP channel, and a loop that runs its adapter on a receiver."""

from __future__ import annotations

from typing import Any

import msgspec

from stockfold.channels import (
    Answer,
    Failure,
    OutcomeKind,
    Request,
    Response,
    StockUpdate,
)
from stockfold.channels.conformance import Sent
from stockfold.channels.http import HttpChannel
from stockfold.channels.http.fake import HttpReceiver
from stockfold.channels.http.options import HttpOptions

SECRET = HttpReceiver.credentials["secret"]
NOW_S = 1_800_000_000
ROUNDS_MAX = 200


def adapter(secret: str = SECRET, *, reads: bool = False, **options: Any) -> HttpChannel:
    """An adapter; unless it ``reads`` first, all it does is write."""
    settings = HttpOptions.model_validate({"reads": reads, **options})
    locations = dict(HttpReceiver.locations)
    return HttpChannel("own", "https://receiver.example", lambda: secret, settings, locations)


def updates(
    *skus: str, quantity: int = 5, version: int = 1, failures: int = 0
) -> list[StockUpdate]:
    return [StockUpdate(sku, quantity, version, failures) for sku in skus]


def written(channel: HttpChannel, *due: StockUpdate) -> Request:
    request = channel.next_request(due)
    assert request is not None
    return request


def body_of(request: Request) -> Any:
    assert request.body is not None
    return msgspec.json.decode(request.body)


def reply(status: int, body: Any = None, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    raw = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
    return Response(status, named, raw)


def kinds(answer: Answer) -> list[tuple[str, OutcomeKind, str]]:
    return [(one.update.sku, one.kind, one.code) for one in answer.outcomes]


def sent(channel: HttpChannel, request: Request, receiver: HttpReceiver, nonce: str = "n") -> Sent:
    signed = channel.authorize(request, int(receiver.now_s), nonce)
    headers = {name.lower(): value for name, value in signed.headers}
    return Sent(signed.method, receiver.url + signed.path, headers, signed.body or b"")


def ask(channel: HttpChannel, request: Request, receiver: HttpReceiver, nonce: str = "n") -> Answer:
    """One request to the receiver, and what the adapter makes of the answer."""
    response = receiver.answer(sent(channel, request, receiver, nonce))
    return channel.receive(request, response or Failure("timeout", "no answer in time"))


def publish(
    channel: HttpChannel, receiver: HttpReceiver, *wanted: StockUpdate
) -> dict[str, OutcomeKind]:
    """Offer updates until each has its last outcome, as the publisher does."""
    due = {one.sku: one for one in wanted}
    done: dict[str, OutcomeKind] = {}
    for number in range(ROUNDS_MAX):
        if not due:
            return done
        answer = ask(channel, written(channel, *due.values()), receiver, f"n{number}")
        receiver.advance(1.0)
        for one in answer.outcomes:
            if one.kind is OutcomeKind.RETRYABLE:
                failures = one.update.failures + one.whole_request
                due[one.update.sku] = msgspec.structs.replace(one.update, failures=failures)
            elif one.kind is OutcomeKind.ACCEPTED:
                receiver.advance(one.retry_after_s or 0.0)
            else:
                done[one.update.sku] = one.kind
                del due[one.update.sku]
    raise AssertionError(f"{len(due)} updates are left after {ROUNDS_MAX} requests")
