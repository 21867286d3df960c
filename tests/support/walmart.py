"""An adapter and its imitated Walmart, talking without a network."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from urllib.parse import urlencode

import msgspec

from stockfold.channels import Answer, Failure, Outcome, Request, Response, StockUpdate
from stockfold.channels.conformance import Sent
from stockfold.channels.walmart.access import correlation_id
from stockfold.channels.walmart.adapter import Walmart
from stockfold.channels.walmart.fake import WalmartSubject
from stockfold.channels.walmart.options import WalmartOptions

ASKED_MAX = 100
HEADERS = {
    "wm_svc.name": "Walmart Marketplace",
    "wm_market": "us",
    "wm_global_version": "3.1",
    "accept": "application/json",
}


def over_the_wire(subject: WalmartSubject, request: Request) -> Sent:
    """A signed request as an HTTP client sends it."""
    headers = dict(request.headers)
    body = request.body or b""
    if request.json is not None:
        headers["content-type"] = "application/json"
        body = msgspec.json.encode(request.json)
    query = f"?{urlencode(request.params)}" if request.params else ""
    return Sent(request.method, subject.url + request.path + query, headers, body)


def token(subject: WalmartSubject, form: bytes = b"grant_type=client_credentials") -> Response:
    """The answer of the token endpoint."""
    pair = ":".join(subject.credentials.values())
    headers = {
        **HEADERS,
        "content-type": "application/x-www-form-urlencoded",
        "authorization": f"Basic {b64encode(pair.encode()).decode()}",
        "wm_qos.correlation_id": correlation_id("token"),
    }
    answer = subject.answer(Sent("POST", f"{subject.url}/v3/token", headers, form))
    assert answer is not None
    return answer


def signed(subject: WalmartSubject, request: Request, key: str) -> Sent:
    """A request with all the headers, whoever made it."""
    more = {**HEADERS, "wm_qos.correlation_id": correlation_id("x"), "wm_sec.access_token": key}
    headers = (*request.headers, *more.items())
    return over_the_wire(subject, msgspec.structs.replace(request, headers=headers))


class Talk:
    """What is due of one adapter, and every request and outcome of it."""

    def __init__(self, subject: WalmartSubject, **options: object) -> None:
        self.subject = subject
        self.options = WalmartOptions.model_validate({**subject.options, **options})
        self.asked: list[Request] = []
        self.answers: list[Answer] = []
        self.adapter = self.restarted()

    def restarted(self) -> Walmart:
        """A new adapter, which knows nothing."""
        self.adapter = Walmart(
            self.options, self.subject.credentials.__getitem__, self.subject.locations
        )
        return self.adapter

    def send(self, request: Request) -> Response | Failure:
        """Perform one request, with credentials."""
        now_s = int(self.subject.now_s)
        renewal = self.adapter.renewal(now_s)
        if renewal is not None:
            granted = self.subject.answer(over_the_wire(self.subject, renewal))
            assert granted is not None
            trouble = self.adapter.renewed(granted, now_s)
            if trouble is not None:
                return Failure("credentials", trouble.detail)
        answer = self.subject.answer(self.sent(request))
        return Failure("timeout", "no answer") if answer is None else answer

    def sent(self, request: Request) -> Sent:
        """One request as it goes over the wire."""
        now_s = int(self.subject.now_s)
        ready = self.adapter.authorize(request, now_s, f"nonce {len(self.asked)}")
        self.asked.append(ready)
        return over_the_wire(self.subject, ready)

    def turn(self, due: Sequence[StockUpdate], items_max: int = 10_000) -> Answer:
        """One request, and what it came to."""
        request = self.adapter.next_request(due, items_max)
        assert request is not None
        answer = self.adapter.receive(request, self.send(request))
        self.answers.append(answer)
        return answer

    def until_told(
        self,
        due: Sequence[StockUpdate],
        done: Callable[[Outcome], bool] = lambda _: True,
    ) -> dict[str, Outcome]:
        """Requests until each update has an outcome; no time goes by."""
        told: dict[str, Outcome] = {}
        for _ in range(ASKED_MAX):
            left = [update for update in due if update.sku not in told]
            if not left:
                return told
            answer = self.turn(left)
            assert answer.trouble is None, answer.trouble
            told |= {one.update.sku: one for one in answer.outcomes if done(one)}
        raise AssertionError(f"no end after {ASKED_MAX} requests: {told}")


def sent_json(request: Request) -> object:
    """The JSON that a request carries, a feed's file included."""
    if request.body is None:
        return request.json
    return json.loads(request.body.split(b"\r\n\r\n", 1)[1].rsplit(b"\r\n--", 1)[0])
