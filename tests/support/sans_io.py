"""An adapter and an imitated channel, talking in memory: no network, and time that is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec

from stockfold.channels import (
    Adapter,
    Answer,
    Failure,
    Outcome,
    OutcomeKind,
    Purpose,
    Renewing,
    Request,
    Response,
    StockUpdate,
    Trouble,
)
from stockfold.channels.conformance import Sent, Subject
from stockfold.channels.kinds import ChannelKind, Terms

REQUESTS_MAX = 200
WAIT_S = 1.0


class Talk:
    """One adapter of a subject's account, made from its options and those given."""

    def __init__(self, kind: ChannelKind, subject: Subject, **options: object) -> None:
        self.kind = kind
        self.subject = subject
        self.options = {**subject.options, **options}
        self.adapter = self.made()
        self.requests: list[Request] = []
        self.outcomes: list[Outcome] = []
        self.troubles: list[Trouble] = []
        self._nonces = iter(range(1, 10**9))

    def made(self) -> Adapter:
        subject = self.subject
        return self.kind.adapter(
            Terms(
                "test",
                subject.url,
                subject.credentials.__getitem__,
                self.kind.options.model_validate(self.options),
                subject.locations,
            )
        )

    def restart(self) -> None:
        """The adapter forgets everything."""
        self.adapter = self.made()

    def writes(self) -> list[Request]:
        return [request for request in self.requests if request.purpose is Purpose.WRITE]

    def send(self, request: Request) -> Response | Failure:
        """What comes back over the wire."""
        body = request.body if request.json is None else json.dumps(request.json).encode()
        query = f"?{urlencode(request.params)}" if request.params else ""
        headers = dict(request.headers)
        if request.json is not None:
            headers["content-type"] = "application/json"
        url = (request.url or self.subject.url + request.path) + query
        answer = self.subject.answer(Sent(request.method, url, headers, body or b""))
        return Failure("timeout", "no answer came") if answer is None else answer

    def ask(self, request: Request) -> Answer:
        """One request, with credentials; new ones are had before when they are due."""
        now_s = int(self.subject.now_s)  # type: ignore[attr-defined]
        if isinstance(self.adapter, Renewing):
            renewal = self.adapter.renewal(now_s)
            if renewal is not None:
                trouble = self.adapter.renewed(self.send(renewal), now_s)
                if trouble is not None:
                    return Answer(trouble=trouble)
        self.requests.append(request)
        nonce = str(next(self._nonces))
        answer = self.adapter.receive(
            request, self.send(self.adapter.authorize(request, now_s, nonce))
        )
        self.outcomes += answer.outcomes
        if answer.trouble is not None:
            self.troubles.append(answer.trouble)
        return answer

    def run(self, *updates: StockUpdate) -> dict[str, Outcome]:
        """Until each update has its outcome, as a caller does; the latest by SKU."""
        due: list[StockUpdate] = list(updates)
        ended: dict[str, Outcome] = {}
        for _ in range(REQUESTS_MAX):
            request = self.adapter.next_request(due)
            if request is None:
                return ended
            answer = self.ask(request)
            if answer.trouble is not None:
                self.subject.advance(answer.trouble.retry_after_s or WAIT_S)
            told = {outcome.update.sku: outcome for outcome in answer.outcomes}
            ended |= {s: o for s, o in told.items() if o.kind is not OutcomeKind.RETRYABLE}
            waits = [o.retry_after_s or WAIT_S for o in answer.outcomes if o not in ended.values()]
            self.subject.advance(max(waits, default=0.0))
            due = [_next(u, told) for u in due if u.sku not in ended]
        raise AssertionError(f"{REQUESTS_MAX} requests, and no outcome of {due[:3]}")

    def show(self, quantities: Sequence[tuple[str, int]], version: int = 1) -> dict[str, Outcome]:
        """Have these shown."""
        return self.run(*(StockUpdate(sku, count, version) for sku, count in quantities))


def _next(update: StockUpdate, told: dict[str, Outcome]) -> StockUpdate:
    outcome = told.get(update.sku)
    if outcome is None or not outcome.whole_request:
        return update
    return msgspec.structs.replace(update, failures=update.failures + 1)
