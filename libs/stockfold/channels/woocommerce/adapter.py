"""The adapter of one WooCommerce connection: looks listings up, then writes stock in batches."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence

import msgspec

from stockfold.channels import oauth1, statuses
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
)
from stockfold.channels.woocommerce import answers, lookups, management, reading, writes
from stockfold.channels.woocommerce.lookups import Listing
from stockfold.channels.woocommerce.observing import observe
from stockfold.channels.woocommerce.orders import OrderTerms
from stockfold.channels.woocommerce.terms import PLAIN, StockTerms, show

ITEMS_MAX = 100
"""create + update + delete of one batch, and products of one page. Hosts may lower the first."""
TOO_LARGE = frozenset({413, 414, 431})
_NO_CHANNEL = OrderTerms("")


class WooCommerce:
    """See ``stockfold.channels.port.Adapter``.

    Keeps the SKU → listing look-ups (as many as the shop has products) and how large a request
    this shop takes. ``url`` is the shop's address as its own settings write it: over plain HTTP it
    is part of the signature.
    """

    assurance = Assurance.CONTRACT
    requests_in_flight_max = 2
    """Measured: one batch at a time writes 35 to 50 items/s, two 80 to 100, four gain nothing."""

    def __init__(
        self,
        url: str,
        consumer_key: str,
        consumer_secret: str,
        terms: StockTerms = PLAIN,
        order_terms: OrderTerms = _NO_CHANNEL,
    ) -> None:
        self._url = url.rstrip("/")
        self._key = consumer_key
        self._secret = consumer_secret
        self._terms = terms
        self._order_terms = order_terms
        self._listings: dict[str, Listing] = {}
        self._asks_management = False
        self._is_managed = False
        self._write_items_max = ITEMS_MAX
        self._look_up_items_max = ITEMS_MAX

    def to_show(self, update: StockUpdate) -> Shown:
        """See ``Adapter.to_show``."""
        return show(update, self._terms)

    def next_request(
        self, due: Sequence[StockUpdate], items_max: int = ITEMS_MAX
    ) -> Request | None:
        """See ``Adapter.next_request``: the first update decides what is asked or written."""
        if not due:
            return None
        if self._asks_management:
            return management.ask()
        first = due[0]
        company = [update for update in due if update.failures == first.failures]
        listing = self._listings.get(first.sku)
        if listing is None:
            unknown = [update for update in company if update.sku not in self._listings]
            return self._look_up(unknown, max(self._look_up_items_max >> first.failures, 1))
        together = [
            update for update in company if self._parent_of(update.sku) == listing.parent_id
        ]
        size = max(min(self._write_items_max, items_max) >> first.failures, 1)
        return writes.write(together[:size], self._listings, self.to_show)

    def _look_up(self, wanted: Sequence[StockUpdate], items_max: int) -> Request:
        return lookups.look_up(wanted, items_max, metadata=self._terms.has_keys)

    def _parent_of(self, sku: str) -> int | None:
        listing = self._listings.get(sku)
        return None if listing is None else listing.parent_id

    def read(self, updates: Sequence[StockUpdate]) -> Request:
        """See ``Adapter.read``."""
        return reading.read(updates, self._look_up_items_max)

    def changed_orders(self, after_us: int) -> reading.ChangedOrders:
        """See ``Adapter.changed_orders``."""
        return reading.ChangedOrders(self._order_terms, after_us)

    def probe(self, due: Sequence[StockUpdate]) -> Request:
        """See ``Adapter.probe``: looking one SKU up costs the shop a few milliseconds."""
        return management.ask() if self._asks_management else self._look_up(due[:1], 1)

    def receive(self, request: Request, response: Response | Failure) -> Answer:
        """See ``Adapter.receive``. An unclear write is read back before it is repeated."""
        if request.path == management.PATH:
            answer = management.receive(request, response)
            self._asks_management = answer.trouble is not None
            self._is_managed = answer.trouble is None
            return answer
        if request.purpose is Purpose.READ:
            answer = reading.observed(request, response)
            self._forget_changed(request, answer)
            return answer
        answer = self._received(request, response)
        if request.purpose is Purpose.WRITE and answer.trouble is not None:
            self._forget(o.update.sku for o in answer.outcomes if o.whole_request)
        return answer

    def _received(self, request: Request, response: Response | Failure) -> Answer:
        if isinstance(response, Failure):
            return statuses.unanswered(request, response)
        if response.status in TOO_LARGE:
            return self._too_large(request, response)
        if response.status == 404:
            stale = self._stale_as_a_whole(request, response)
            if stale is not None:
                return stale
        if not 200 <= response.status < 300:
            return answers.refused_as_a_whole(request, response)
        try:
            body = statuses.decoded(response.body)
        except statuses.NotJsonError:
            return answers.not_understood(request, response)
        if request.purpose is Purpose.LOOK_UP:
            return self._looked_up(request, response, body)
        outcomes = writes.read(request, body)
        if outcomes is None:
            return answers.not_understood(request, response)
        self._forget(outcome.update.sku for outcome in outcomes if writes.is_stale(outcome))
        if any(outcome.code == writes.SKU_MOVED for outcome in outcomes):
            self._listings.clear()  # Others may have changed places with it.
        return Answer(self._judged(outcomes), observed=writes.echoed(request, body))

    def _judged(self, outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
        """Unmanaged beside managed ones is the product's; otherwise the shop is asked first."""
        if any(outcome.kind is OutcomeKind.APPLIED for outcome in outcomes):
            self._is_managed = False
            return tuple(outcomes)
        doubtful = any(outcome.code == writes.NOT_MANAGED for outcome in outcomes)
        if not doubtful or self._is_managed:
            return tuple(outcomes)
        self._asks_management = True
        again = OutcomeKind.RETRYABLE
        return tuple(
            msgspec.structs.replace(o, kind=again) if o.code == writes.NOT_MANAGED else o
            for o in outcomes
        )

    def _looked_up(self, request: Request, response: Response, body: object) -> Answer:
        listings = lookups.found(body, [update.sku for update in request.updates])
        if listings is None:
            return answers.not_understood(request, response)
        if lookups.is_incomplete(response) and len(request.updates) > 1:
            # Duplicates may hide on further pages: ask for fewer SKUs, so that one page holds all.
            self._look_up_items_max = len(request.updates) // 2
            return Answer()
        rows = {row["id"]: row for row in body} if isinstance(body, list) else {}
        outcomes: list[Outcome] = []
        observed: list[Observed] = []
        for update in request.updates:
            matches = listings[update.sku]
            if len(matches) == 1:
                observed.append(observe(update.sku, rows[matches[0].id]))
            outcome = lookups.judge(update, matches)
            if outcome is None:
                self._listings[update.sku] = matches[0]
                # A shop spends as much on a write that changes nothing: what it shows is not sent.
                shown = writes.shown_already(update, rows[matches[0].id], self.to_show(update))
                outcomes += [shown] if shown is not None else []
            else:
                outcomes.append(outcome)
                self._forget([update.sku])
        return Answer(tuple(outcomes), observed=tuple(observed))

    def _too_large(self, request: Request, response: Response) -> Answer:
        """Take smaller batches from now on: a host's limit does not change by the minute."""
        count = len(request.updates)
        if count == 1:
            code, message = answers.code_and_message(response.body)
            detail = f"HTTP {response.status} for a single item: {message}"
            rejected = Outcome(
                request.updates[0], OutcomeKind.REJECTED, code or "too_large", detail
            )
            return Answer((rejected,))
        if request.purpose is Purpose.WRITE:
            self._write_items_max = min(self._write_items_max, count // 2)
        else:
            self._look_up_items_max = min(self._look_up_items_max, count // 2)
        return Answer()

    def _stale_as_a_whole(self, request: Request, response: Response) -> Answer | None:
        """A variations batch whose parent is gone: look all its SKUs up again."""
        code, message = answers.code_and_message(response.body)
        if request.purpose is not Purpose.WRITE or code not in writes.STALE_LISTING:
            return None
        self._forget(update.sku for update in request.updates)
        return Answer(
            tuple(
                Outcome(update, OutcomeKind.RETRYABLE, code, message) for update in request.updates
            )
        )

    def _forget_changed(self, request: Request, answer: Answer) -> None:
        """What was read under a SKU is not what we wrote to: gone, doubled, or another product."""
        if answer.trouble is not None or answer.outcomes:
            return
        shown = {one.sku: one.listing for one in answer.observed}
        for update in request.updates:
            listing = self._listings.get(update.sku)
            if listing is not None and shown.get(update.sku) != str(listing.id):
                self._forget([update.sku])

    def _forget(self, skus: Iterable[str]) -> None:
        for sku in skus:
            self._listings.pop(sku, None)

    def authorize(self, request: Request, now_s: int, nonce: str) -> Request:
        """See ``Adapter.authorize``: Basic over TLS; a signature otherwise, never the secret."""
        if self._url.startswith("https://"):
            token = base64.b64encode(f"{self._key}:{self._secret}".encode()).decode()
            return msgspec.structs.replace(
                request, headers=(*request.headers, ("authorization", f"Basic {token}"))
            )
        signed = oauth1.sign(
            request.method,
            self._url + request.path,
            request.params,
            self._key,
            self._secret,
            now_s,
            nonce,
        )
        return msgspec.structs.replace(request, params=signed)
