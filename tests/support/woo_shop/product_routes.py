"""The REST calls that make and delete products, and set the shop's options."""

from __future__ import annotations

import re
from typing import Any

from stockfold.channels.woocommerce.fake.catalogue import Product, RestError, truth
from tests.support.woo_shop import about
from tests.support.woo_shop.order_routes import Answer
from tests.support.woo_shop.shop import Shop

ONE = re.compile(r"products/(\d+)")
VARIATIONS = re.compile(r"products/(\d+)/variations")
VARIATION = re.compile(r"products/(\d+)/variations/(\d+)")
OPTION = re.compile(r"settings/products/(\w+)")


def answer(shop: Shop, method: str, route: str, sent: Any) -> Answer | None:
    """The answer of such a call; None for any other."""
    if method == "POST" and route == "products":
        return Answer(_made(shop, sent, sent.get("type", "simple"), 0), 201)
    if method == "POST" and (found := VARIATIONS.fullmatch(route)):
        parent = shop.catalogue.product(int(found[1]))
        return Answer(_made(shop, sent, "variation", parent.id), 201)
    if method == "DELETE" and (found := VARIATION.fullmatch(route)):
        return _deleted(shop, shop.catalogue.variation(int(found[1]), int(found[2])))
    if method == "DELETE" and (found := ONE.fullmatch(route)):
        return _deleted(shop, shop.catalogue.product(int(found[1])))
    if method == "PUT" and (found := OPTION.fullmatch(route)):
        about.set_option(shop, found[1], str(sent["value"]))
        return Answer(about.answer(shop, route))
    return None


def _made(shop: Shop, sent: Any, kind: str, parent_id: int) -> dict[str, Any]:
    sku = str(sent.get("sku", ""))
    if sku and shop.catalogue.ids_of_sku.get(sku):
        raise RestError(400, "product_invalid_sku", "Invalid or duplicated SKU.")
    product = shop.catalogue.add(
        sku,
        type=kind,
        parent_id=parent_id,
        status=sent.get("status", "publish"),
        manage_stock=truth(sent.get("manage_stock", False)),
    )
    shop.catalogue.write(product, sent)
    return shop.catalogue.shown(product)


def _deleted(shop: Shop, product: Product) -> Answer:
    shown = shop.catalogue.shown(product)
    for child in list(shop.catalogue.children.get(product.id, ())):
        shop.catalogue.remove(child)
    shop.catalogue.remove(product.id)
    return Answer(shown)
