"""The adapter of one connection to External Fulfillment: looks up, then writes by location."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from stockfold.channels.amazon import answers, external
from stockfold.channels.amazon.access import AmazonAccess
from stockfold.channels.amazon.external import BATCH_MAX, Inventory, Part
from stockfold.channels.amazon.options import ExternalOptions
from stockfold.channels.amazon.showing import units_of
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
from stockfold.channels.unread import NothingRead
from stockfold.domain.errors import SettingsError

NOWHERE = "DEFAULT"


class ExternalFulfillment(AmazonAccess):
    """See ``stockfold.channels.port.Adapter``, ``Renewing`` and ``Metered``.

    ``locations`` are (ours, Amazon's id). Keeps which SKUs Amazon knows.
    """

    assurance = Assurance.UNVERIFIED
    requests_in_flight_max = 4

    def __init__(
        self,
        url: str,
        options: ExternalOptions,
        credential: Callable[[str], str],
        locations: Mapping[str, str],
    ) -> None:
        super().__init__(url, options.seller, options.token_url, credential)
        names = tuple(dict.fromkeys(locations.values()))
        self._main = options.location or (names[0] if names else NOWHERE)
        places = names if self._main in names else (self._main, *names)
        if len(places) > BATCH_MAX:
            raise SettingsError(
                f"{len(places)} locations are named, and Amazon takes {BATCH_MAX} in a request",
                where="[channels.location_names]",
                remedy="Name fewer, or make two channels of them.",
            )
        self._locations = locations
        self._inventory = Inventory(
            places, options.marketplace, options.channel_name, options.sequence_base
        )
        self._known: set[str] = set()

    def to_show(self, update: StockUpdate) -> Shown:
        """See ``Adapter.to_show``: the units of each location, together never more than all."""
        left = units_of(update)
        told = dict.fromkeys(self._inventory.places, 0)
        by_place = () if update.restored is not None else update.locations
        for location, units in by_place or ((None, left),):
            place = self._main if location is None else self._locations.get(location)
            if place is not None:
                taken = min(max(units, 0), left)
                told[place] += taken
                left -= taken
        return Shown(sum(told.values()), locations=tuple(told.items()))

    def changed_orders(self, after_us: int) -> NothingRead:
        """See ``Adapter.changed_orders``: Amazon counts its own orders off what it sells."""
        del after_us
        return NothingRead()

    def next_request(
        self, due: Sequence[StockUpdate], items_max: int = BATCH_MAX
    ) -> Request | None:
        """See ``Adapter.next_request``."""
        if not due:
            return None
        first = due[0]
        company = [update for update in due if update.failures == first.failures]
        size = max(min(self._inventory.skus_max, items_max) >> first.failures, 1)
        if first.sku not in self._known:
            unknown = [update for update in company if update.sku not in self._known]
            return self._inventory.fetch(Purpose.LOOK_UP, unknown[:size])
        chosen = [update for update in company if update.sku in self._known][:size]
        return self._inventory.update(chosen, [self.to_show(update) for update in chosen])

    def read(self, updates: Sequence[StockUpdate]) -> Request:
        """See ``Adapter.read``."""
        return self._inventory.fetch(Purpose.READ, updates)

    def probe(self, due: Sequence[StockUpdate]) -> Request:
        """See ``Adapter.probe``: one SKU is looked up."""
        return self._inventory.fetch(Purpose.LOOK_UP, due[:1])

    def receive(self, request: Request, response: Response | Failure) -> Answer:
        """See ``Adapter.receive``."""
        if isinstance(response, Failure):
            return answers.unanswered(request, response)
        self._budgets.learn(request, response)
        if not 200 <= response.status < 300:
            return self._refused(request, response)
        self._tokens.taken()
        body = answers.object_of(response)
        parts = None if body is None else external.parts_of(request, body)
        if parts is None:
            return answers.not_understood(request, response)
        if request.purpose is Purpose.WRITE:
            return self._written(request, parts)
        return self._fetched(request, parts)

    def _fetched(self, request: Request, parts: Sequence[Sequence[Part]]) -> Answer:
        outcomes: list[Outcome] = []
        observed: list[Observed] = []
        for update, places in zip(request.updates, parts, strict=True):
            failure = external.failure_of(update, places)
            if failure is None:
                self._known.add(update.sku)
                shows = sum(part.quantity for part in places)
                observed.append(Observed(update.sku, shows, listing=update.sku))
            elif request.purpose is not Purpose.READ:
                outcomes.append(failure)
        return Answer(tuple(outcomes), observed=tuple(observed))

    def _written(self, request: Request, parts: Sequence[Sequence[Part]]) -> Answer:
        outcomes: list[Outcome] = []
        observed: list[Observed] = []
        for update, places in zip(request.updates, parts, strict=True):
            sequence = self._inventory.sequence_base + update.version
            failure = external.failure_of(update, places)
            failure = failure or external.behind(update, places, sequence)
            if failure is None:
                shows = sum(part.quantity for part in places)
                told = self.to_show(update).quantity
                observed.append(Observed(update.sku, shows, listing=update.sku, written=told))
                failure = Outcome(update, OutcomeKind.APPLIED)
            elif failure.kind is OutcomeKind.UNMAPPED:
                self._known.discard(update.sku)
            outcomes.append(failure)
        return Answer(tuple(outcomes), observed=tuple(observed))
