"""What Amazon knows of SKUs: whether they are listed, who ships them, and how many there are.

A patch of a SKU that nobody has listed is ACCEPTED without a word (selling-partner-api-models#2797
and #4402), and one of a listing that Amazon ships adds the merchant as its shipper (#2061). So
nothing is written before it was looked up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from stockfold.channels.amazon.operations import LISTINGS, segment
from stockfold.channels.port import (
    Observed,
    Outcome,
    OutcomeKind,
    Purpose,
    Request,
    StockUpdate,
)

ITEMS_MAX = 20
"""Identifiers of one search, and listings of one page."""
NOT_LISTED = "not_listed"
OTHERS_SHIP = "fulfilled_by_amazon"


class Account(msgspec.Struct, frozen=True):
    """Whose listings, and which of them."""

    seller: str
    marketplaces: tuple[str, ...]
    channel_code: str

    @property
    def marketplace_ids(self) -> tuple[str, str]:
        """The parameter that every listing is asked for with."""
        return ("marketplaceIds", ",".join(self.marketplaces))


class Listing(msgspec.Struct, frozen=True):
    """One listing. ``quantity`` is that of our fulfilment channel, None where it has none.

    ``channels`` are the codes of all fulfilment channels that it has.
    """

    name: str
    quantity: int | None
    channels: frozenset[str]


def ask(
    account: Account, purpose: Purpose, updates: Sequence[StockUpdate], items_max: int = ITEMS_MAX
) -> Request:
    """The question for the first of these, and as many others as fit.

    SKUs are told apart by commas: one that has a comma is asked for alone, by its path.
    """
    data = ("includedData", "summaries,fulfillmentAvailability")
    first = updates[0]
    if "," in first.sku:
        path = f"{LISTINGS}/{segment(account.seller)}/{segment(first.sku)}"
        return Request(purpose, "GET", path, (first,), (account.marketplace_ids, data))
    asked = tuple([one for one in updates if "," not in one.sku][: min(items_max, ITEMS_MAX)])
    params = (
        account.marketplace_ids,
        ("identifiersType", "SKU"),
        ("identifiers", ",".join(update.sku for update in asked)),
        data,
        ("pageSize", str(ITEMS_MAX)),
    )
    return Request(purpose, "GET", f"{LISTINGS}/{segment(account.seller)}", asked, params)


def is_single(request: Request) -> bool:
    """Whether it asks for one SKU by its path."""
    return not any(name == "identifiers" for name, _ in request.params)


def found(account: Account, request: Request, body: Mapping[str, Any]) -> dict[str, Listing] | None:
    """The listings of an answer by SKU; None when it is not the answer to the question."""
    rows = [body] if is_single(request) else body.get("items")
    if not isinstance(rows, list):
        return None
    listings = {}
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get("sku"), str):
            return None
        listings[row["sku"]] = _listing(account, row)
    return listings


def _listing(account: Account, row: Mapping[str, Any]) -> Listing:
    entries = list(_dicts(row.get("fulfillmentAvailability")))
    quantities = {one.get("fulfillmentChannelCode"): one.get("quantity") for one in entries}
    quantity = quantities.get(account.channel_code)
    names = [
        one["asin"] for one in _dicts(row.get("summaries")) if isinstance(one.get("asin"), str)
    ]
    return Listing(
        names[0] if names else "",
        quantity if type(quantity) is int else None,
        frozenset(code for code in quantities if isinstance(code, str)),
    )


def _dicts(rows: Any) -> Iterable[Mapping[str, Any]]:
    return (row for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()


def judge(account: Account, update: StockUpdate, listing: Listing | None) -> Outcome | None:
    """Why a SKU cannot be written; None when it can."""
    if listing is None:
        detail = f"no listing of {account.seller} in {', '.join(account.marketplaces)} has this SKU"
        return Outcome(update, OutcomeKind.UNMAPPED, NOT_LISTED, detail)
    if listing.channels and account.channel_code not in listing.channels:
        ships = ", ".join(sorted(listing.channels))
        detail = f"it is shipped by {ships}: a quantity of {account.channel_code} would change that"
        return Outcome(update, OutcomeKind.REJECTED, OTHERS_SHIP, detail)
    return None


def observe(sku: str, listing: Listing) -> Observed:
    """What a listing shows."""
    return Observed(sku, listing.quantity, listing.quantity is not None, listing.name)
