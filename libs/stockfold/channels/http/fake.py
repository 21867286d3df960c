"""A receiver in memory that keeps the contract of ``infra/docs/channel-http.md`` to the letter.

It checks signatures by its own means.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

from stockfold.channels.conformance import Fault, Sent
from stockfold.channels.http.wire import (
    AskListings,
    AskResults,
    Availability,
    Item,
    Result,
    Results,
)
from stockfold.channels.port import Response

ITEMS_MAX = 100
BODY_BYTES_MAX = 1 << 20
TOLERANCE_S = 300
"""Older and newer messages are refused, as the specification advises."""
LATER_FROM = 20
"""A message of so many items is accepted, and carried out ``LATER_S`` afterwards."""
LATER_S = 6.0
_KEY = hashlib.sha256(b"a receiver in memory").digest()
_HTML = b"<!doctype html><title>Please sign in</title>"


_INSTEAD: dict[Fault | None, Response] = {
    Fault.THROTTLED: Response(429, {"retry-after": "2"}, b""),
    Fault.UNAVAILABLE: Response(503, {}, b"closed for a while"),
    Fault.GARBAGE: Response(200, {"content-type": "text/html"}, _HTML),
    Fault.EXPIRED: Response(401, {}, b"the secret is not valid any more"),
}
"""What comes of a fault that does nothing."""


class _Listing(msgspec.Struct):
    quantity: int = 0
    at: dict[str, int] = {}
    told: tuple[int, int] = (0, 0)
    """Version and time of what was last taken: what is older changes nothing."""


class _Job(msgspec.Struct):
    due_s: float
    items: Sequence[Item]
    sent_s: int
    results: Results | None = None


class HttpReceiver:
    """See ``stockfold.channels.conformance.Subject``."""

    url = "https://receiver.example"
    options: Mapping[str, object] = {}
    credentials: Mapping[str, str] = {"secret": f"whsec_{base64.b64encode(_KEY).decode()}"}
    locations: Mapping[str, str] = {"berlin": "B-1", "hamburg": "H-1"}

    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0
        self._listings: dict[str, _Listing] = {}
        self._spoiled: set[str] = set()
        self._jobs: dict[str, _Job] = {}
        self._faults: list[Fault] = []
        self._writes: list[tuple[str, int]] = []
        self._items_most = 0

    # The merchant and the customers.

    def list(
        self, sku: str, quantity: int = 0, per_location: Mapping[str, int] | None = None
    ) -> None:
        """See ``Subject.list``."""
        at = dict(per_location or {})
        self._listings[sku] = _Listing(sum(at.values()) if at else quantity, at)

    def unlist(self, sku: str) -> None:
        """See ``Subject.unlist``."""
        self._listings.pop(sku, None)

    def spoil(self, sku: str) -> None:
        """See ``Subject.spoil``."""
        self._spoiled.add(sku)

    def sell(self, sku: str, units: int) -> None:
        """See ``Subject.sell``."""
        self._listings[sku].quantity -= units

    def shows(self, sku: str) -> int | None:
        """See ``Subject.shows``."""
        listing = self._listings.get(sku)
        return None if listing is None else listing.quantity

    def shows_at(self, sku: str) -> Mapping[str, int]:
        """See ``Subject.shows_at``."""
        listing = self._listings.get(sku)
        return {} if listing is None else dict(listing.at)

    def fail(self, fault: Fault, times: int = 1) -> None:
        """See ``Subject.fail``."""
        self._faults += [fault] * times

    @property
    def writes(self) -> tuple[tuple[str, int], ...]:
        """See ``Subject.writes``."""
        return tuple(self._writes)

    @property
    def items_most(self) -> int:
        """See ``Subject.items_most``."""
        return self._items_most

    def advance(self, seconds: float) -> None:
        """See ``Subject.advance``."""
        self.now_s += seconds
        for job in self._jobs.values():
            if job.results is None and job.due_s <= self.now_s:
                job.results = Results(tuple(self._apply(one, job.sent_s) for one in job.items))

    # The interface.

    def answer(self, sent: Sent) -> Response | None:
        """See ``Subject.answer``."""
        refused = _address(sent) or self._sender(sent)
        if refused is not None:
            return refused
        try:
            message = msgspec.json.decode(sent.body, type=Availability | AskResults | AskListings)
        except msgspec.DecodeError as error:
            return _said(400, f"no message: {error}")
        if isinstance(message, AskResults):
            return self._told(message.data.ticket)
        asked = message.data.skus if isinstance(message, AskListings) else ()
        items = message.data.items if isinstance(message, Availability) else ()
        refused = self._too_many([*asked, *(item.sku for item in items)])
        if refused is not None:
            return refused
        fault = self._faults.pop(0) if self._faults and (asked or items) else None
        if fault in _INSTEAD:
            return _INSTEAD[fault]
        answer = self._told_of(asked) if asked else self._taken(items, sent, fault)
        return None if fault is Fault.LOST else answer

    def _sender(self, sent: Sent) -> Response | None:
        """The answer to a message that does not prove where and when it comes from."""
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        if any(not sent.headers.get(name) for name in names):
            return _said(401, "a header is missing")
        message_id, sent_s, signatures = (sent.headers[name] for name in names)
        if not sent_s.isdecimal() or abs(int(sent_s) - self.now_s) > TOLERANCE_S:
            return _said(401, "too old, or from the future")
        signed = b".".join((message_id.encode(), sent_s.encode(), sent.body))
        wanted = base64.b64encode(hmac.digest(_KEY, signed, "sha256"))
        given = [one.partition(",") for one in signatures.split(" ")]
        if any(v == "v1" and hmac.compare_digest(s.encode(), wanted) for v, _, s in given):
            return None
        return _said(401, "no signature fits")

    def _too_many(self, skus: Sequence[str]) -> Response | None:
        if len(set(skus)) < len(skus):
            return _said(400, "a SKU is there twice")
        if len(skus) > ITEMS_MAX:
            return _said(413, f"more than {ITEMS_MAX} items")
        self._items_most = max(self._items_most, len(skus))
        return None

    def _taken(self, items: Sequence[Item], sent: Sent, fault: Fault | None) -> Response:
        sent_s = int(sent.headers["webhook-timestamp"])
        if fault is Fault.BROKEN:
            self._done(items[: len(items) // 2], sent_s)
            return _said(502, "broken off")
        if len(items) < LATER_FROM:
            return _json(200, self._done(items, sent_s))
        return _json(202, self._later(items, sent_s))

    def _told_of(self, skus: Sequence[str]) -> Response:
        shown = ((sku, self.shows(sku)) for sku in skus)
        told = (Result(s, "unmapped" if n is None else "shown", quantity=n) for s, n in shown)
        return _json(200, Results(tuple(told)))

    def _done(self, items: Sequence[Item], sent_s: int) -> Results:
        return Results(tuple(self._apply(item, sent_s) for item in items))

    def _later(self, items: Sequence[Item], sent_s: int) -> Results:
        ticket = f"job-{len(self._jobs) + 1}"
        self._jobs[ticket] = _Job(self.now_s + LATER_S, items, sent_s)
        return self._pending(ticket)

    def _pending(self, ticket: str) -> Results:
        job = self._jobs[ticket]
        wait_s = max(job.due_s - self.now_s, 0.0)
        accepted = (Result(one.sku, "accepted", retry_after_s=wait_s) for one in job.items)
        return Results(tuple(accepted), ticket)

    def _told(self, ticket: str) -> Response:
        job = self._jobs.get(ticket)
        if job is None:
            return _json(200, Results(()))
        return _json(200, job.results or self._pending(ticket))

    def _apply(self, item: Item, sent_s: int) -> Result:
        listing = self._listings.get(item.sku)
        if listing is None:
            return Result(item.sku, "unmapped", "no_listing", "nothing is listed under this SKU")
        if item.sku in self._spoiled:
            return Result(item.sku, "rejected", "blocked", "this listing is blocked")
        if (item.version, sent_s) < listing.told:
            newest = listing.told[0]
            return Result(item.sku, "stale", version=newest, quantity=listing.quantity)
        listing.told, listing.quantity = (item.version, sent_s), item.quantity
        listing.at = {one.location: one.quantity for one in item.locations}
        self._writes.append((item.sku, item.quantity))
        return Result(item.sku, "applied", quantity=item.quantity)


def _address(sent: Sent) -> Response | None:
    """The answer to what is no message to the receiver at all."""
    if urlsplit(sent.url).path != "/stockfold":
        return _said(404, "nothing is here")
    if sent.method != "POST":
        return _said(405, "POST alone is taken")
    if sent.headers.get("content-type") != "application/json":
        return _said(415, "JSON alone is taken")
    return _said(413, "too many bytes") if len(sent.body) > BODY_BYTES_MAX else None


def _said(status: int, message: str) -> Response:
    return _json(status, {"message": message})


def _json(status: int, body: object) -> Response:
    return Response(status, {"content-type": "application/json"}, msgspec.json.encode(body))
