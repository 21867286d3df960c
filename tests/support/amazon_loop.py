"""An adapter and an imitated channel in one loop, without sockets and by the channel's own clock.

Small on purpose: what a test wants to see of single requests it sees here. The publisher itself
runs against every imitation in the conformance suite.
"""

from __future__ import annotations

from collections.abc import Callable

import httpx
import msgspec

from stockfold.channels.conformance import Sent, Subject
from stockfold.channels.port import (
    Adapter,
    Failure,
    Metered,
    Outcome,
    OutcomeKind,
    Renewing,
    Request,
    Response,
    StockUpdate,
    Trouble,
)

AGAIN_S = 5.0
STEPS_MAX = 2_000
LOST = Failure("timeout", "no answer in time")


_CLIENT = httpx.Client()


def on_the_wire(base: str, request: Request) -> Sent:
    """A request as an HTTP client sends it."""
    made = _CLIENT.build_request(
        request.method,
        request.url or base + request.path,
        params=request.params or None,
        json=request.json,
        content=request.body,
        headers=dict(request.headers),
    )
    return Sent(made.method, str(made.url), dict(made.headers), made.content)


class Loop:
    """Offers updates until each has its final outcome. One request at a time."""

    def __init__(self, adapter: Adapter, subject: Subject, items_max: int = 100) -> None:
        self.adapter = adapter
        self.subject = subject
        self.items_max = items_max
        self.asked: list[Request] = []
        self.outcomes: list[Outcome] = []
        self.troubles: list[Trouble] = []
        self.watch: Callable[[Request], None] = lambda _: None
        self._wanted: dict[str, StockUpdate] = {}
        self._due_s: dict[str, float] = {}
        self._levels: dict[str, tuple[float, float]] = {}

    def want(self, *updates: StockUpdate) -> None:
        """Take in the newest versions."""
        for update in updates:
            self._wanted[update.sku] = update
            self._due_s[update.sku] = 0.0

    def run(self) -> None:
        """Until nothing is wanted any more."""
        for _ in range(STEPS_MAX):
            if not self._wanted:
                return
            self.step()
        raise AssertionError(f"no end after {STEPS_MAX} steps: {list(self._wanted)[:5]}")

    def step(self) -> None:
        """One request and its answer, or a wait for the next thing to do."""
        due = [one for one in self._wanted.values() if self._is_due(one.sku)]
        if not due:
            wait_s = min(self._due_s[sku] for sku in self._wanted) - self.subject.now_s
            self.subject.advance(wait_s)
            return
        due.sort(key=lambda update: self.adapter.to_show(update).quantity > 0)
        request = self.adapter.next_request(due, self.items_max)
        assert request is not None
        self.watch(request)
        answer = self.adapter.receive(request, self.perform(request))
        if answer.trouble is not None:
            self.troubles.append(answer.trouble)
            self.subject.advance(answer.trouble.retry_after_s or AGAIN_S)
        for outcome in answer.outcomes:
            self._land(outcome)

    def _is_due(self, sku: str) -> bool:
        return self._due_s[sku] <= self.subject.now_s

    def perform(self, request: Request) -> Response | Failure:
        """What a transport does: budgets, credentials, the wire."""
        adapter = self.adapter
        if isinstance(adapter, Renewing):
            renewal = adapter.renewal(int(self.subject.now_s))
            if renewal is not None:
                trouble = adapter.renewed(self._send(renewal), int(self.subject.now_s))
                if trouble is not None:
                    self.troubles.append(trouble)
                    return Failure("credentials", trouble.detail)
        if isinstance(adapter, Metered):
            self._draw(adapter, request)
        self.asked.append(request)
        return self._send(adapter.authorize(request, int(self.subject.now_s), "nonce"))

    def _draw(self, adapter: Metered, request: Request) -> None:
        for charge in adapter.charges(request):
            level, at_s = self._levels.get(charge.bucket, (charge.burst, self.subject.now_s))
            level = min(charge.burst, level + (self.subject.now_s - at_s) * charge.per_s)
            if level < charge.cost:
                self.subject.advance((charge.cost - level) / charge.per_s + 0.001)
                level = charge.cost
            self._levels[charge.bucket] = (level - charge.cost, self.subject.now_s)

    def _send(self, request: Request) -> Response | Failure:
        return self.subject.answer(on_the_wire(self.subject.url, request)) or LOST

    def _land(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        sku = outcome.update.sku
        if self._wanted.get(sku) is None or self._wanted[sku].version != outcome.update.version:
            return
        if outcome.kind in (OutcomeKind.ACCEPTED, OutcomeKind.RETRYABLE):
            failures = outcome.update.failures + 1 if outcome.whole_request else 0
            self._wanted[sku] = msgspec.structs.replace(outcome.update, failures=failures)
            self._due_s[sku] = self.subject.now_s + (outcome.retry_after_s or AGAIN_S)
        else:
            del self._wanted[sku]

    def kinds(self, sku: str) -> list[str]:
        """The outcomes of a SKU, in order."""
        return [one.kind.value for one in self.outcomes if one.update.sku == sku]
