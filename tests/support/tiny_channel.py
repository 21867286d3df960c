"""A channel kind as small as one can be that uses all a channel may need.

Its writes are done later, location by location; its token ends; its requests come from a budget.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from stockfold.channels import (
    Answer,
    Assurance,
    Charge,
    Failure,
    Outcome,
    OutcomeKind,
    Purpose,
    Request,
    Response,
    Shown,
    StockUpdate,
    Trouble,
    TroubleKind,
)
from stockfold.channels.conformance import Subject
from stockfold.channels.kinds import ChannelKind, Terms

ITEMS_MAX = 10
MARGIN_S = 2
FOLLOW_S = 0.2


class TinyOptions(BaseModel):
    """What a channel of this kind may set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seller: str = Field(description="Whose stock it is.")
    per_s: float = Field(default=1_000.0, description="Requests a second of an account.")
    burst: float = Field(default=1_000.0, description="Requests at once of an account.")


class NothingToRead:
    """See ``OrderReading``."""

    latest_us = 0
    request = None

    def receive(self, answer: Response | Failure) -> None:
        raise AssertionError(answer)


class TinyAdapter:
    """See ``Adapter``, ``Renewing`` and ``Metered``."""

    assurance = Assurance.UNVERIFIED
    requests_in_flight_max = 2

    def __init__(self, terms: Terms) -> None:
        assert isinstance(terms.options, TinyOptions)
        self.options = terms.options
        self._terms = terms
        self._token = ""
        self._ends_s = 0
        self._jobs: dict[str, tuple[str, StockUpdate]] = {}

    def secret(self) -> str:
        return self._terms.credential("client_secret")

    def to_show(self, update: StockUpdate) -> Shown:
        names = self._terms.locations
        places = tuple((names[name], units) for name, units in update.locations if name in names)
        return Shown(max(update.quantity, 0), locations=places if update.quantity > 0 else ())

    def next_request(self, due: Sequence[StockUpdate], items_max: int = 100) -> Request | None:
        if not due:
            return None
        if due[0].sku in self._jobs:
            job = self._jobs[due[0].sku][0]
            about = tuple(u for u in due if self._jobs.get(u.sku, ("",))[0] == job)
            return Request(Purpose.FOLLOW, "GET", f"/jobs/{job}", about)
        fresh = tuple(u for u in due if u.sku not in self._jobs)[: min(items_max, ITEMS_MAX)]
        body = {u.sku: [self.to_show(u).quantity, dict(self.to_show(u).locations)] for u in fresh}
        return Request(Purpose.WRITE, "POST", "/jobs", fresh, json=body)

    def read(self, updates: Sequence[StockUpdate]) -> Request:
        raise AssertionError("of this kind nothing is read before a write")

    def changed_orders(self, after_us: int) -> NothingToRead:
        return NothingToRead()

    def probe(self, due: Sequence[StockUpdate]) -> Request:
        return Request(Purpose.LOOK_UP, "GET", "/", ())

    def receive(self, request: Request, response: Response | Failure) -> Answer:
        trouble = _trouble(response)
        if trouble is not None:
            return Answer(trouble=trouble)
        assert isinstance(response, Response)
        if request.purpose is Purpose.WRITE:
            job = msgspec.json.decode(response.body)["job"]
            self._jobs |= {u.sku: (job, u) for u in request.updates}
            return Answer(tuple(_accepted(u) for u in request.updates))
        if request.purpose is Purpose.FOLLOW:
            return self._followed(request, msgspec.json.decode(response.body)["done"])
        return Answer()

    def _followed(self, request: Request, done: bool) -> Answer:
        if not done:
            return Answer(tuple(_accepted(u) for u in request.updates))
        outcomes = []
        for update in request.updates:
            _, written = self._jobs.pop(update.sku)
            if self.to_show(written) == self.to_show(update):
                outcomes.append(Outcome(update, OutcomeKind.APPLIED))
        return Answer(tuple(outcomes))

    def authorize(self, request: Request, now_s: int, nonce: str) -> Request:
        signed = ("authorization", f"Bearer {self._token}")
        return msgspec.structs.replace(request, headers=(*request.headers, signed))

    def charges(self, request: Request) -> tuple[Charge, ...]:
        return (Charge(f"tiny|{self.options.seller}", self.options.per_s, self.options.burst),)

    def renewal(self, now_s: int) -> Request | None:
        if now_s < self._ends_s - MARGIN_S:
            return None
        body = {"secret": self.secret(), "seller": self.options.seller}
        return Request(Purpose.LOOK_UP, "POST", "/token", (), json=body)

    def renewed(self, answer: Response | Failure, now_s: int) -> Trouble | None:
        trouble = _trouble(answer)
        if trouble is None:
            assert isinstance(answer, Response)
            told = msgspec.json.decode(answer.body)
            self._token, self._ends_s = told["token"], now_s + told["lasts_s"]
        return trouble


def _accepted(update: StockUpdate) -> Outcome:
    return Outcome(update, OutcomeKind.ACCEPTED, retry_after_s=FOLLOW_S)


def _trouble(response: Response | Failure) -> Trouble | None:
    if isinstance(response, Failure):
        kind = TroubleKind.REFUSED if response.code == "credentials" else TroubleKind.UNAVAILABLE
        return Trouble(kind, response.code, response.detail)
    if response.status == 200:
        return None
    kind = TroubleKind.REFUSED if response.status in (401, 403) else TroubleKind.UNAVAILABLE
    kind = TroubleKind.LIMITED if response.status == 429 else kind
    return Trouble(kind, f"http_{response.status}", "")


def _subject() -> Subject:
    raise AssertionError("tests serve it themselves")


KIND = ChannelKind(
    name="tiny",
    title="A channel of the tests",
    assurance=Assurance.UNVERIFIED,
    adapter=TinyAdapter,
    options=TinyOptions,
    credentials=("client_secret",),
    subject=_subject,
    per_location=True,
)
