"""Stock → eBay: ``POST bulk_update_price_quantity`` and its answer, row by row.

eBay sells the lesser of the item's ship-to quantity and the offer's own, so both are written. The
answer, HTTP 200 or 207, has a row for each offer, by SKU and offer id; a SKU is written when all
of its offers are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stockfold.channels.ebay import errors
from stockfold.channels.ebay.listings import Listing
from stockfold.channels.port import Outcome, OutcomeKind, Purpose, Request, Shown, StockUpdate

PATH = "/sell/inventory/v1/bulk_update_price_quantity"
REVISION_LIMIT = "revision_limit"
STALE = "stale_offer"
UNANSWERED = "not_answered"
_REPEATED = OutcomeKind.RETRYABLE


def write(wanted: Sequence[tuple[StockUpdate, Listing, Shown]]) -> Request:
    """The call for these."""
    rows = [_row(update.sku, listing, shown) for update, listing, shown in wanted]
    updates = tuple(update for update, _, _ in wanted)
    return Request(Purpose.WRITE, "POST", PATH, updates, json={"requests": rows})


def _row(sku: str, listing: Listing, shown: Shown) -> dict[str, Any]:
    """Fewer units than auctions hold eBay takes as an offer's quantity, but not as ship-to."""
    for_offers = listing.for_offers(shown.quantity)
    row: dict[str, Any] = {"sku": sku}
    if shown.quantity >= listing.auctioned:
        there: dict[str, Any] = {"quantity": shown.quantity}
        if shown.locations:
            there["availabilityDistributions"] = [
                {"merchantLocationKey": key, "quantity": units} for key, units in shown.locations
            ]
        row["shipToLocationAvailability"] = there
    row["offers"] = [
        {"offerId": offer.id, "availableQuantity": for_offers} for offer in listing.offers
    ]
    return row


def read(request: Request, body: Any, retryable: Sequence[int]) -> list[Outcome] | None:
    """The outcomes of those updates that the answer speaks of; None when it is not eBay's."""
    rows = body.get("responses") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not all(_is_readable(row) for row in rows):
        return None
    outcomes = []
    for update, sent in zip(request.updates, request.json["requests"], strict=True):
        offers = {offer["offerId"] for offer in sent["offers"]}
        own = [row for row in rows if row.get("sku") == update.sku or row.get("offerId") in offers]
        if own:
            outcomes.append(_judged(update, sent, own, retryable))
    return outcomes


def _is_readable(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and all(isinstance(row.get(name, ""), str) for name in ("sku", "offerId"))
        and type(row.get("statusCode")) is int
    )


def _judged(
    update: StockUpdate,
    sent: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    retryable: Sequence[int],
) -> Outcome:
    bad = [_failed(update, row, retryable) for row in rows if row["statusCode"] != 200]
    if bad:
        # What may still come right is tried; of what may not, the first reason is told.
        return next((outcome for outcome in bad if outcome.kind is _REPEATED), bad[0])
    silent = {offer["offerId"] for offer in sent["offers"]} - {row.get("offerId") for row in rows}
    if silent:
        detail = f"no answer for offer {', '.join(sorted(silent))}"
        return Outcome(update, OutcomeKind.RETRYABLE, UNANSWERED, detail)
    if "shipToLocationAvailability" not in sent:
        detail = "auctions hold more units than there are: end them, or have them sold out there"
        return Outcome(update, OutcomeKind.REJECTED, "auction_allocation", detail)
    warned = [found for row in rows if (found := errors.first_of(row.get("warnings")))]
    if warned:
        return Outcome(update, OutcomeKind.APPLIED, warned[0].code, warned[0].message)
    return Outcome(update, OutcomeKind.APPLIED)


def _failed(update: StockUpdate, row: Mapping[str, Any], retryable: Sequence[int]) -> Outcome:
    told = errors.first_of(row.get("errors"))
    status = row["statusCode"]
    if told is None:
        passes = status >= 500 or status in (408, 429)
        kind = OutcomeKind.RETRYABLE if passes else OutcomeKind.REJECTED
        return Outcome(update, kind, f"status_{status}", "eBay gave no reason")
    return judge(update, told, status, retryable)


def judge(update: StockUpdate, told: errors.Told, status: int, retryable: Sequence[int]) -> Outcome:
    """What an error says of the one update that it is about."""
    if told.is_revision_limit:
        return Outcome(update, OutcomeKind.ACCEPTED, REVISION_LIMIT, told.message)
    stale = told.id in errors.NOT_THERE or told.id == errors.NO_AUCTION_QUANTITY
    if stale or told.id == errors.AUCTION_ALLOCATION:
        detail = f"{told.code}: {told.message}; its offers are looked up again"
        return Outcome(update, OutcomeKind.RETRYABLE, STALE, detail)
    if told.id == errors.NO_LOCATION:
        detail = f"{told.message}; check location_names of the channel"
        return Outcome(update, OutcomeKind.REJECTED, told.code, detail)
    passes = told.id in retryable or status >= 500 or status in (408, 429)
    kind = OutcomeKind.RETRYABLE if passes else OutcomeKind.REJECTED
    return Outcome(update, kind, told.code, told.message)
