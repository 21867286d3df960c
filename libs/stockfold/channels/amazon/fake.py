"""An imitation of Amazon's Selling Partner API, built from its models and documentation.

Strict as the models are: what they do not name is refused. What they leave open (how long a patch
or a feed takes) is assumed, and said where it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from stockfold.channels.amazon import operations
from stockfold.channels.amazon.fake_access import Access
from stockfold.channels.amazon.fake_feeds import FeedsApi
from stockfold.channels.amazon.fake_listings import ListingsApi
from stockfold.channels.amazon.fake_store import (
    SKU_CHARACTERS_MAX,
    Listed,
    RefusalError,
    Store,
    wrong,
)
from stockfold.channels.amazon.operations import Operation
from stockfold.channels.conformance import Fault, Sent
from stockfold.channels.port import Purpose, Request, Response

URL = "https://sellingpartnerapi-eu.amazon.test"
SELLER = "A1B2C3D4E5F6G7"
MARKETPLACES = ("A1PA6795UKMFR9", "A1RKKUPIHCS9HS")
BEGAN_S = 1_795_600_000.0
CODE = "DEFAULT"
_WRITES = frozenset({"patchListingsItem", "createFeed"})
_WRONG = ((operations.LISTINGS, "BAD_REQUEST"), ("/feeds/", "400"))
_PAGE = b"<html><body>Robot check</body></html>"


class Imitation:
    """See ``stockfold.channels.conformance.Subject``."""

    def __init__(self, marketplaces: tuple[str, ...] = MARKETPLACES) -> None:
        self.url = URL
        self.credentials: Mapping[str, str] = {
            "client_id": "amzn1.application-oa2-client.1",
            "client_secret": "amzn1.oa2-cs.v1.1",
            "refresh_token": "Atzr|1",
        }
        self.options: Mapping[str, object] = {
            "seller": SELLER,
            "marketplaces": list(marketplaces),
            "token_url": f"{URL}/auth/o2/token",
        }
        self.locations: Mapping[str, str] = {}
        self.store = Store(BEGAN_S)
        self.access = Access(self.store, self.credentials)
        self.feeds = FeedsApi(self.store, URL, SELLER, marketplaces)
        self._listings = ListingsApi(self.store, marketplaces)
        self._faults: list[Fault] = []

    # What a merchant and customers do.

    @property
    def now_s(self) -> float:
        """See ``Subject.now_s``."""
        return self.store.now_s

    def advance(self, seconds: float) -> None:
        """See ``Subject.advance``."""
        self.store.advance(seconds)

    def list(
        self, sku: str, quantity: int = 0, per_location: Mapping[str, int] | None = None
    ) -> None:
        """See ``Subject.list``."""
        if not 1 <= len(sku) <= SKU_CHARACTERS_MAX or sku != sku.strip():
            raise ValueError(f"no seller could give the SKU {sku!r}")
        del per_location
        self.store.listings[sku] = Listed(f"B{self.store.number():09d}", {CODE: quantity})

    def unlist(self, sku: str) -> None:
        """See ``Subject.unlist``."""
        self.store.listings.pop(sku, None)

    def spoil(self, sku: str) -> None:
        """See ``Subject.spoil``."""
        self.store.spoiled.add(sku)

    def sell(self, sku: str, units: int) -> None:
        """See ``Subject.sell``: what is ordered is counted off what is shown."""
        quantities = self.store.listings[sku].quantities
        quantities[CODE] = max(quantities[CODE] - units, 0)

    def shows(self, sku: str) -> int | None:
        """See ``Subject.shows``."""
        listed = self.store.listings.get(sku)
        return None if listed is None else listed.quantities.get(CODE)

    def shows_at(self, sku: str) -> Mapping[str, int]:
        """See ``Subject.shows_at``: there are no locations."""
        del sku
        return {}

    def fail(self, fault: Fault, times: int = 1) -> None:
        """See ``Subject.fail``. What loses or breaks an answer waits for a write."""
        self._faults += [fault] * times

    @property
    def writes(self) -> tuple[tuple[str, int], ...]:
        """See ``Subject.writes``."""
        return tuple(self.store.writes)

    @property
    def items_most(self) -> int:
        """See ``Subject.items_most``."""
        return self.store.items_most

    # What comes over the wire.

    def answer(self, sent: Sent) -> Response | None:
        """See ``Subject.answer``."""
        parts = urlsplit(sent.url)
        if parts.path == "/auth/o2/token":
            return _response(*self.access.grant(sent.headers, sent.body))
        if parts.path.startswith("/presigned/"):
            number = parts.path.rsplit("/", 1)[-1]
            status, body = self.feeds.carry(sent.method, number, sent.headers, sent.body)
            return Response(status, {"content-type": "application/xml"}, body)
        operation = operations.operation_of(Request(Purpose.LOOK_UP, sent.method, parts.path, ()))
        assert operation is not None
        fault = self._fault(operation, sent)
        if fault is Fault.EXPIRED:
            self.access.expire()
        early = _early(fault)
        if early is not None:
            return early
        answer = self._served(operation, sent, dict(parse_qsl(parts.query)), parts.path)
        if fault is Fault.LOST:
            return None
        return _response(500, _errors("InternalFailure", "")) if fault is Fault.BROKEN else answer

    def _fault(self, operation: Operation, sent: Sent) -> Fault | None:
        if not self._faults:
            return None
        needs_write = self._faults[0] in (Fault.LOST, Fault.BROKEN)
        waits = needs_write and not self._is_write(operation, sent)
        return None if waits else self._faults.pop(0)

    def _is_write(self, operation: Operation, sent: Sent) -> bool:
        del sent
        return operation.name in _WRITES

    def _served(
        self, operation: Operation, sent: Sent, params: Mapping[str, str], path: str
    ) -> Response:
        try:
            self.access.check(sent.headers)
            self.access.draw(operation)
            status, body = self._routed(operation, sent, params, path)
        except RefusalError as refusal:
            error = dict(refusal.error)
            if refusal.status == 400:
                # Each interface has a word of its own for what is wrong.
                error["code"] = next((c for p, c in _WRONG if path.startswith(p)), error["code"])
            return _response(refusal.status, {"errors": [error]})
        return _response(status, body, {operations.RATE_HEADER: f"{operation.per_s}"})

    def _routed(
        self, operation: Operation, sent: Sent, params: Mapping[str, str], path: str
    ) -> tuple[int, Any]:
        last = unquote(path.rsplit("/", 1)[-1])
        if path.startswith(operations.LISTINGS) and f"/{SELLER}" not in path:
            raise wrong("sellerId")
        asked: dict[str, Callable[[], tuple[int, Any]]] = {
            "patchListingsItem": lambda: self._listings.patch(last, params, self._json(sent)),
            "getListingsItem": lambda: self._listings.get(last, params),
            "searchListingsItems": lambda: self._listings.search(params),
            "createFeedDocument": lambda: self.feeds.create_document(self._json(sent)),
            "createFeed": lambda: self.feeds.create_feed(self._json(sent)),
            "getFeed": lambda: self.feeds.get_feed(last),
            "getFeeds": lambda: self.feeds.list_feeds(params),
            "getFeedDocument": lambda: self.feeds.get_document(last),
        }
        if operation.name not in asked:
            raise RefusalError(404, "NotFound", f"{sent.method} {path}")
        return asked[operation.name]()

    @staticmethod
    def _json(sent: Sent) -> Any:
        if sent.headers.get("content-type", "").split(";")[0] != "application/json":
            raise RefusalError(415, "UnsupportedMediaType", "The Content-Type header is invalid")
        try:
            return msgspec.json.decode(sent.body)
        except msgspec.DecodeError as error:
            raise wrong(str(error)) from error


def _early(fault: Fault | None) -> Response | None:
    if fault is Fault.THROTTLED:
        message = "You exceeded your quota for the requested resource."
        return _response(429, _errors("QuotaExceeded", message))
    if fault is Fault.UNAVAILABLE:
        return _response(503, _errors("ServiceUnavailable", "Service is temporarily unavailable."))
    if fault is Fault.GARBAGE:
        return Response(200, {"content-type": "text/html"}, _PAGE)
    return None


def _errors(code: str, message: str) -> dict[str, Any]:
    return {"errors": [{"code": code, "message": message, "details": ""}]}


def _response(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:
    told = {"content-type": "application/json", "x-amzn-requestid": "1", **(headers or {})}
    return Response(status, told, json.dumps(body).encode())
