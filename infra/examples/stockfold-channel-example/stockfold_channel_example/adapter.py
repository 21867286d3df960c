"""``GET /stock?sku=…`` tells what is listed, ``PUT /stock`` sets it; each item fails alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from stockfold.channels import statuses
from stockfold.channels.port import (
    Answer,
    Assurance,
    Failure,
    Observed,
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
from stockfold.channels.unread import NothingRead

QUANTITY_MAX = 999_999
KINDS = {"ok": OutcomeKind.APPLIED, "unknown": OutcomeKind.UNMAPPED, "no": OutcomeKind.REJECTED}


class Item(msgspec.Struct):
    """One line of every answer: what is listed, and what became of a write."""

    sku: str
    quantity: int
    status: str = "ok"


class Example:
    """See ``stockfold.channels.port.Adapter``; remembers which SKUs it has seen listed."""

    assurance = Assurance.UNVERIFIED
    requests_in_flight_max = 2

    def __init__(self, token: Callable[[], str], items_max: int) -> None:
        self._token, self._items_max = token, items_max
        self._seen: set[str] = set()

    def to_show(self, update: StockUpdate) -> Shown:
        return Shown(min(max(update.quantity - update.unseen, 0), QUANTITY_MAX))

    def next_request(self, due: Sequence[StockUpdate], items_max: int = 100) -> Request | None:
        if not due:
            return None
        first, is_seen = due[0], due[0].sku in self._seen
        alike = [
            u for u in due if u.failures == first.failures and (u.sku in self._seen) is is_seen
        ]
        # What failed in company travels in ever smaller one.
        chosen = alike[: max(min(self._items_max, items_max) >> first.failures, 1)]
        # What a first write would overwrite is looked up before: the guards go by it.
        return self._set(chosen) if is_seen else self._ask(Purpose.LOOK_UP, chosen)

    def read(self, updates: Sequence[StockUpdate]) -> Request:
        return self._ask(Purpose.READ, updates[: self._items_max])

    def probe(self, due: Sequence[StockUpdate]) -> Request:
        return self._ask(Purpose.LOOK_UP, due[:1])

    def changed_orders(self, after_us: int) -> NothingRead:
        return NothingRead()

    def authorize(self, request: Request, now_s: int, nonce: str) -> Request:
        token = ("authorization", f"Bearer {self._token()}")
        return msgspec.structs.replace(request, headers=(*request.headers, token))

    def _ask(self, purpose: Purpose, updates: Sequence[StockUpdate]) -> Request:
        skus = tuple(("sku", update.sku) for update in updates)
        return Request(purpose, "GET", "/stock", tuple(updates), skus)

    def _set(self, updates: Sequence[StockUpdate]) -> Request:
        items = [{"sku": u.sku, "quantity": self.to_show(u).quantity} for u in updates]
        return Request(Purpose.WRITE, "PUT", "/stock", tuple(updates), json={"items": items})

    def receive(self, request: Request, response: Response | Failure) -> Answer:
        if isinstance(response, Failure):
            return statuses.unanswered(request, response)
        trouble = statuses.trouble_of(response)
        if trouble is None:
            try:
                items = msgspec.json.decode(response.body, type=dict[str, list[Item]])["items"]
                return self._told(request, {item.sku: item for item in items})
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError):
                trouble = Trouble(TroubleKind.UNAVAILABLE, "strange", "not the market's answer")
        again = statuses.all_again(request, trouble.code, trouble.detail)
        return Answer(again if trouble.kind is TroubleKind.UNAVAILABLE else (), trouble)

    def _told(self, request: Request, items: dict[str, Item]) -> Answer:
        outcomes = []
        for update in request.updates:
            item = items.get(update.sku, Item(update.sku, 0, "unknown"))
            kind = KINDS.get(item.status, OutcomeKind.RETRYABLE)
            if kind is OutcomeKind.UNMAPPED:
                self._seen.discard(update.sku)
            elif request.purpose is Purpose.LOOK_UP:
                self._seen.add(update.sku)
                continue  # It is offered again at once, and written.
            outcomes.append(Outcome(update, kind, item.status, f"the market says {item.status}"))
        shown = [Observed(i.sku, i.quantity) for i in items.values() if i.status == "ok"]
        if request.purpose is Purpose.READ:
            outcomes = []
        return Answer(tuple(outcomes), observed=tuple(shown))
