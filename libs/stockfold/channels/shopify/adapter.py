"""The adapter of one Shopify connection: finds items by SKU, then sets their quantities.

A write names what it takes each item to hold; what somebody else has changed undoes it.

    search by SKU ──▶ levels known ──▶ write, if they still hold ──▶ levels known
                         ▲                    │
                      ask by id ◀── somebody else has changed them
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from stockfold.channels import statuses
from stockfold.channels.kinds import Terms
from stockfold.channels.port import (
    Answer,
    Assurance,
    Charge,
    Failure,
    Purpose,
    Request,
    Response,
    Shown,
    StockUpdate,
    Trouble,
    TroubleKind,
)
from stockfold.channels.shopify import asking, writes
from stockfold.channels.shopify.account import Account
from stockfold.channels.shopify.finding import Finding
from stockfold.channels.shopify.listings import Listings
from stockfold.channels.shopify.terms import Places, ShopifyOptions, show
from stockfold.channels.shopify.writing import Writing
from stockfold.channels.unread import NothingRead
from stockfold.channels.woocommerce.asking import NotServedError
from stockfold.domain.errors import SettingsError

TOO_LARGE = frozenset({"MAX_INPUT_SIZE_EXCEEDED", "MAX_COST_EXCEEDED"})


class Shopify:
    """See ``stockfold.channels.port``: an ``Adapter`` that is ``Metered`` and ``Renewing``."""

    assurance = Assurance.CONTRACT
    requests_in_flight_max = 2

    def __init__(self, terms: Terms) -> None:
        options = terms.options
        assert isinstance(options, ShopifyOptions)
        self._options = options
        self._places = _places(terms, options)
        self._account = Account(terms, options, len(self._places.all))
        self._listings = Listings()
        self._finding = Finding(self._listings, self.to_show, options, self._places)
        self._writing = Writing(self._listings, self.to_show, options, self._places, terms.channel)

    def to_show(self, update: StockUpdate) -> Shown:
        """See ``Adapter.to_show``."""
        return show(update, self._options, self._places)

    def next_request(self, due: Sequence[StockUpdate], items_max: int = 100) -> Request | None:
        """See ``Adapter.next_request``: the first update decides what is asked or written."""
        if not due:
            return None
        first = due[0]
        company = [update for update in due if update.failures == first.failures]
        if self._listings.id_of(first.sku) is None:
            return self._finding.search(self._listings.unknown(company), first.failures)
        if first.sku not in self._listings.items:
            return self._finding.by_id(self._listings.doubtful(company))
        ready = self._listings.ready(company)
        return self._writing.write(ready[: max(items_max >> first.failures, 1)], first.failures)

    def read(self, updates: Sequence[StockUpdate]) -> Request:
        """See ``Adapter.read``."""
        unknown = self._listings.unknown(updates)
        if unknown[:1] == list(updates[:1]):
            asked = self._finding.search(unknown)
        else:
            asked = self._finding.by_id([update for update in updates if update not in unknown])
        return msgspec.structs.replace(asked, purpose=Purpose.READ)

    def changed_orders(self, after_us: int) -> NothingRead:
        """See ``Adapter.changed_orders``: a write over something sold is not done anyway."""
        del after_us
        return NothingRead()

    def probe(self, due: Sequence[StockUpdate]) -> Request:
        """See ``Adapter.probe``: a search for one SKU."""
        return self._finding.search(due[:1])

    def receive(self, request: Request, response: Response | Failure) -> Answer:
        """See ``Adapter.receive``. What an unclear write has left is asked before the next."""
        if isinstance(response, Failure):
            if request.purpose is Purpose.WRITE and response.code not in statuses.NEVER_SENT:
                self._writing.unclear(request)
            return statuses.unanswered(request, response)
        levels = self._account.learn(request, response)
        try:
            data = asking.read(request, response).data
        except NotServedError as error:
            answer = self._not_served(request, response, error.trouble)
        else:
            self._account.is_known()
            answer = self._served(request, response, data) or self._unclear(
                request, _not_understood(response)
            )
        return msgspec.structs.replace(answer, levels=levels)

    def _served(
        self, request: Request, response: Response, data: Mapping[str, Any]
    ) -> Answer | None:
        if request.purpose is Purpose.WRITE:
            told = writes.read(data)
            return None if told is None else self._writing.read(request, response, told)
        if request.purpose is Purpose.READ:
            return self._finding.see(request, data)
        return self._finding.read(request, data)

    def _not_served(self, request: Request, response: Response, trouble: Trouble) -> Answer:
        if trouble.code in TOO_LARGE:
            what = self._writing if request.purpose is Purpose.WRITE else self._finding
            return what.too_large(request, trouble.code, trouble.detail)
        if response.status == 401 and self._account.forget_token():
            return Answer()  # Offered again at once, with a new token.
        if trouble.kind is TroubleKind.UNAVAILABLE:
            return self._unclear(request, trouble)
        return Answer(trouble=trouble)

    def _unclear(self, request: Request, trouble: Trouble) -> Answer:
        if request.purpose is Purpose.WRITE:
            self._writing.unclear(request)
        return Answer(statuses.all_again(request, trouble.code, trouble.detail), trouble)

    def authorize(self, request: Request, now_s: int, nonce: str) -> Request:
        """See ``Adapter.authorize``. Before the first write there always was a question."""
        del now_s
        self._writing.life = self._writing.life or nonce
        return self._account.authorize(request)

    def renewal(self, now_s: int) -> Request | None:
        """See ``Renewing.renewal``."""
        return self._account.renewal(now_s)

    def renewed(self, answer: Response | Failure, now_s: int) -> Trouble | None:
        """See ``Renewing.renewed``."""
        return self._account.renewed(answer, now_s)

    def charges(self, request: Request) -> tuple[Charge, ...]:
        """See ``Metered.charges``."""
        return self._account.charges(request)


def _not_understood(response: Response) -> Trouble:
    detail = f"the answer is not what Shopify sends: {statuses.excerpt(response.body)}"
    return Trouble(TroubleKind.UNAVAILABLE, "not_shopify", detail)


def _places(terms: Terms, options: ShopifyOptions) -> Places:
    main = options.location or next(iter(terms.locations.values()), "")
    if not main:
        raise SettingsError(
            f"channel {terms.channel} has no location to write to",
            where="location_names of [[channels]]",
            remedy='Name at least one: { "our name" = "gid://shopify/Location/1" }.',
        )
    return Places(terms.locations, main)
