"""An eBay adapter before its imitated channel, without a clock or a socket."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec

from stockfold.channels.conformance import Sent
from stockfold.channels.ebay.adapter import Ebay
from stockfold.channels.ebay.fake import FakeEbay
from stockfold.channels.ebay.options import EbayOptions
from stockfold.channels.port import (
    Answer,
    Failure,
    Outcome,
    OutcomeKind,
    Request,
    Response,
    StockUpdate,
)

TURNS_MAX = 200


class Seller:
    """One connection of a seller's account; ``options`` beside those that the fake has."""

    def __init__(self, ebay: FakeEbay | None = None, **options: object) -> None:
        self.ebay = FakeEbay() if ebay is None else ebay
        told = EbayOptions.model_validate({**self.ebay.options, **options})
        credential = dict(self.ebay.credentials)
        self.adapter = Ebay("ebay-de", credential.__getitem__, told, self.ebay.locations)
        self.answers: list[Answer] = []

    def asks(self, request: Request) -> Response | Failure:
        """What a request is answered; it is authorized, with a token that is renewed before."""
        now_s = int(self.ebay.now_s)
        renewal = self.adapter.renewal(now_s)
        if renewal is not None:
            assert self.adapter.renewed(self._sent(renewal), now_s) is None
        return self._sent(self.adapter.authorize(request, now_s, "nonce"))

    def _sent(self, request: Request) -> Response | Failure:
        query = f"?{urlencode(request.params)}" if request.params else ""
        headers = dict(request.headers)
        body = request.body or b""
        if request.json is not None:
            headers["content-type"], body = "application/json", msgspec.json.encode(request.json)
        sent = Sent(request.method, self.ebay.url + request.path + query, headers, body)
        return self.ebay.answer(sent) or Failure("timeout", "no answer in time")

    def turn(self, due: Sequence[StockUpdate]) -> tuple[Request, Answer]:
        """One request for these, and what it came to."""
        self.ebay.advance(0.1)
        request = self.adapter.next_request(due)
        assert request is not None
        answer = self.adapter.receive(request, self.asks(request))
        self.answers.append(answer)
        return request, answer

    def publish(self, *updates: StockUpdate) -> dict[str, Outcome]:
        """Offer updates until each has an outcome; what is retryable is offered again at once."""
        due = {update.sku: update for update in updates}
        outcomes: dict[str, Outcome] = {}
        for _ in range(TURNS_MAX):
            if not due:
                return outcomes
            _, answer = self.turn(list(due.values()))
            for outcome in answer.outcomes:
                outcomes[outcome.update.sku] = outcome
                if outcome.kind is not OutcomeKind.RETRYABLE:
                    due.pop(outcome.update.sku)
        raise AssertionError(f"no end after {TURNS_MAX} requests: {list(due)}")

    def count(self, ending: str) -> int:
        """How many calls went to a path that ends so."""
        return sum(call.endswith(ending) for call in self.ebay.calls)


def update(sku: str, quantity: int, version: int = 1, **more: object) -> StockUpdate:
    """What eBay shall show of a SKU."""
    return msgspec.structs.replace(StockUpdate(sku, quantity, version), **more)
