"""Every product and variation of a shop, page by page.

``GET products`` leaves variations out. WooCommerce from 10.3 lists those of all products under
``GET variations``; an older one says 404, and each variable product is asked for its own. Trashed
products are not listed, drafts are; the variations of a draft are ``publish`` all the same
(google-listings-and-ads#742), so each tells its parent's status.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from stockfold.channels.port import Failure, Request, Response
from stockfold.channels.woocommerce.asking import NotThereError
from stockfold.channels.woocommerce.observing import whole
from stockfold.channels.woocommerce.paging import PER_PAGE, Collection

FIELDS = "id,name,type,status,parent_id,sku,manage_stock,stock_quantity,backorders,stock_status"
NO_ROUTE = ("rest_no_route",)
GONE = (
    "woocommerce_rest_product_invalid_id",
    "woocommerce_rest_invalid_product_id",
    "woocommerce_rest_product_variation_invalid_parent",
)
"""What a shop says of variations whose product went away while others were read."""
VARIABLE = "variable"
ORPHANED = -1
"""The parent of a variation that names none."""

Managed = Literal["yes", "no", "parent"]
Stage = Literal["products", "variations", "variable products"]


class Product(msgspec.Struct, frozen=True):
    """One product or variation as the shop shows it.

    ``parent_id`` is 0 and ``parent_status`` empty unless it is a variation; of one whose product is
    not there the status is empty too. ``managed`` is whose quantity counts: its own, its parent's
    (and ``quantity`` is that one), or none. ``quantity`` is signed, None where none is shown or
    what is shown is no whole number. What a shop leaves out is empty.
    """

    id: int
    sku: str
    type: str
    status: str
    name: str = ""
    parent_id: int = 0
    parent_status: str = ""
    managed: Managed = "no"
    quantity: int | None = None
    backorders: str = ""
    stock_status: str = ""

    @property
    def is_variation(self) -> bool:
        """True for a variation of a variable product."""
        return self.parent_id != 0

    @property
    def is_published(self) -> bool:
        """True when customers can see it: for a variation, when they can see its parent too."""
        return self.status == "publish" and (
            not self.is_variation or self.parent_status == "publish"
        )


class Page(msgspec.Struct, frozen=True):
    """What one answer held. ``done`` of ``total`` are read of this stage; None: nobody knows."""

    products: tuple[Product, ...]
    stage: Stage
    done: int
    total: int | None


class _Family(msgspec.Struct, frozen=True):
    sku: str = ""
    name: str = ""
    status: str = ""


class CatalogRead:
    """One reading of a whole catalogue: products first, then variations.

    ``request`` until it is None; each answer goes to ``receive``. Every product that is there from
    beginning to end comes exactly once, whatever else comes or goes meanwhile.
    """

    def __init__(self, per_page: int = PER_PAGE) -> None:
        self._per_page = per_page
        self._reading: Collection | None = Collection("products", FIELDS, per_page)
        self._stage: Stage = "products"
        self._families: dict[int, _Family] = {}
        self._parents: deque[int] = deque()
        self._parents_read = 0
        self._parent = 0

    @property
    def request(self) -> Request | None:
        """The next request; None when everything was read."""
        return None if self._reading is None else self._reading.request

    def halve(self) -> None:
        """Ask for smaller pages from here on: the shop could not serve one in time."""
        assert self._reading is not None
        self._reading.halve()
        self._per_page = self._reading.per_page

    def receive(self, answer: Response | Failure) -> Page:
        """The products of a page. NotServedError when the shop does not serve: ask again."""
        reading = self._reading
        assert reading is not None
        stage = self._stage
        missing = {"products": (), "variations": NO_ROUTE, "variable products": GONE}[stage]
        try:
            rows = reading.receive(answer, missing)
        except NotThereError:
            self._not_there()
            return self._page((), stage)
        products = tuple(self._read(row) for row in rows)
        if stage == "products":
            self._note(products)
        if reading.ended:
            self._next()
        return self._page(products, stage, reading)

    def _note(self, products: tuple[Product, ...]) -> None:
        for product in products:
            # Plugins have types of their own with variations, such as variable-subscription.
            if VARIABLE in product.type:
                self._families[product.id] = _Family(product.sku, product.name, product.status)

    def _page(
        self, products: tuple[Product, ...], stage: Stage, reading: Collection | None = None
    ) -> Page:
        if stage == "variable products":
            return Page(products, stage, self._parents_read, len(self._families))
        if reading is None:
            return Page(products, stage, 0, None)
        return Page(products, stage, reading.rows, reading.total)

    def _not_there(self) -> None:
        """Of the variations of all: ask each product. Of those of a product: it went away."""
        if self._stage == "variations":
            self._stage = "variable products"
            self._parents.extend(self._families)
            self._open_next_parent()
        else:
            self._next()

    def _next(self) -> None:
        if self._stage == "products":
            self._stage = "variations"
            self._reading = (
                Collection("variations", FIELDS, self._per_page) if self._families else None
            )
        elif self._stage == "variations":
            self._reading = None
        else:
            self._parents_read += 1
            self._open_next_parent()

    def _open_next_parent(self) -> None:
        self._parent = self._parents.popleft() if self._parents else 0
        self._reading = (
            Collection(f"products/{self._parent}/variations", FIELDS, self._per_page)
            if self._parent
            else None
        )

    def _read(self, row: Mapping[str, Any]) -> Product:
        parent_id = 0 if self._stage == "products" else self._parent_of(row)
        family = self._families.get(parent_id, _Family())
        sku = _text(row.get("sku"))
        return Product(
            id=row["id"],
            # A variation without a SKU of its own shows its product's (``get_sku`` when viewed);
            # looked up by that SKU, the shop finds the product alone.
            sku="" if parent_id and sku == family.sku else sku,
            # Variations tell no type in older versions.
            type="variation" if parent_id else _text(row.get("type")),
            status=_text(row.get("status")),
            name=_text(row.get("name")) or family.name,
            parent_id=parent_id,
            parent_status=family.status,
            managed=_managed(row.get("manage_stock")),
            quantity=whole(row.get("stock_quantity")),
            backorders=_text(row.get("backorders")),
            stock_status=_text(row.get("stock_status")),
        )

    def _parent_of(self, row: Mapping[str, Any]) -> int:
        if self._parent:
            return self._parent
        parent_id = whole(row.get("parent_id"))
        return ORPHANED if parent_id is None or parent_id <= 0 else parent_id


def _managed(value: Any) -> Managed:
    """As ``managing_stock()`` has it; a plugin may write PHP's words for it."""
    if value == "parent":
        return "parent"
    return "yes" if value in (True, 1, "yes", "1", "true") else "no"


def _text(value: Any) -> str:
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
