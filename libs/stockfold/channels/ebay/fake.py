"""An imitation of eBay, as far as the adapter and the conformance suite need it.

Strict: fields, types, limits, tokens and counts are checked as the published description has them.
Its time goes on by ``advance`` alone.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import msgspec

from stockfold.channels.conformance import Allowance, Fault, Sent
from stockfold.channels.ebay.fake_items import (
    SKU_CHARACTERS_MAX,
    FakeItem,
    FakeOffer,
    RefusedError,
    Store,
    check_call,
    check_skus,
    error,
)
from stockfold.channels.port import Response

TOKEN_S = 7_200
SCOPE = "https://api.ebay.com/oauth/api_scope/sell.inventory"
BEGIN_S = 1_767_225_600
"""2026-01-01 UTC."""
CALLS_PER_S, CALLS_BURST = 20.0, 40.0
_BASE = "/sell/inventory/v1"
_QUERY = frozenset({"sku", "marketplace_id", "format", "limit", "offset"})


class FakeEbay:
    """See ``stockfold.channels.conformance.Subject``.

    ``skus_per_call`` is how many SKUs one bulk_update_price_quantity may have: of the two numbers
    that eBay documents, the guide's. With ``passes_over`` it does the first and says nothing of
    the others, instead of refusing the call.
    """

    url = "https://api.ebay.example"
    credentials: Mapping[str, str] = {
        "client_id": "Imitated-Stockfold-PRD-1",
        "client_secret": "PRD-imitated-secret",
        "refresh_token": "v^1.1#imitated-refresh-token",
    }
    locations: Mapping[str, str] = {"berlin": "WH-BER", "hamburg": "WH-HAM"}

    def __init__(self, skus_per_call: int = 25, *, passes_over: bool = False) -> None:
        self.options: Mapping[str, object] = {"account": "seller", "items_per_call": 25}
        self.store = Store(set(self.locations.values()))
        self.calls: list[str] = []
        self.items_most = 0
        self._skus_per_call = skus_per_call
        self._passes_over = passes_over
        self._now_s = float(BEGIN_S)
        self._tokens: dict[str, float] = {}
        self._faults: list[Fault] = []
        self._tokens_made = self._offers_made = 0
        self._allowance = Allowance(CALLS_PER_S, CALLS_BURST, self._now_s)

    # The merchant, the customers, and time.

    @property
    def now_s(self) -> float:
        """Its time."""
        return self._now_s

    @property
    def today(self) -> date:
        """The day that its revisions are counted in."""
        return datetime.fromtimestamp(self._now_s, ZoneInfo("America/Los_Angeles")).date()

    def advance(self, seconds: float) -> None:
        """See ``Subject.advance``."""
        self._now_s += seconds

    def list(
        self, sku: str, quantity: int = 0, per_location: Mapping[str, int] | None = None
    ) -> None:
        """See ``Subject.list``."""
        if not 0 < len(sku) <= SKU_CHARACTERS_MAX:
            raise ValueError(f"a SKU has at most {SKU_CHARACTERS_MAX} characters there")
        item = self.store.items.setdefault(sku, FakeItem(sku))
        item.quantity, item.locations = quantity, dict(per_location or {})
        if not item.live:
            self.offer(sku, quantity)
        for offer in item.live:
            offer.quantity = quantity

    def offer(self, sku: str, quantity: int, *, auction: bool = False) -> FakeOffer:
        """The merchant publishes one more offer of an item."""
        self._offers_made += 1
        number = self._offers_made
        made = FakeOffer(str(36_000_000_000 + number), str(110_000_000_000 + number), sku, quantity)
        made.auction = auction
        self.store.items[sku].offers.append(made)
        return made

    def unlist(self, sku: str) -> None:
        """See ``Subject.unlist``: its offers are withdrawn and deleted, the item stays."""
        self.store.items[sku].offers.clear()

    def spoil(self, sku: str) -> None:
        """See ``Subject.spoil``."""
        self.store.items[sku].spoiled = True

    def sell(self, sku: str, units: int) -> None:
        """See ``Subject.sell``: of both quantities, and of the first location that has some."""
        item = self.store.items[sku]
        offer = item.live[0]
        taken = min(units, item.quantity, offer.quantity)
        item.quantity -= taken
        offer.quantity -= taken
        offer.sold += taken
        for key, held in item.locations.items():
            here = min(held, taken)
            item.locations[key] = held - here
            taken -= here

    def shows(self, sku: str) -> int | None:
        """See ``Subject.shows``."""
        item = self.store.items.get(sku)
        return None if item is None else item.shows

    def shows_at(self, sku: str) -> Mapping[str, int]:
        """See ``Subject.shows_at``."""
        item = self.store.items.get(sku)
        return {} if item is None else dict(item.locations)

    def fail(self, fault: Fault, times: int = 1) -> None:
        """See ``Subject.fail``."""
        self._faults += [fault] * times

    @property
    def writes(self) -> tuple[tuple[str, int], ...]:
        """See ``Subject.writes``."""
        return tuple(self.store.writes)

    # The wire.

    def answer(self, sent: Sent) -> Response | None:
        """See ``Subject.answer``."""
        place = urlsplit(sent.url)
        self.calls.append(f"{sent.method} {place.path}")
        if place.path == "/identity/v1/oauth2/token":
            return self._token(sent)
        fault = self._faults.pop(0) if self._faults else None
        if fault is Fault.EXPIRED:
            self._tokens.clear()
        token = sent.headers.get("authorization", "").removeprefix("Bearer ")
        if self._tokens.get(token, 0.0) <= self._now_s:
            return _errors(401, {**error(1001, "Invalid access token"), "domain": "OAuth"})
        if fault is Fault.THROTTLED or not self._allowance.take(self._now_s):
            told = error(2001, "Too many requests. The request limit has been reached.")
            return _errors(429, {**told, "domain": "ACCESS"})
        if fault is Fault.UNAVAILABLE:
            return _errors(503, error(25001, "A system error has occurred.", "APPLICATION"))
        if fault is Fault.GARBAGE:
            return Response(200, {"content-type": "text/html"}, b"<html>We'll be back</html>")
        answer = self._done(sent, place.path, place.query, broken=fault is Fault.BROKEN)
        return None if fault is Fault.LOST else answer

    def _token(self, sent: Sent) -> Response:
        pair = f"{self.credentials['client_id']}:{self.credentials['client_secret']}"
        basic = f"Basic {base64.b64encode(pair.encode()).decode()}"
        if sent.method != "POST" or sent.headers.get("authorization") != basic:
            told = {"error": "invalid_client", "error_description": "client authentication failed"}
            return _json(401, told)
        form = dict(parse_qsl(sent.body.decode()))
        wanted = {
            "grant_type": "refresh_token",
            "refresh_token": self.credentials["refresh_token"],
            "scope": SCOPE,
        }
        if sent.headers.get("content-type") != "application/x-www-form-urlencoded":
            return _json(400, {"error": "invalid_request"})
        if form != wanted:
            told = {"error": "invalid_grant", "error_description": "the token is not valid"}
            return _json(400, told)
        self._tokens_made += 1
        token = f"v^1.1#imitated-access-token-{self._tokens_made}"
        self._tokens[token] = self._now_s + TOKEN_S
        return _json(
            200,
            {"access_token": token, "expires_in": TOKEN_S, "token_type": "User Access Token"},
        )

    def _done(self, sent: Sent, path: str, query: str, *, broken: bool) -> Response:
        try:
            match sent.method, path.removeprefix(_BASE):
                case "GET", "/offer":
                    answer = self._offers(query)
                case "POST", "/bulk_get_inventory_item":
                    answer = _rows(self.store.items_told(check_skus(_body(sent))))
                case "POST", "/bulk_update_price_quantity":
                    answer = self._update(_body(sent), broken=broken)
                case _:
                    return Response(404, {}, b"")
        except RefusedError as refused:
            return _errors(404 if refused.error["errorId"] == 25713 else 400, refused.error)
        if broken:
            return _errors(500, error(25001, "A system error has occurred.", "APPLICATION"))
        return answer

    def _offers(self, query: str) -> Response:
        asked = parse_qs(query, keep_blank_values=True)
        sku = asked.get("sku", [""])[0]
        if not asked.keys() <= _QUERY or not 0 < len(sku) <= SKU_CHARACTERS_MAX:
            raise RefusedError(25709, "Invalid value for sku.")
        item = self.store.items.get(sku)
        if item is None or not item.offers:
            raise RefusedError(25713, "This Offer is not available : null.")
        rows = [offer.as_json() for offer in item.offers]
        return _json(200, {"total": len(rows), "size": len(rows), "limit": 100, "offers": rows})

    def _update(self, body: Any, *, broken: bool) -> Response:
        most = 25 if self._passes_over else self._skus_per_call
        wanted = check_call(body, most)
        self.items_most = max(self.items_most, len(wanted))
        done = wanted[: self._skus_per_call]
        if broken:
            done = wanted[: (len(wanted) + 1) // 2]
        return _rows([told for row in done for told in self.store.write(row, self.today)])


def _body(sent: Sent) -> Any:
    if not sent.headers.get("content-type", "").startswith("application/json"):
        raise RefusedError(25709, "Invalid value for header Content-Type.")
    try:
        return msgspec.json.decode(sent.body)
    except msgspec.DecodeError as wrong:
        raise RefusedError(25709, f"Invalid request. {wrong}") from wrong


def _rows(rows: Any) -> Response:
    whole = all(row["statusCode"] == 200 for row in rows)
    return _json(200 if whole else 207, {"responses": rows})


def _errors(status: int, *errors: Mapping[str, Any]) -> Response:
    return _json(status, {"errors": list(errors)})


def _json(status: int, body: object) -> Response:
    return Response(status, {"content-type": "application/json"}, msgspec.json.encode(body))
