"""Products, variations, and what a REST write makes of their stock."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

WITHOUT_STOCK = ("grouped", "external")
_LEADING_NUMBER = re.compile(r"\s*[+-]?\d+")


@dataclass(slots=True)
class Product:
    """One product or variation. ``stock_quantity`` is None while its stock is not managed."""

    id: int
    sku: str
    type: str = "simple"
    parent_id: int = 0
    manage_stock: bool = True
    stock_quantity: int | None = 0
    stock_status: str = "outofstock"
    backorders: str = "no"
    status: str = "publish"
    meta: dict[str, Any] = field(default_factory=dict)


class RestError(Exception):
    """An error as WooCommerce words it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def body(self) -> dict[str, Any]:
        """The JSON of it."""
        return {"code": self.code, "message": self.message, "data": {"status": self.status}}


def stock_amount(value: Any) -> int:
    """PHP's ``intval``, which is what becomes of any quantity: "abc" is 0, 2.5 is 2, -3 stays."""
    if isinstance(value, (bool, int, float)):
        return int(value)
    match = _LEADING_NUMBER.match(str(value))
    return int(match.group()) if match else 0


def truth(value: Any) -> bool:
    """PHP's ``wc_string_to_bool``."""
    if isinstance(value, str):
        return value.lower() in ("yes", "true", "1")
    return bool(value)


class Catalogue:
    """All products, by id and by SKU. SKUs are not unique: real shops have doubles."""

    def __init__(self) -> None:
        self.products: dict[int, Product] = {}
        self.ids_of_sku: dict[str, list[int]] = defaultdict(list)
        self.children: dict[int, list[int]] = defaultdict(list)
        self.manage_stock_option = True
        self._next_id = 10

    def add(self, sku: str, **fields: Any) -> Product:
        """Add a product with the next id."""
        product = Product(self._next_id, sku, **fields)
        self._next_id += 1
        if product.type in WITHOUT_STOCK or not product.manage_stock:
            product.manage_stock = False
            product.stock_quantity = None
        self._settle_status(product)
        self.products[product.id] = product
        self.ids_of_sku[sku].append(product.id)
        if product.parent_id:
            self.children[product.parent_id].append(product.id)
        return product

    def remove(self, product_id: int) -> None:
        """Delete a product for good."""
        product = self.products.pop(product_id)
        self.ids_of_sku[product.sku].remove(product_id)
        if product.parent_id:
            self.children[product.parent_id].remove(product_id)

    def by_skus(self, text: str) -> list[Product]:
        """What ``?sku=`` answers: split at commas, and tried whole; variations too."""
        skus = dict.fromkeys([*text.split(","), text])
        return [self.products[i] for sku in skus for i in self.ids_of_sku.get(sku, ())]

    def product(self, product_id: Any) -> Product:
        """A product that is no variation, or the error WooCommerce gives."""
        product = self.products.get(product_id)
        if product is None:
            raise RestError(400, "woocommerce_rest_product_invalid_id", "Invalid ID.")
        if product.parent_id:
            raise RestError(
                404,
                "woocommerce_rest_invalid_product_id",
                "To manipulate product variations you should use the "
                "/products/&lt;product_id&gt;/variations/&lt;id&gt; endpoint.",
            )
        return product

    def variation(self, parent_id: int, product_id: Any) -> Product:
        """A variation of that parent, or the error WooCommerce gives."""
        product = self.products.get(product_id)
        if product is None or product.parent_id != parent_id:
            raise RestError(400, "woocommerce_rest_product_variation_invalid_id", "Invalid ID.")
        return product

    def holder(self, product: Product) -> Product | None:
        """Whose stock counts: its own, its parent's, or nobody's."""
        if product.manage_stock:
            return product
        parent = self.products.get(product.parent_id)
        return parent if parent is not None and parent.manage_stock else None

    def write(self, product: Product, body: Mapping[str, Any], read: int = 0) -> None:
        """A REST update, as far as stock goes. Nonsense is taken without a word.

        ``read`` is the quantity when the request began: a delta is added to that one.
        """
        product.status = str(body.get("status", product.status))
        if "sku" in body and body["sku"] != product.sku:
            self.ids_of_sku[product.sku].remove(product.id)
            product.sku = str(body["sku"])
            self.ids_of_sku[product.sku].append(product.id)
        if "backorders" in body:
            product.backorders = str(body["backorders"])
        for entry in body.get("meta_data") or ():
            product.meta[entry["key"]] = entry["value"]
        if not self.manage_stock_option:
            product.stock_status = str(body.get("stock_status", product.stock_status))
            return
        if product.type == "external" and body.get("manage_stock") is True:
            message = "External products cannot be stock managed."
            raise RestError(400, "product_external_invalid_manage_stock", message)
        if "manage_stock" in body:
            product.manage_stock = truth(body["manage_stock"])
        if product.type in WITHOUT_STOCK or not product.manage_stock:
            product.manage_stock = False
            product.stock_quantity = None
            product.stock_status = str(body.get("stock_status", product.stock_status))
            return
        if product.stock_quantity is None:
            product.stock_quantity = 0
        if body.get("stock_quantity") is not None:
            product.stock_quantity = stock_amount(body["stock_quantity"])
        elif body.get("inventory_delta") is not None:
            product.stock_quantity = read + stock_amount(body["inventory_delta"])
        self._settle_status(product)

    def move(self, product: Product, delta: int) -> bool:
        """What an order does to stock, exactly; False when nobody manages it."""
        holder = self.holder(product)
        if holder is None or holder.stock_quantity is None or not self.manage_stock_option:
            return False
        holder.stock_quantity += delta
        self._settle_status(holder)
        return True

    def _settle_status(self, product: Product) -> None:
        """A managed quantity rules the status, whatever was sent."""
        if product.manage_stock and product.stock_quantity is not None:
            if product.stock_quantity > 0:
                product.stock_status = "instock"
            else:
                on = product.backorders != "no"
                product.stock_status = "onbackorder" if on else "outofstock"
        elif product.type in WITHOUT_STOCK:
            product.stock_status = "instock"

    def shown(self, product: Product) -> dict[str, Any]:
        """The JSON of a product."""
        holder = self.holder(product)
        managed: bool | str = product.manage_stock and self.manage_stock_option
        if holder is not None and holder is not product and self.manage_stock_option:
            managed = "parent"
        parent = self.products.get(product.parent_id)
        return {
            "id": product.id,
            "name": f"Product {product.sku}",
            "type": product.type,
            "status": product.status,
            "sku": product.sku or (parent.sku if parent is not None else ""),
            "manage_stock": managed,
            "stock_quantity": None if holder is None else holder.stock_quantity,
            "stock_status": product.stock_status,
            "backorders": product.backorders,
            "parent_id": product.parent_id,
            "meta_data": [
                {"id": number, "key": key, "value": value}
                for number, (key, value) in enumerate(product.meta.items(), 1)
            ],
            "variations": list(self.children.get(product.id, ())),
        }

    def stock(self, skus: Iterable[str] | None = None) -> dict[str, int | None]:
        """Every SKU's quantity as the shop shows it, from one look at one moment."""
        chosen = self.ids_of_sku if skus is None else skus
        answer: dict[str, int | None] = {}
        for sku in list(chosen):
            for product_id in self.ids_of_sku.get(sku, ()):
                holder = self.holder(self.products[product_id])
                answer[sku] = None if holder is None else holder.stock_quantity
        return answer
