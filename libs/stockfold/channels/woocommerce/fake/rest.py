"""The two REST calls that stock goes by: a page of products, and a batch of updates."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from stockfold.channels.woocommerce.fake.catalogue import Catalogue, Product, RestError

BATCH_ITEMS_MAX = 100
PER_PAGE_MAX = 100
Writing = Generator[tuple[Product, Mapping[str, Any]], RestError | None, Any]


def chosen(catalogue: Catalogue, query: Mapping[str, str]) -> list[Product]:
    """The products that ``GET products`` is about."""
    if query.get("sku"):
        return catalogue.by_skus(query["sku"])
    return [product for product in catalogue.products.values() if not product.parent_id]


def one_page(
    products: Sequence[Product], query: Mapping[str, str]
) -> tuple[list[Product], dict[str, str]]:
    """The products of a page, and the headers that tell how many there are."""
    per_page, page = int(query.get("per_page", "10")), int(query.get("page", "1"))
    if not 1 <= per_page <= PER_PAGE_MAX or page < 1:
        raise RestError(400, "rest_invalid_param", "Invalid parameter(s): per_page")
    there = [product for product in products if product.status != "trash"]
    # Newest first, as WordPress lists what is not asked for in another order.
    there.sort(key=lambda product: product.id, reverse=query.get("order") != "asc")
    start = int(query.get("offset", (page - 1) * per_page))
    pages = -(-len(there) // per_page)
    headers = {"x-wp-total": str(len(there)), "x-wp-totalpages": str(pages)}
    return there[start : start + per_page], headers


def rows(
    catalogue: Catalogue, products: Sequence[Product], query: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The JSON of products, with the ``_fields`` that were asked for."""
    fields = [name for name in query.get("_fields", "").split(",") if name]
    shown = [catalogue.shown(product) for product in products]
    if not fields:
        return shown
    return [{name: row[name] for name in fields if name in row} for row in shown]


def found(catalogue: Catalogue, product_id: Any, parent_id: int | None) -> Product:
    """A product, or a variation where there is a parent; RestError for none."""
    if parent_id is None:
        return catalogue.product(product_id)
    return catalogue.variation(parent_id, product_id)


def batch_size(body: Mapping[str, Any]) -> int:
    """How many items a batch has."""
    return sum(len(body.get(name) or ()) for name in ("create", "update", "delete"))


def batch(
    catalogue: Catalogue, body: Mapping[str, Any], parent_id: int | None, items_max: int
) -> Writing:
    """``products/batch`` or ``variations/batch``: one item after the other, each on its own.

    Whoever drives it writes each product that it yields, and sends back the error of that, or None.
    Of nothing the answer is PHP's empty array. RestError as a whole for too many.
    """
    count = batch_size(body)
    if count > items_max:
        raise RestError(
            413,
            "woocommerce_rest_request_entity_too_large",
            f"Unable to accept more than {items_max} items for this request.",
        )
    answers: list[dict[str, Any]] = []
    for item in body.get("update") or ():
        try:
            product = found(catalogue, item.get("id"), parent_id)
            error = yield product, item
        except RestError as not_there:
            error = not_there
        if error is None:
            answers.append(catalogue.shown(product))
        else:
            answers.append({"id": item.get("id"), "error": error.body()})
    return {"update": answers} if count else []
