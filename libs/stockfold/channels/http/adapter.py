"""The adapter of one receiver of signed JSON.

Versions order what is written, so nothing has to be waited for: a newer version of a SKU is written
while an older one is still being carried out, and the receiver drops the older one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

import msgspec

from stockfold.channels.http import answers, showing, signing, wire
from stockfold.channels.http.options import HttpOptions
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
)
from stockfold.channels.statuses import unanswered
from stockfold.channels.unread import NothingRead
from stockfold.domain.errors import SettingsError

UNCLEAR_MAX = 256
"""Messages whose fate is unclear and whose ids are kept; only a few are ever under way."""
_JSON = (("content-type", "application/json"),)


class _Unclear(msgspec.Struct, frozen=True):
    """A message that has no understood answer yet."""

    message_id: str
    skus: frozenset[str]


class _Accepted(msgspec.Struct, frozen=True):
    """What the receiver has taken, and will do."""

    ticket: str
    version: int
    shown: Shown


class HttpChannel:
    """See ``stockfold.channels.port.Adapter`` and ``Metered``.

    ``secret`` gives the keys that messages are signed with, and is asked for each message. Keeps
    the ids of messages whose fate is unclear, what was accepted and is not yet done, and which SKUs
    it has asked for: as many as the receiver lists.
    """

    assurance = Assurance.CONTRACT

    def __init__(
        self,
        channel: str,
        url: str,
        secret: Callable[[], str],
        options: HttpOptions,
        location_names: Mapping[str, str],
    ) -> None:
        self._channel = channel
        self._url = url
        self._secret = secret
        self._options = options
        self._location_names = location_names
        self._keys = signing.keys_of(secret(), f"channel {channel}")
        self._items_max = options.items_max
        self._unclear: OrderedDict[bytes, _Unclear] = OrderedDict()
        self._accepted: dict[str, _Accepted] = {}
        self._known: set[str] = set()
        self.requests_in_flight_max = options.in_flight_max

    def to_show(self, update: StockUpdate) -> Shown:
        """See ``Adapter.to_show``."""
        return showing.show(update, self._location_names)

    def next_request(self, due: Sequence[StockUpdate], items_max: int = 100) -> Request | None:
        """See ``Adapter.next_request``: the first update decides what is asked or written."""
        if not due:
            return None
        first = due[0]
        ticket = self._ticket_of(first)
        company = [u for u in due if u.failures == first.failures and self._ticket_of(u) == ticket]
        if ticket:
            return self._ask(ticket, company)
        size = max(min(self._items_max, items_max) >> first.failures, 1)
        if self._is_known(first):
            return self._write([u for u in company if self._is_known(u)][:size])
        unknown = [update for update in company if not self._is_known(update)]
        return self._look(Purpose.LOOK_UP, unknown[:size])

    def _is_known(self, update: StockUpdate) -> bool:
        """Whether it may be written: what a write takes away must be known to the guards."""
        return not self._options.reads or update.sku in self._known

    def _ticket_of(self, update: StockUpdate) -> str:
        """The ticket under which exactly this was accepted; empty when it has to be written."""
        accepted = self._accepted.get(update.sku)
        same = accepted is not None and (accepted.version, accepted.shown) == (
            update.version,
            self.to_show(update),
        )
        return accepted.ticket if accepted is not None and same else ""

    def _write(self, updates: Sequence[StockUpdate]) -> Request:
        items = tuple(showing.item(update, self.to_show(update)) for update in updates)
        message = wire.Availability(wire.Items(self._channel, items))
        return self._message(Purpose.WRITE, message, updates)

    def _ask(self, ticket: str, updates: Sequence[StockUpdate]) -> Request:
        message = wire.AskResults(wire.Asked(self._channel, ticket))
        return self._message(Purpose.FOLLOW, message, updates)

    def _look(self, purpose: Purpose, updates: Sequence[StockUpdate]) -> Request:
        skus = tuple(update.sku for update in updates)
        return self._message(purpose, wire.AskListings(wire.Skus(self._channel, skus)), updates)

    def _message(
        self, purpose: Purpose, message: msgspec.Struct, updates: Sequence[StockUpdate] = ()
    ) -> Request:
        return Request(
            purpose,
            self._options.method,
            self._options.path,
            tuple(updates),
            headers=_JSON,
            body=msgspec.json.encode(message),
        )

    def read(self, updates: Sequence[StockUpdate]) -> Request:
        """See ``Adapter.read``."""
        return self._look(Purpose.READ, updates[: self._items_max])

    def changed_orders(self, after_us: int) -> NothingRead:
        """See ``Adapter.changed_orders``."""
        del after_us
        return NothingRead()

    def probe(self, due: Sequence[StockUpdate]) -> Request:
        """See ``Adapter.probe``: a message without items."""
        del due
        return self._message(Purpose.LOOK_UP, wire.Availability(wire.Items(self._channel, ())))

    def receive(self, request: Request, response: Response | Failure) -> Answer:
        """See ``Adapter.receive``."""
        if isinstance(response, Failure):
            return unanswered(request, response)
        if response.status == 413 and request.updates:
            answer, ticket = self._too_large(request), ""
        else:
            answer, ticket = answers.read(request, response, self.to_show)
        if answer.trouble is None:
            self._learn(request, response, answer, ticket)
        return answer

    def _learn(self, request: Request, response: Response, answer: Answer, ticket: str) -> None:
        self._unclear.pop(request.body or b"", None)
        if request.purpose is Purpose.LOOK_UP and response.status != 413:
            self._known.update(update.sku for update in request.updates)
        for outcome in answer.outcomes:
            self._keep_accepted(outcome, ticket)
            if outcome.kind is OutcomeKind.UNMAPPED:
                self._known.discard(outcome.update.sku)

    def _too_large(self, request: Request) -> Answer:
        """Take smaller messages from now on: a receiver's limit does not change by the minute."""
        count = len(request.updates)
        if count == 1:
            detail = "HTTP 413 for a single item"
            return Answer((Outcome(request.updates[0], OutcomeKind.REJECTED, "too_large", detail),))
        self._items_max = min(self._items_max, count // 2)
        return Answer()

    def _keep_accepted(self, outcome: Outcome, ticket: str) -> None:
        update = outcome.update
        if outcome.kind is OutcomeKind.ACCEPTED:
            self._accepted[update.sku] = _Accepted(ticket, update.version, self.to_show(update))
        else:
            self._accepted.pop(update.sku, None)

    def authorize(self, request: Request, now_s: int, nonce: str) -> Request:
        """See ``Adapter.authorize``. A message whose fate is unclear keeps its id."""
        body = request.body or b""
        message_id = self._id_of(request, body, nonce)
        self._renew_keys()
        signed = (
            (self._options.id_header, message_id),
            (self._options.timestamp_header, str(now_s)),
            (
                self._options.signature_header,
                signing.signature(self._keys, message_id, now_s, body),
            ),
        )
        return msgspec.structs.replace(request, headers=(*request.headers, *signed))

    def _id_of(self, request: Request, body: bytes, nonce: str) -> str:
        """What was said of these SKUs before is meant anew when it is said once more after this."""
        skus = frozenset(update.sku for update in request.updates)
        if request.purpose is Purpose.WRITE:
            for other in [b for b, one in self._unclear.items() if b != body and one.skus & skus]:
                del self._unclear[other]
        kept = self._unclear.setdefault(body, _Unclear(f"msg_{nonce}", skus))
        self._unclear.move_to_end(body)
        if len(self._unclear) > UNCLEAR_MAX:
            self._unclear.popitem(last=False)
        return kept.message_id

    def _renew_keys(self) -> None:
        """A file that is just being replaced must not stop the channel: the keys at hand hold."""
        try:
            self._keys = signing.keys_of(self._secret(), f"channel {self._channel}")
        except SettingsError:
            return

    def charges(self, request: Request) -> tuple[Charge, ...]:
        """See ``Metered.charges``."""
        del request
        rate = self._options.requests_per_s
        if not rate:
            return ()
        return (Charge(f"http {self._url}{self._options.path}", rate, max(rate, 1.0)),)
