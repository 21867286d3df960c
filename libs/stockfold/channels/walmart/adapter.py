"""The adapter of one Walmart Marketplace connection: single writes, and feeds for many at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile

import msgspec

from stockfold.channels import statuses
from stockfold.channels.oauth2 import Renewed
from stockfold.channels.port import (
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
from stockfold.channels.unread import NothingRead
from stockfold.channels.walmart import errors, feeds, lookups, writes
from stockfold.channels.walmart.access import Access
from stockfold.channels.walmart.earlier import Earlier
from stockfold.channels.walmart.following import Following
from stockfold.channels.walmart.limits import Budgets, FeedPace
from stockfold.channels.walmart.lookups import Lookups
from stockfold.channels.walmart.nodes import Nodes
from stockfold.channels.walmart.options import WalmartOptions

TOO_LARGE = 413


class Walmart(Renewed):
    """See ``stockfold.channels.port.Adapter``, ``Renewing`` and ``Metered``.

    Keeps which SKUs were seen, and what is in feeds that are not over.
    """

    assurance = Assurance.UNVERIFIED
    requests_in_flight_max = 2
    """One may wait for the budget of feeds, which is small; the other goes on."""

    def __init__(
        self,
        options: WalmartOptions,
        credential: Callable[[str], str],
        locations: Mapping[str, str],
    ) -> None:
        self._options = options
        self._access = Access(options, credential)
        self._tokens = self._access.tokens
        self._nodes = Nodes(locations, options.undivided_node)
        self._following = Following(options, self.to_show)
        self._earlier = Earlier(options, self._following.knows)
        self._lookups = Lookups(options, self.to_show)
        self._budgets = Budgets(options)
        self._pace = FeedPace(options.feeds_per_hour)
        self._feed_items_max = options.feed_items_max
        self._overtook: dict[str, int] = {}

    def to_show(self, update: StockUpdate) -> Shown:
        """See ``Adapter.to_show``."""
        return self._nodes.to_show(update)

    # Requests out.

    def next_request(self, due: Sequence[StockUpdate], items_max: int = 100) -> Request | None:
        """See ``Adapter.next_request``: the first update decides."""
        if not due:
            return None
        if self._earlier.asks:
            return self._earlier.look()
        first = due[0]
        if self._overtakes(first):
            zeros = list(takewhile(self._overtakes, due))
            return self._lookups.request(zeros, in_a_hurry=True) or self._write_one(first)
        if self._following.carries(first.sku):
            return self._following.ask(due)
        free = [update for update in due if not self._following.carries(update.sku)]
        if self._earlier.waits:
            return self._earlier.ask(free)
        looked = self._lookups.request(free)
        return looked or self._feed(free, items_max) or self._write_one(first)

    def _overtakes(self, update: StockUpdate) -> bool:
        """A zero is written at once, whatever else is to come; but only once beside a feed."""
        if self.to_show(update).quantity:
            return False
        waits = self._earlier.waits or self._following.carries(update.sku)
        return not waits or self._overtook.get(update.sku) != update.version

    def _write_one(self, update: StockUpdate) -> Request:
        shown, base = self.to_show(update), self._options.base_path
        if not self._nodes.can_show(shown):
            return lookups.ask(base, update, shown, Purpose.LOOK_UP)
        return writes.write(base, update, shown)

    def _feed(self, due: Sequence[StockUpdate], items_max: int) -> Request | None:
        """A feed, where so many are due that it is worth one, and the budget has one."""
        least, first = self._options.feed_from, due[0]
        if not least or not self._pace.has_one or first.sku in self._following.alone:
            return None
        size = min(items_max, self._feed_items_max) >> first.failures
        company = [update for update in due if self._goes_by_feed(update, first.failures)][:size]
        if len(company) < least:
            return None
        request = feeds.build(self._options, company, self.to_show, self._options.feed_bytes_max)
        return None if request is None or len(request.updates) < least else request

    def _goes_by_feed(self, update: StockUpdate, failures: int) -> bool:
        shown = self.to_show(update)
        return (
            update.failures == failures
            and shown.quantity > 0
            and self._nodes.can_show(shown)
            and update.sku not in self._following.alone
            and self._lookups.sees(update.sku)
        )

    def read(self, updates: Sequence[StockUpdate]) -> Request:
        """See ``Adapter.read``: one SKU at a time."""
        first = updates[0]
        return lookups.ask(self._options.base_path, first, self.to_show(first), Purpose.READ)

    def changed_orders(self, after_us: int) -> NothingRead:
        """See ``Adapter.changed_orders``."""
        del after_us
        return NothingRead()

    def probe(self, due: Sequence[StockUpdate]) -> Request:
        """See ``Adapter.probe``: which feeds there are, which we might have to know anyway."""
        del due
        return self._earlier.look()

    # Answers in.

    def receive(self, request: Request, response: Response | Failure) -> Answer:
        """See ``Adapter.receive``."""
        self._pace.answered(request)
        if isinstance(response, Failure):
            return self._received(request, response)
        if response.status == 401:
            return self._not_let_in(response)
        if response.status < 500 and response.status not in (403, 429):
            self._tokens.taken()
        answer = self._received(request, response)
        return msgspec.structs.replace(answer, levels=self._budgets.levels(request, response))

    def _received(self, request: Request, response: Response | Failure) -> Answer:
        match request.purpose, request.method:
            case Purpose.FOLLOW, _:
                return self._followed(request, response)
            case Purpose.READ, _:
                return self._read(request, response)
            case Purpose.WRITE, "POST":
                return self._sent_feed(request, response)
            case Purpose.WRITE, _:
                return self._wrote(request, response)
        if not request.updates:
            return self._earlier.listed(request, response)
        return self._looked_up(request, response)

    def _looked_up(self, request: Request, response: Response | Failure) -> Answer:
        first = request.updates[0]
        if self._lookups.sees(first.sku) and not self._nodes.can_show(self.to_show(first)):
            return lookups.no_breakdown(request, response)
        return self._lookups.told(request, response, self._is_free)

    def _is_free(self, sku: str) -> bool:
        """Whether no feed is to come that may write the SKU."""
        return not self._earlier.waits and not self._following.carries(sku)

    def _read(self, request: Request, response: Response | Failure) -> Answer:
        levels = lookups.one(request, response)
        if isinstance(levels, Answer):
            return Answer(trouble=levels.trouble)
        first = request.updates[0]
        return Answer(observed=(lookups.observe(first.sku, levels, self.to_show(first)),))

    def _not_let_in(self, response: Response) -> Answer:
        if self._tokens.forget():
            return Answer()
        error = errors.of_body(response.body)
        detail = f"HTTP 401 with new tokens too: {error.detail}"
        return Answer(trouble=Trouble(TroubleKind.REFUSED, error.code or "http_401", detail))

    def _followed(self, request: Request, response: Response | Failure) -> Answer:
        ours = dict(request.params).get("includeDetails") == "true"
        if ours:
            return self._following.told(request, response)
        return self._earlier.told(request, response, self._following.waiting)

    def _sent_feed(self, request: Request, response: Response | Failure) -> Answer:
        if isinstance(response, Failure):
            self._earlier.asks |= response.code not in statuses.NEVER_SENT
            return statuses.unanswered(request, response)
        if response.status == TOO_LARGE:
            self._feed_items_max = max(len(request.updates) // 2, 1)
            return Answer()
        if not 200 <= response.status < 300:
            self._earlier.asks |= response.status >= 500
            return errors.refused(request, response)
        feed_id = feeds.accepted_as(response)
        if feed_id is None:
            self._earlier.asks = True
            return writes.not_understood(request, response)
        for update in request.updates:
            self._overtook.pop(update.sku, None)
        return self._following.accepted(feed_id, request.updates)

    def _wrote(self, request: Request, response: Response | Failure) -> Answer:
        update = request.updates[0]
        answer = writes.written(request, response)
        for outcome in answer.outcomes:
            if outcome.kind is not OutcomeKind.RETRYABLE:
                self._following.alone.discard(update.sku)
            if outcome.kind is OutcomeKind.UNMAPPED:
                self._lookups.forget(update.sku)
            if outcome.kind is OutcomeKind.APPLIED:
                return msgspec.structs.replace(answer, outcomes=(self._applied(outcome),))
        return answer

    def _applied(self, outcome: Outcome) -> Outcome:
        """What is still to come from a feed may overwrite it: it is written again then."""
        update = outcome.update
        if self._is_free(update.sku):
            self._overtook.pop(update.sku, None)
            return outcome
        self._overtook[update.sku] = update.version
        (waits,) = self._following.waiting((update,), "written before a feed that may undo it")
        return waits

    # Credentials and budgets.

    def authorize(self, request: Request, now_s: int, nonce: str) -> Request:
        """See ``Adapter.authorize``."""
        self._pace.time_is(now_s)
        self._pace.sent(request)
        return self._access.sign(request, nonce)

    def renewal(self, now_s: int) -> Request | None:
        """See ``Renewing.renewal``."""
        self._pace.time_is(now_s)
        return self._access.renewal(now_s)

    def charges(self, request: Request) -> tuple[Charge, ...]:
        """See ``Metered.charges``."""
        return (self._budgets.charge(request),)
