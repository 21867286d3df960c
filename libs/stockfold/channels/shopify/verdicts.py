"""What answers about items and writes mean for each update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stockfold.channels.port import Observed, Outcome, OutcomeKind, Request, Response, Shown
from stockfold.channels.port import StockUpdate as Update
from stockfold.channels.shopify.listings import Sale
from stockfold.channels.shopify.stock import Item, observed
from stockfold.channels.shopify.terms import Places, ShopifyOptions, unmapped
from stockfold.channels.shopify.versions import SERVED
from stockfold.channels.shopify.writes import Told, owners

NAMED_MAX = 10


def unfit(update: Update, found: Sequence[Item]) -> Outcome | None:
    """Why an update cannot be written to what its SKU names; None when it can."""
    if not found:
        detail = "no variant of the shop has this SKU"
        return Outcome(update, OutcomeKind.UNMAPPED, "sku_unknown", detail)
    if len(found) > 1:
        ids = ", ".join(item.id for item in found[:NAMED_MAX])
        detail = f"{ids} have this SKU; it must name one"
        return Outcome(update, OutcomeKind.UNMAPPED, "sku_ambiguous", detail)
    if not found[0].tracked:
        if update.restored is not None and not update.restored.managed:
            return Outcome(update, OutcomeKind.APPLIED)
        detail = f"the shop sells {found[0].id} without counting: have it track its quantity"
        return Outcome(update, OutcomeKind.REJECTED, "not_tracked", detail)
    return None if found[0].is_stocked else stocked_nowhere(update)


def resembles_many(update: Update) -> Outcome:
    """The search for it finds more than we read."""
    detail = "too many SKUs of the shop resemble it to be sure that it names one"
    return Outcome(update, OutcomeKind.UNMAPPED, "sku_resembles_many", detail)


def stocked_nowhere(update: Update) -> Outcome:
    """None of our locations stocks it."""
    detail = "no location of location_names stocks it: have one stock it in the shop"
    return Outcome(update, OutcomeKind.REJECTED, "not_stocked", detail)


def shows(item: Item, shown: Shown) -> bool:
    """Whether an item holds all of what would be written, wherever it is stocked."""
    return all(item.levels.get(place) in (None, count) for place, count in shown.locations)


def not_stocked_at(item: Item | None, shown: Shown) -> tuple[str, ...]:
    """Locations that shall show units, and don't stock the item."""
    levels = {} if item is None else item.levels
    return tuple(
        place for place, count in shown.locations if count and levels.get(place, 0) is None
    )


def applied(
    update: Update, item: Item | None, shown: Shown, places: Places, ended: str = ""
) -> Outcome:
    """It is shown; what is not, and what is to be seen to, is a warning."""
    nowhere = unmapped(update, places)
    missing = not_stocked_at(item, shown)
    if nowhere:
        detail = f"location_names has no place for {', '.join(nowhere)}: not shown"
        return Outcome(update, OutcomeKind.APPLIED, "location_unmapped", detail)
    if missing:
        detail = f"{', '.join(missing)} does not stock it: its units are not shown"
        return Outcome(update, OutcomeKind.APPLIED, "not_stocked_there", detail)
    return Outcome(update, OutcomeKind.APPLIED, "api_version_ended" if ended else "", ended)


def version_ended(response: Response, options: ShopifyOptions) -> str:
    """What to do when Shopify has served another version than the one asked for."""
    served = response.headers.get(SERVED, options.api_version)
    if served == options.api_version:
        return ""
    return f"version {options.api_version} has ended, {served} answers: set api_version to it"


def again(update: Update, code: str, detail: str, wait_s: float | None = None) -> Outcome:
    """To be tried again after a while."""
    return Outcome(update, OutcomeKind.RETRYABLE, code, detail, wait_s)


def sold_meanwhile(update: Update, item: Item, sale: Sale, wait_s: float) -> Outcome:
    """Units are gone, and it is not known whether the update knows: more wait for the order."""
    detail = (
        f"{sale.expected} were there, {item.total} are by now: units are added in {wait_s:g} s, "
        "when an order had time to reach us"
    )
    return again(update, "sold_meanwhile", detail, wait_s)


def moved(request: Request, told: Told, items: Mapping[str, Item]) -> dict[str, Outcome]:
    """Updates that went to an item which has got another SKU since it was looked up."""
    found = {}
    for update, _ in owners(request):
        item = items.get(update.sku)
        now = update.sku if item is None else told.skus.get(item.id, update.sku)
        if now != update.sku:
            detail = f"the item has the SKU {now!r} by now, and got this quantity"
            found[update.sku] = again(update, "sku_moved", detail)
    return found


def seen(skus: Sequence[str], items: Sequence[Item]) -> tuple[Observed, ...]:
    """What was read of these, unless a SKU names several."""
    by_sku: dict[str, dict[str, Item]] = {}
    for item in items:
        by_sku.setdefault(item.sku, {})[item.id] = item
    singles = [by_sku[sku] for sku in skus if len(by_sku.get(sku, ())) == 1]
    return tuple(observed(next(iter(single.values()))) for single in singles)


def echoed(update: Update, item: Item | None, total: int) -> list[Observed]:
    """What a write has set: exactly that, or it would not have been done."""
    if item is None:
        return []
    return [Observed(update.sku, total, listing=item.id, written=total)]
