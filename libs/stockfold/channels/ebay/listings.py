"""SKU → offers: ``GET offer?sku=…``, which says what is live and what it shows.

Only published offers can be written by bulk_update_price_quantity. A SKU may be in an auction and
at a fixed price at once; what an auction holds is not ours to set (errors 25759 and 25762).
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

import msgspec

from stockfold.channels.ebay.options import OFFERS_MAX
from stockfold.channels.port import Outcome, OutcomeKind, Purpose, Request, StockUpdate

PATH = "/sell/inventory/v1/offer"
AUCTION = "AUCTION"
ENDED = frozenset({"ENDED", "EBAY_ENDED", "NOT_LISTED"})


class Offer(msgspec.Struct, frozen=True):
    """One live offer at a fixed price, and the listing it is in. ``quantity``: what it shows."""

    id: str
    listing: str
    quantity: int


class Listing(msgspec.Struct, frozen=True):
    """A SKU on eBay. ``auctioned`` units are held by auctions. ``found_s``: when it was looked up.

    ``shown`` is the quantity that all its offers are known to show, None where nobody knows.
    """

    offers: tuple[Offer, ...]
    auctioned: int
    found_s: int
    shown: int | None

    @property
    def ids(self) -> tuple[str, ...]:
        """The listings that a write revises, one for each offer."""
        return tuple(offer.listing for offer in self.offers)

    @property
    def units(self) -> int | None:
        """What it shows in all, auctions too: the quantity that a write of it would have had."""
        return None if self.shown is None else self.shown + self.auctioned

    def for_offers(self, quantity: int) -> int:
        """What its offers show of ``quantity``: units that auctions hold are not for them."""
        return max(quantity - self.auctioned, 0)


def look_up(update: StockUpdate, purpose: Purpose = Purpose.LOOK_UP) -> Request:
    """The question for the offers of one SKU; eBay takes one at a time."""
    return Request(purpose, "GET", PATH, (update,), (("sku", update.sku), ("limit", "100")))


def found(
    body: Any, update: StockUpdate, marketplaces: Container[str], now_s: int
) -> Listing | Outcome | None:
    """The listing, or why there is none to write; None when the body is not eBay's answer."""
    rows = body.get("offers") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not all(_is_readable(row) for row in rows):
        return None
    offers: list[Offer] = []
    auctioned = published = 0
    for row in rows:
        if row.get("sku", update.sku) != update.sku or not _is_live(row):
            continue
        published += 1
        units = _whole(row.get("availableQuantity"))
        if row.get("format") == AUCTION:
            auctioned += 1 if units is None else units
        elif not marketplaces or row.get("marketplaceId") in marketplaces:
            number = row.get("offerId")
            if not isinstance(number, str) or units is None:
                return None
            offers.append(Offer(number, row["listing"]["listingId"], units))
    if not offers:
        return _unmapped(update, len(rows), published)
    if len(offers) > OFFERS_MAX:
        detail = f"{len(offers)} live offers; one call takes {OFFERS_MAX}"
        return Outcome(update, OutcomeKind.REJECTED, "too_many_offers", detail)
    quantities = {offer.quantity for offer in offers}
    shown = quantities.pop() if len(quantities) == 1 else None
    return Listing(tuple(offers), auctioned, now_s, shown)


def _is_readable(row: Any) -> bool:
    """Whether this is an offer as eBay tells them; published ones name their listing."""
    if not isinstance(row, dict) or row.get("status") not in ("PUBLISHED", "UNPUBLISHED"):
        return False
    listing = row.get("listing")
    if row["status"] == "UNPUBLISHED":
        return True
    if not isinstance(listing, dict) or not isinstance(listing.get("listingId"), str):
        return False
    texts = [row.get(name, "") for name in ("sku", "marketplaceId", "format")]
    return all(isinstance(text, str) for text in (*texts, listing.get("listingStatus", "")))


def _is_live(row: Mapping[str, Any]) -> bool:
    return row["status"] == "PUBLISHED" and row["listing"].get("listingStatus") not in ENDED


def _unmapped(update: StockUpdate, offers: int, published: int) -> Outcome:
    if published:
        why = "its live offers are auctions, or of marketplaces that the options leave out"
    elif offers:
        why = "it has offers, but none is published"
    else:
        why = "no offer has this SKU"
    return Outcome(update, OutcomeKind.UNMAPPED, "no_live_offer", why)


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
