"""Stock → listings: ``products/batch``, ``products/{parent}/variations/batch`` and their answers.

A batch is not a transaction: its items run one after the other, and each succeeds or fails alone,
at the same index of the answer, inside a 200. Accepted is not applied: the shop takes nonsense and
unmanaged products without a word, so every item is compared with what the shop says it now shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from stockfold.channels.port import (
    Observed,
    Outcome,
    OutcomeKind,
    Purpose,
    Request,
    Shown,
    StockUpdate,
)
from stockfold.channels.woocommerce.lookups import PATH, Listing
from stockfold.channels.woocommerce.observing import observe, whole

NOT_MANAGED = "stock_not_managed"
SKU_MOVED = "sku_moved"
STALE_LISTING = frozenset(
    {
        "woocommerce_rest_invalid_product_id",
        "woocommerce_rest_product_invalid_id",
        "woocommerce_rest_product_variation_invalid_id",
        "woocommerce_rest_invalid_variation_id",
        "woocommerce_rest_product_variation_invalid_parent",
    }
)


def write(
    updates: Sequence[StockUpdate],
    listings: Mapping[str, Listing],
    to_show: Callable[[StockUpdate], Shown],
) -> Request:
    """The batch for updates whose listings share a parent (0 for products of their own).

    ``manage_stock`` goes with every quantity: without it an unmanaged product blanks it.
    """
    items = [_item(listings[update.sku].id, to_show(update)) for update in updates]
    parent_id = listings[updates[0].sku].parent_id
    path = f"{PATH}/{parent_id}/variations/batch" if parent_id else f"{PATH}/batch"
    return Request(Purpose.WRITE, "POST", path, tuple(updates), json={"update": items})


def _item(number: int, shown: Shown) -> dict[str, Any]:
    item: dict[str, Any] = {"id": number, "manage_stock": shown.managed}
    if shown.managed:
        item["stock_quantity"] = shown.quantity
    elif shown.stock_status:
        item["stock_status"] = shown.stock_status
    if shown.backorders:
        item["backorders"] = shown.backorders
    if shown.extras:
        item["meta_data"] = [{"key": key, "value": value} for key, value in shown.extras]
    return item


def read(request: Request, answer: Any) -> list[Outcome] | None:
    """The outcome of each update; None when this is not the answer to the batch."""
    items = answer.get("update") if isinstance(answer, dict) else None
    if not isinstance(items, list) or len(items) != len(request.updates):
        return None
    sent = request.json["update"]
    outcomes = []
    for update, item, wanted in zip(request.updates, items, sent, strict=True):
        if not isinstance(item, dict):
            return None
        if isinstance(item.get("error"), dict):
            outcomes.append(_failed(update, item["error"]))
        elif item.get("id") != wanted["id"]:
            return None
        elif _has_moved(update, item):
            outcomes.append(_moved(update, item))
        else:
            outcomes.append(_compared(update, item, wanted))
    return outcomes


def _has_moved(update: StockUpdate, item: Mapping[str, Any]) -> bool:
    """True when the product has got another SKU since it was looked up."""
    return isinstance(item.get("sku"), str) and item["sku"] != update.sku


def _moved(update: StockUpdate, item: Mapping[str, Any]) -> Outcome:
    detail = f"product {item['id']} has the SKU {item['sku']!r} by now, and got this quantity"
    return Outcome(update, OutcomeKind.RETRYABLE, SKU_MOVED, detail)


def echoed(request: Request, answer: Mapping[str, Any]) -> tuple[Observed, ...]:
    """What an answer that ``read`` has understood shows of the listings it wrote."""
    triples = zip(request.updates, answer["update"], request.json["update"], strict=True)
    return tuple(
        observe(update.sku, item, sent.get("stock_quantity"))
        for update, item, sent in triples
        if not isinstance(item.get("error"), dict) and not _has_moved(update, item)
    )


def shown_already(update: StockUpdate, product: Mapping[str, Any], shown: Shown) -> Outcome | None:
    """The outcome when a product that was read shows all of what would be sent; None otherwise."""
    found = _compared(update, product, _item(product["id"], shown))
    return found if found.kind is OutcomeKind.APPLIED else None


def is_stale(outcome: Outcome) -> bool:
    """True when the outcome says that the listing is not where we took it to be."""
    return outcome.code == SKU_MOVED or outcome.code in STALE_LISTING


def _failed(update: StockUpdate, error: Mapping[str, Any]) -> Outcome:
    code = str(error.get("code", "")) or "error_without_code"
    data = error.get("data")
    status = data.get("status") if isinstance(data, dict) else None
    detail = str(error.get("message", ""))
    passes = isinstance(status, int) and (status >= 500 or status in (404, 408, 429))
    kind = OutcomeKind.RETRYABLE if passes or code in STALE_LISTING else OutcomeKind.REJECTED
    return Outcome(update, kind, code, detail)


def _compared(update: StockUpdate, item: Mapping[str, Any], wanted: Mapping[str, Any]) -> Outcome:
    if not wanted["manage_stock"]:
        return _given_back(update, item, wanted)
    sent: int = wanted["stock_quantity"]
    shown = whole(item.get("stock_quantity"))
    managed = item.get("manage_stock")
    if shown == sent and managed is True:
        return _beside(update, item, wanted)
    if managed is False:
        detail = "the shop does not manage its stock: is that off, in the shop or by a plugin?"
        return Outcome(update, OutcomeKind.REJECTED, NOT_MANAGED, detail)
    detail = f"sent {sent}, the shop shows {item.get('stock_quantity')} (manage_stock {managed})"
    if shown is None or managed is not True:
        return Outcome(
            update,
            OutcomeKind.REJECTED,
            "not_applied",
            detail + "; is stock management on, in the shop and for this product?",
        )
    if shown < sent:
        # Most likely sold in this very moment. Sending again would put sold units back on sale;
        # the order reaches us as an event and brings a new quantity with it.
        return Outcome(update, OutcomeKind.REJECTED, "shows_less", detail)
    return Outcome(update, OutcomeKind.RETRYABLE, "shows_more", detail)


def _given_back(update: StockUpdate, item: Mapping[str, Any], wanted: Mapping[str, Any]) -> Outcome:
    """Of a product whose stock the shop shall no longer manage."""
    if item.get("manage_stock") is True:
        detail = "sent manage_stock false, the shop still manages its stock"
        return Outcome(update, OutcomeKind.REJECTED, "not_applied", detail)
    status = wanted.get("stock_status")
    if status is not None and item.get("stock_status") != status:
        detail = f"sent stock_status {status}, the shop shows {item.get('stock_status')}"
        return Outcome(update, OutcomeKind.REJECTED, "not_applied", detail)
    return _beside(update, item, wanted)


def _beside(update: StockUpdate, item: Mapping[str, Any], wanted: Mapping[str, Any]) -> Outcome:
    """Of a quantity that was applied: what became of that which was sent beside it."""
    rule, shows = wanted.get("backorders"), item.get("backorders")
    kept = dict(_meta(item))
    lost = [entry["key"] for entry in wanted.get("meta_data", ()) if not _is_kept(entry, kept)]
    if rule is not None and shows != rule:
        detail = f"sent backorders {rule}, the shop shows {shows}"
        return Outcome(update, OutcomeKind.REJECTED, "not_applied", detail)
    if lost:
        detail = f"the quantity is right, but the shop did not keep {', '.join(lost)}"
        return Outcome(update, OutcomeKind.REJECTED, "metadata_not_kept", detail)
    if rule is None and wanted.get("stock_quantity") == 0 and shows in ("notify", "yes"):
        detail = f"the shop sells it on without stock (backorders {shows})"
        return Outcome(update, OutcomeKind.APPLIED, "sold_without_stock", detail)
    return Outcome(update, OutcomeKind.APPLIED)


def _meta(item: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    entries = item.get("meta_data")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("key"), str):
            yield entry["key"], entry.get("value")


def _is_kept(entry: Mapping[str, str], kept: Mapping[str, Any]) -> bool:
    # What is empty may as well be missing, and PHP may make a number of digits.
    value = kept.get(entry["key"], "")
    return str(value) == entry["value"]
