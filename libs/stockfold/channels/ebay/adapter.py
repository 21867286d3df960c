"""The adapter of one eBay connection: looks offers up, then writes both quantities.

A SKU's offers are looked up first. Where they show already what they should, and this process has
not written them yet, the item behind them is read too, and what is right is left alone. What was
revised too often today is held back, and looked up again later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from stockfold.channels import statuses
from stockfold.channels.ebay import errors, listings, stock, writes
from stockfold.channels.ebay.listings import Listing
from stockfold.channels.ebay.options import OFFERS_MAX, EbayOptions
from stockfold.channels.ebay.revisions import Budget, Revisions
from stockfold.channels.ebay.showing import show
from stockfold.channels.ebay.sizes import CallSize
from stockfold.channels.oauth2 import Endpoint, Renewed, Tokens, refresh_token
from stockfold.channels.port import (
    Answer,
    Assurance,
    Charge,
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

HELD_BACK = "revisions_used_up"
NOT_EBAY = "not_ebay"


class Ebay(Renewed):
    """See ``Adapter``, ``Metered`` and ``Renewing`` of ``stockfold.channels.port``.

    Keeps what was looked up of each SKU, which SKUs this process has written, how often each
    listing was revised today, and how many SKUs eBay takes in one call.
    """

    assurance = Assurance.UNVERIFIED
    requests_in_flight_max = 4

    def __init__(
        self,
        channel: str,
        credential: Callable[[str], str],
        options: EbayOptions,
        locations: Mapping[str, str],
    ) -> None:
        endpoint = Endpoint(path=options.token_path)
        self._tokens = Tokens(refresh_token(endpoint, credential, options.scope))
        self._bucket = f"ebay {options.account or channel}"
        self._options = options
        self._locations = locations
        self._revisions = Revisions(
            Budget(options.revisions_per_day, options.revisions_kept, options.day_zone)
        )
        self._now_s = 0
        self._listings: dict[str, Listing] = {}
        self._doubted: set[str] = set()
        self._settled: set[str] = set()
        self._size = CallSize(options.items_per_call)

    def to_show(self, update: StockUpdate) -> Shown:
        """See ``Adapter.to_show``."""
        return show(update, self._options, self._locations)

    # Requests out.

    def next_request(
        self, due: Sequence[StockUpdate], items_max: int = OFFERS_MAX
    ) -> Request | None:
        """See ``Adapter.next_request``: the first update decides what is asked or written."""
        if not due:
            return None
        first = due[0]
        if self._known(first.sku) is None:
            return listings.look_up(first)
        if first.sku in self._doubted:
            return stock.ask([u for u in due if u.sku in self._doubted][:OFFERS_MAX])
        if not self._may_write(first):
            return listings.look_up(first)
        return self._write(due, max(min(self._size.now, items_max) >> first.failures, 1))

    def _write(self, due: Sequence[StockUpdate], size: int) -> Request:
        wanted: list[tuple[StockUpdate, Listing, Shown]] = []
        offers = 0
        for update in due:
            listing = self._known(update.sku)
            if listing is None or update.sku in self._doubted or not self._may_write(update):
                continue
            if update.failures != due[0].failures or offers + len(listing.offers) > OFFERS_MAX:
                continue
            wanted.append((update, listing, self.to_show(update)))
            offers += len(listing.offers)
            if len(wanted) == size:
                break
        return writes.write(wanted)

    def _known(self, sku: str) -> Listing | None:
        listing = self._listings.get(sku)
        if listing is None or self._now_s - listing.found_s >= self._options.offers_kept_s:
            return None
        return listing

    def _may_write(self, update: StockUpdate) -> bool:
        listing = self._listings[update.sku]
        quantity = self.to_show(update).quantity
        return self._revisions.allows(listing.ids, listing.shown, quantity)

    def read(self, updates: Sequence[StockUpdate]) -> Request:
        """See ``Adapter.read``."""
        return listings.look_up(updates[0], Purpose.READ)

    def changed_orders(self, after_us: int) -> NothingRead:
        """See ``Adapter.changed_orders``."""
        del after_us
        return NothingRead()

    def probe(self, due: Sequence[StockUpdate]) -> Request:
        """See ``Adapter.probe``: looking offers up revises nothing."""
        return listings.look_up(due[0])

    def authorize(self, request: Request, now_s: int, nonce: str) -> Request:
        """See ``Adapter.authorize``; the clock of the revisions is told the time by it."""
        del nonce
        self._now_s = now_s
        self._revisions.tell(now_s)
        bearer = ("authorization", f"Bearer {self._tokens.token}")
        return msgspec.structs.replace(request, headers=(*request.headers, bearer))

    def charges(self, request: Request) -> tuple[Charge, ...]:
        """See ``Metered.charges``: every call counts alike."""
        if request.path == self._options.token_path:
            return ()
        return (Charge(self._bucket, self._options.calls_per_s, self._options.calls_burst),)

    # Answers in.

    def receive(self, request: Request, response: Response | Failure) -> Answer:
        """See ``Adapter.receive``."""
        if request.path == writes.PATH:
            self._note_revised(request, response)
        if isinstance(response, Failure):
            return statuses.unanswered(request, response)
        told = errors.of_response(response) if response.status >= 300 else None
        if response.status == 401 and self._tokens.forget():
            return Answer()  # With a new token it is made again.
        trouble = self._trouble(response, told)
        if trouble is not None:
            waits = trouble.kind is TroubleKind.UNAVAILABLE
            again = statuses.all_again(request, trouble.code, trouble.detail) if waits else ()
            return Answer(again, trouble)
        self._tokens.taken()
        if told is not None:
            return self._refused(request, response, told)
        return self._read(request, response)

    def _note_revised(self, request: Request, response: Response | Failure) -> None:
        """What may have reached eBay counts; what it shows of it is not known any more."""
        if isinstance(response, Failure) and response.code in statuses.NEVER_SENT:
            return
        if isinstance(response, Response) and response.status in (401, 403, 429):
            return
        for update in request.updates:
            listing = self._listings.get(update.sku)
            if listing is not None:
                self._revisions.count(listing.ids)
                self._listings[update.sku] = msgspec.structs.replace(listing, shown=None)
            self._settled.add(update.sku)

    def _trouble(self, response: Response, told: errors.Told | None) -> Trouble | None:
        if told is not None:
            return statuses.trouble_of(response, told.code, told.message)
        found = statuses.trouble_of(response)
        if found is not None or response.status < 300:
            return found
        # eBay itself always gives an error id: somebody else answers here, or in between.
        detail = f"HTTP {response.status}: {statuses.excerpt(response.body)}"
        if response.status == 404:
            return Trouble(TroubleKind.REFUSED, "no_api", f"{detail}; is the url eBay's?")
        return Trouble(TroubleKind.UNAVAILABLE, f"http_{response.status}", detail)

    def _refused(self, request: Request, response: Response, told: errors.Told) -> Answer:
        """The request is called wrong. Alone, the update is; in company, one of them, or it."""
        if request.path == stock.PATH:
            return self._settle(request.updates)
        if len(request.updates) > 1:
            self._size.too_many(len(request.updates))
            return Answer()
        update = request.updates[0]
        if request.path == listings.PATH and told.id in errors.NOT_THERE:
            self._forget([update.sku])
            unmapped = Outcome(update, OutcomeKind.UNMAPPED, told.code, told.message)
            return Answer(() if request.purpose is Purpose.READ else (unmapped,))
        outcome = writes.judge(update, told, response.status, self._options.retryable_errors)
        return Answer(self._taken_in([outcome]))

    def _read(self, request: Request, response: Response) -> Answer:
        try:
            body = statuses.decoded(response.body)
        except statuses.NotJsonError:
            body = None
        answer: Answer | None
        if request.path == writes.PATH:
            answer = self._written(request, body)
        elif request.path == stock.PATH:
            answer = self._compared(request, body)
        else:
            answer = self._looked_up(request, body)
        if answer is not None:
            return answer
        detail = f"the answer is not what eBay sends: {statuses.excerpt(response.body)}"
        trouble = Trouble(TroubleKind.UNAVAILABLE, NOT_EBAY, detail)
        return Answer(statuses.all_again(request, NOT_EBAY, detail), trouble)

    def _looked_up(self, request: Request, body: object) -> Answer | None:
        update = request.updates[0]
        found = listings.found(body, update, self._options.marketplaces, self._now_s)
        if found is None:
            return None
        if isinstance(found, Outcome):
            self._forget([update.sku])
            return Answer(() if request.purpose is Purpose.READ else (found,))
        seen = Observed(update.sku, found.units, listing=" ".join(dict.fromkeys(found.ids)))
        if request.purpose is Purpose.READ:
            return Answer(observed=(seen,))
        self._listings[update.sku] = found
        return Answer(self._held_back(update, found), observed=(seen,))

    def _held_back(self, update: StockUpdate, found: Listing) -> tuple[Outcome, ...]:
        """Nothing, where it may be written, or may be right as it is."""
        shown = self.to_show(update)
        right = found.shown == found.for_offers(shown.quantity)
        if right and update.sku not in self._settled:
            self._doubted.add(update.sku)
            return ()
        if self._may_write(update):
            return ()
        return (self._later(update, HELD_BACK, "its listing was revised too often today"),)

    def _later(self, update: StockUpdate, code: str, why: str) -> Outcome:
        detail = f"{why}; held back until eBay's next day"
        return Outcome(update, OutcomeKind.ACCEPTED, code, detail, self._revisions.hold_s())

    def _compared(self, request: Request, body: object) -> Answer | None:
        held = stock.read(body)
        if held is None:
            return None
        right = []
        for update in request.updates:
            listing, there = self._listings.get(update.sku), held.get(update.sku)
            if listing is None or there is None:
                continue
            shown = self.to_show(update)
            if there.is_as(shown) and listing.shown == listing.for_offers(shown.quantity):
                right.append(Outcome(update, OutcomeKind.APPLIED))
        self._settle(request.updates)
        return Answer(tuple(right))

    def _settle(self, updates: Iterable[StockUpdate]) -> Answer:
        """What was in doubt is written from now on without asking."""
        for update in updates:
            self._doubted.discard(update.sku)
            self._settled.add(update.sku)
        return Answer()

    def _written(self, request: Request, body: object) -> Answer | None:
        outcomes = writes.read(request, body, self._options.retryable_errors)
        if outcomes is None:
            return None
        count = len(request.updates)
        if count > 1 and len(outcomes) < count:
            # It did the first and passed over the rest: fewer at once, and those again.
            self._size.too_many(count)
        elif not outcomes:
            detail = "eBay's answer does not speak of it"
            unanswered = OutcomeKind.RETRYABLE
            outcomes = [Outcome(request.updates[0], unanswered, writes.UNANSWERED, detail)]
        else:
            self._size.answered(count)
        return Answer(self._taken_in(outcomes))

    def _taken_in(self, outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
        return tuple(self._learnt(outcome) for outcome in outcomes)

    def _learnt(self, outcome: Outcome) -> Outcome:
        update = outcome.update
        listing = self._listings.get(update.sku)
        if outcome.code == writes.STALE:
            self._forget([update.sku])
        elif listing is not None and outcome.kind is OutcomeKind.APPLIED:
            shown = listing.for_offers(self.to_show(update).quantity)
            self._listings[update.sku] = msgspec.structs.replace(listing, shown=shown)
        elif listing is not None and outcome.code == writes.REVISION_LIMIT:
            self._revisions.block(listing.ids)
            return self._later(update, writes.REVISION_LIMIT, outcome.detail)
        return outcome

    def _forget(self, skus: Iterable[str]) -> None:
        for sku in skus:
            self._listings.pop(sku, None)
            self._doubted.discard(sku)
