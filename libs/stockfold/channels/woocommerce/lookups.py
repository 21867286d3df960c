"""SKU → listing: ``GET products?sku=a,b,…`` and what it says.

Measured: the list is split at commas, answers hold variations too, unknown SKUs are simply
missing, ``per_page`` is at most 100. SKUs are not unique in real shops (woocommerce#54073, #10807):
one that names two listings is refused, because either could be the wrong one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from stockfold.channels.port import Outcome, OutcomeKind, Purpose, Request, Response, StockUpdate
from stockfold.channels.woocommerce.observing import whole

PATH = "/wp-json/wc/v3/products"
FIELDS = "id,sku,type,parent_id,manage_stock,stock_quantity,stock_status,backorders"
PER_PAGE = 100
QUERY_CHARACTERS_MAX = 4000
"""Servers take about 8,000 characters of URL; the rest is for the path and the signature."""
TYPES_WITHOUT_STOCK = ("grouped", "external")


class Listing(msgspec.Struct, frozen=True):
    """Where a SKU is in the shop. ``parent_id`` is 0 unless it is a variation.

    ``managed`` is whether its stock is: True, False, or ``parent`` where its parent's counts.
    """

    id: int
    parent_id: int
    type: str
    managed: Any = None


def look_up(wanted: Sequence[StockUpdate], items_max: int, *, metadata: bool = False) -> Request:
    """The request that asks for the first of ``wanted`` and as many others as fit.

    With their ``metadata`` only where products carry some of ours: plugins leave much there.
    """
    chosen = _fitting(wanted, items_max)
    return Request(
        Purpose.LOOK_UP,
        "GET",
        PATH,
        chosen,
        (
            ("sku", ",".join(update.sku for update in chosen)),
            ("per_page", str(PER_PAGE)),
            ("_fields", f"{FIELDS},meta_data" if metadata else FIELDS),
        ),
    )


def _fitting(wanted: Sequence[StockUpdate], items_max: int) -> tuple[StockUpdate, ...]:
    first = wanted[0]
    # A SKU that holds a comma is also tried whole, but only when it is asked for alone.
    if "," in first.sku:
        return (first,)
    chosen: list[StockUpdate] = []
    characters = 0
    for update in wanted:
        characters += len(quote(update.sku, safe="")) + len("%2C")
        if chosen and (len(chosen) >= items_max or characters > QUERY_CHARACTERS_MAX):
            break
        if "," not in update.sku:
            chosen.append(update)
    return tuple(chosen)


def is_incomplete(response: Response) -> bool:
    """True when the shop has more matches than one page holds."""
    pages = response.headers.get("x-wp-totalpages", "1")
    return pages.isdigit() and int(pages) > 1


def found(products: Any, asked: Iterable[str]) -> dict[str, list[Listing]] | None:
    """The listings of each SKU asked for, exactly as written; None when this is no product list.

    The shop's database may compare without regard to case: what merely resembles is left out.
    """
    listings: dict[str, list[Listing]] = {sku: [] for sku in asked}
    if not isinstance(products, list):
        return None
    for product in products:
        if not isinstance(product, dict) or not isinstance(product.get("id"), int):
            return None
        matches = listings.get(str(product.get("sku", "")))
        listing = Listing(
            product["id"],
            whole(product.get("parent_id")) or 0,
            str(product.get("type", "")),
            product.get("manage_stock"),
        )
        if matches is not None and listing not in matches:
            matches.append(listing)
    return listings


def judge(update: StockUpdate, matches: Sequence[Listing]) -> Outcome | None:
    """Why an update cannot be sent to what its SKU names; None when it can."""
    if not matches:
        return Outcome(
            update, OutcomeKind.UNMAPPED, "sku_unknown", "no product of the shop has this SKU"
        )
    if len(matches) > 1:
        ids = ", ".join(str(listing.id) for listing in matches[:10])
        detail = f"products {ids} have this SKU; it must name one"
        return Outcome(update, OutcomeKind.REJECTED, "sku_ambiguous", detail)
    if matches[0].type in TYPES_WITHOUT_STOCK:
        detail = f"product {matches[0].id} is {matches[0].type}, which cannot hold stock"
        return Outcome(update, OutcomeKind.REJECTED, "type_without_stock", detail)
    return _judge_family(update, matches[0])


def _judge_family(update: StockUpdate, listing: Listing) -> Outcome | None:
    """Stock that variations share is the parent's; writing would take it apart unasked."""
    if listing.managed == "parent":
        detail = (
            f"variation {listing.id} takes its stock from product {listing.parent_id}: have it "
            "manage its own in the shop, or give the units to the SKU of that product"
        )
        return Outcome(update, OutcomeKind.REJECTED, "stock_of_parent", detail)
    if listing.type == "variable" and listing.managed is False:
        detail = (
            f"product {listing.id} leaves stock to its variations: give the units to their SKUs, "
            "or have it manage stock in the shop"
        )
        return Outcome(update, OutcomeKind.REJECTED, "stock_of_variations", detail)
    return None
