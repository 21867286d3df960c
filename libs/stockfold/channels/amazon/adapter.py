"""The adapter of one Amazon connection: looks listings up, patches a few, feeds many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from stockfold.channels import statuses
from stockfold.channels.amazon import answers, feeds, lookups, operations
from stockfold.channels.amazon.access import AmazonAccess
from stockfold.channels.amazon.awaited import Awaited, Waiting
from stockfold.channels.amazon.feeding import Feeding
from stockfold.channels.amazon.lookups import Account, Listing
from stockfold.channels.amazon.operations import Operation
from stockfold.channels.amazon.options import AmazonOptions
from stockfold.channels.amazon.patches import ACCEPTED, Patching, is_plain, refusal
from stockfold.channels.amazon.showing import show
from stockfold.channels.port import (
    Answer,
    Assurance,
    Failure,
    Outcome,
    OutcomeKind,
    Purpose,
    Request,
    Response,
    Shown,
    StockUpdate,
)
from stockfold.channels.unread import NothingRead


class Amazon(AmazonAccess):
    """See ``stockfold.channels.port.Adapter``, ``Renewing`` and ``Metered``.

    Keeps which SKUs are listed, what Amazon has accepted and not shown yet, and one feed at a time.
    Feeds that were made in a life before are asked for before the first write.
    """

    assurance = Assurance.CONTRACT
    requests_in_flight_max = 4
    """A patch takes some 0.3 s: more at once than a few gain nothing at five a second."""

    def __init__(self, url: str, options: AmazonOptions, credential: Callable[[str], str]) -> None:
        super().__init__(url, options.seller, options.token_url, credential)
        account = Account(options.seller, options.marketplaces, options.fulfillment_channel_code)
        self._options = options
        self._account = account
        self._patching = Patching(account, options.product_type, options.op)
        self._awaited = Awaited(
            Waiting(
                options.read_back,
                options.read_back_after_s,
                options.read_back_tries,
                options.feed_poll_s,
            ),
            self.to_show,
        )
        self._feeding = Feeding(self._patching, self._awaited, self.to_show, options.feed_items_max)
        self._listings: dict[str, Listing] = {}
        self._strangers: set[str] = set()
        """Unfinished feeds whose content nobody knows any more."""
        self._asks_feeds = options.feeds

    def to_show(self, update: StockUpdate) -> Shown:
        """See ``Adapter.to_show``."""
        return show(update, lead_time=self._options.lead_time)

    def changed_orders(self, after_us: int) -> NothingRead:
        """See ``Adapter.changed_orders``: Amazon counts its own orders off what it shows."""
        del after_us
        return NothingRead()

    # Requests out.

    def next_request(
        self, due: Sequence[StockUpdate], items_max: int = lookups.ITEMS_MAX
    ) -> Request | None:
        """See ``Adapter.next_request``: the state of the first decides what is asked or written."""
        if not due:
            return None
        if self._asks_feeds:
            return feeds.list_unfinished(due)
        first = due[0]
        company = [update for update in due if update.failures == first.failures]
        if first.sku not in self._listings:
            unknown = [update for update in company if update.sku not in self._listings]
            return self._ask(Purpose.LOOK_UP, unknown)
        if self._feeding.waits(first):
            return self._feeding.follow([one for one in due if self._feeding.waits(one)])
        behind = self._behind(first)
        if behind:
            feed_id = min(behind)
            return feeds.poll(feed_id, [one for one in due if feed_id in self._behind(one)])
        if self._is_to_be_read(first):
            return self._ask(Purpose.FOLLOW, [one for one in due if self._is_to_be_read(one)])
        return self._write(first, company, items_max)

    def _ask(self, purpose: Purpose, updates: Sequence[StockUpdate]) -> Request:
        size = max(lookups.ITEMS_MAX >> updates[0].failures, 1)
        return lookups.ask(self._account, purpose, updates, size)

    def _behind(self, update: StockUpdate) -> set[str]:
        wait = self._awaited.of(update)
        return set() if wait is None else wait.behind

    def _is_to_be_read(self, update: StockUpdate) -> bool:
        wait = self._awaited.of(update)
        return wait is not None and not wait.behind and update.sku in self._listings

    def _is_to_be_written(self, update: StockUpdate) -> bool:
        return (
            update.sku in self._listings
            and not self._feeding.holds(update)
            and self._awaited.of(update) is None
        )

    def _write(self, first: StockUpdate, company: Sequence[StockUpdate], items_max: int) -> Request:
        plain = is_plain(first.sku)
        if self._may_feed(first) and (self.to_show(first).quantity or not plain):
            many = [
                one
                for one in company
                if self._is_to_be_written(one) and (self.to_show(one).quantity or one is first)
            ]
            unknown = [update for update in company if update.sku not in self._listings]
            if len(many) + len(unknown) > self._options.patch_at_most or not plain:
                # One feed of them all: what is not known yet may belong to it.
                if unknown:
                    return self._ask(Purpose.LOOK_UP, unknown)
                return self._feeding.prepare(many, items_max)
        return self._patching.request(first, self.to_show(first))

    def _may_feed(self, first: StockUpdate) -> bool:
        """What failed goes alone, and so does all while a feed of before may still overwrite it."""
        return (
            self._options.feeds
            and not first.failures
            and not self._strangers
            and self._feeding.is_free
        )

    def read(self, updates: Sequence[StockUpdate]) -> Request:
        """See ``Adapter.read``."""
        return self._ask(Purpose.READ, updates)

    def probe(self, due: Sequence[StockUpdate]) -> Request:
        """See ``Adapter.probe``: one listing is looked up."""
        return lookups.ask(self._account, Purpose.LOOK_UP, due[:1], 1)

    # Answers in.

    def receive(self, request: Request, response: Response | Failure) -> Answer:
        """See ``Adapter.receive``."""
        operation = operations.operation_of(request)
        if isinstance(response, Failure):
            self._unclear(request, never_sent=response.code in statuses.NEVER_SENT)
            return self._only_asked(request, answers.unanswered(request, response))
        if operation is None:
            loads = request.purpose is Purpose.FOLLOW
            step = self._feeding.reported if loads else self._feeding.loaded
            return step(request, response)
        self._budgets.learn(request, response)
        if 200 <= response.status < 300:
            self._tokens.taken()
            body = answers.object_of(response)
            if body is not None:
                return self._served(operation, request, response, body)
            self._unclear(request)
            return self._only_asked(request, answers.not_understood(request, response))
        return self._not_served(operation, request, response)

    def _served(
        self, operation: Operation, request: Request, response: Response, body: dict[str, Any]
    ) -> Answer:
        match operation.name:
            case operations.PATCH_ITEM.name:
                return self._patched(request, response, body)
            case operations.CREATE_DOCUMENT.name:
                return self._feeding.document_made(request, response, body)
            case operations.CREATE_FEED.name:
                answer = self._feeding.created(request, response, body)
                self._asks_feeds = self._asks_feeds or self._feeding.feed is None
                return answer
            case operations.GET_FEEDS.name:
                return self._feeds_listed(request, response, body)
            case operations.GET_FEED.name:
                return self._polled(request, response, body)
            case operations.GET_DOCUMENT.name:
                return self._feeding.report_found(request, body)
        return self._looked_up(request, response, body)

    def _not_served(self, operation: Operation, request: Request, response: Response) -> Answer:
        gone = response.status == 404
        if gone and operation is operations.GET_ITEM:
            return self._listings_found(request, {})
        if gone and operation is operations.GET_FEED:
            return self._feed_over(request, request.path.rsplit("/", 1)[-1], "unknown", "")
        if gone and operation is operations.GET_DOCUMENT:
            return self._feeding.failed(request, "the report of the feed is gone")
        if gone and operation is operations.PATCH_ITEM:
            self._forget(request.updates[0].sku)
            return Answer()
        if response.status == 403 and operation is operations.PATCH_ITEM:
            sku = request.updates[0].sku
            if not is_plain(sku):
                detail = f"Amazon did not take the SKU in an address: HTTP 403 for {sku!r}"
                return Answer((Outcome(request.updates[0], OutcomeKind.RETRYABLE, "sku", detail),))
        if response.status >= 500 or response.status in (401, 403, 429):
            self._unclear(request, never_sent=response.status < 500)
        else:
            self._feeding.stopped()
        return self._only_asked(request, self._refused(request, response))

    def _unclear(self, request: Request, *, never_sent: bool = False) -> None:
        """A step of a feed got no clear answer: whether it was made, Amazon is asked."""
        operation = operations.operation_of(request)
        creates = operation is operations.CREATE_FEED
        if creates or operation is operations.CREATE_DOCUMENT or request.body is not None:
            self._feeding.stopped(keep=never_sent)
        self._asks_feeds = self._asks_feeds or (creates and not never_sent)

    @staticmethod
    def _only_asked(request: Request, answer: Answer) -> Answer:
        """No update is at fault when it cannot be found out what became of it."""
        if request.purpose is Purpose.FOLLOW and answer.trouble is not None:
            return Answer(trouble=answer.trouble, levels=answer.levels)
        return answer

    def _looked_up(self, request: Request, response: Response, body: dict[str, Any]) -> Answer:
        listings = lookups.found(self._account, request, body)
        if listings is None:
            return self._only_asked(request, answers.not_understood(request, response))
        return self._listings_found(request, listings)

    def _listings_found(self, request: Request, listings: dict[str, Listing]) -> Answer:
        observed = [
            lookups.observe(update.sku, listings[update.sku])
            for update in request.updates
            if update.sku in listings
        ]
        if request.purpose is Purpose.READ:
            return Answer(observed=tuple(observed))
        outcomes = [self._judged(one, listings.get(one.sku), request) for one in request.updates]
        told = tuple(outcome for outcome in outcomes if outcome is not None)
        return Answer(told, observed=tuple(observed))

    def _judged(
        self, update: StockUpdate, listing: Listing | None, request: Request
    ) -> Outcome | None:
        why = lookups.judge(self._account, update, listing)
        if why is not None or listing is None:
            self._forget(update.sku)
            return why
        self._listings[update.sku] = listing
        if request.purpose is Purpose.LOOK_UP:
            return None
        return self._awaited.read_back(update, listing)

    def _forget(self, sku: str) -> None:
        self._listings.pop(sku, None)
        self._awaited.forget(sku)

    def _patched(self, request: Request, response: Response, body: dict[str, Any]) -> Answer:
        update = request.updates[0]
        refused = refusal(update, body)
        if refused is None and body.get("status") != ACCEPTED:
            return answers.not_understood(request, response)
        behind = self._strangers | self._feeding.overwriting(update.sku)
        self._feeding.let_go(update.sku)
        if refused is not None:
            self._forget(update.sku)
            return Answer((refused,))
        return Answer((self._awaited.accepted(update, behind),))

    def _feeds_listed(self, request: Request, response: Response, body: dict[str, Any]) -> Answer:
        rows = body.get("feeds")
        if not isinstance(rows, list):
            return answers.not_understood(request, response)
        ours = self._feeding.feed
        told = {feeds.text_of(row, "feedId") for row in rows if isinstance(row, dict)}
        self._strangers = told - {"", ours.id if ours is not None else ""}
        self._asks_feeds = False
        return Answer()

    def _polled(self, request: Request, response: Response, body: dict[str, Any]) -> Answer:
        feed_id = request.path.rsplit("/", 1)[-1]
        status = feeds.text_of(body, "processingStatus")
        if not status:
            return self._only_asked(request, answers.not_understood(request, response))
        if status not in feeds.ENDED:
            return Answer(tuple(self._awaited.queued(one, feed_id) for one in request.updates))
        return self._feed_over(
            request, feed_id, status, feeds.text_of(body, "resultFeedDocumentId")
        )

    def _feed_over(self, request: Request, feed_id: str, status: str, report_id: str) -> Answer:
        self._strangers.discard(feed_id)
        self._awaited.ended(feed_id)
        feed = self._feeding.feed
        if feed is None or feed.id != feed_id or feed.ended:
            return Answer()
        return self._feeding.ended(status, report_id, request)
