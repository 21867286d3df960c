"""A shop's catalogue held against the SKUs that we want to publish: what can be, what cannot.

A listing is covered when the adapter would write it: its SKU names exactly one product, and that
one can hold stock. The adapter's own judgement is asked, so the two never disagree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec

from stockfold.channels.findings import Finding, Level
from stockfold.channels.port import StockUpdate
from stockfold.channels.woocommerce import lookups
from stockfold.channels.woocommerce.catalog import Product
from stockfold.channels.woocommerce.lookups import Listing
from stockfold.channels.woocommerce.terms import PLAIN, StockTerms

MANAGED = {"yes": True, "no": False, "parent": "parent"}
TO_DO = {
    "sku_unknown": "Give the product this SKU in the shop, or waive it: stockfold channel waive.",
    "sku_ambiguous": "Give all but one of these products another SKU, or delete them in the shop.",
    "type_without_stock": "Give the SKU to a product that holds stock, or waive it.",
    "stock_of_parent": "Let the variation manage its own stock in the shop, or send the units "
    "under its product's SKU and waive this one.",
    "stock_of_variations": "Send the units under the variations' SKUs and waive this one, or let "
    "the product manage stock.",
}


class Coverage(msgspec.Struct, frozen=True):
    """How much of what we publish the shop can take. ``waived`` are uncovered ones, let off."""

    listings: int
    covered: int
    waived: tuple[str, ...]
    uncovered: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """True when there is something to publish, and all of it can be or was waived."""
        return self.listings > 0 and not self.uncovered

    @property
    def share(self) -> float:
        """The share that is covered or waived, 0 to 1; 1 of nothing."""
        told = self.listings - len(self.uncovered)
        return told / self.listings if self.listings else 1.0


class Census:
    """Counts a catalogue, product by product, then judges our SKUs against it."""

    def __init__(self, terms: StockTerms = PLAIN) -> None:
        self._terms = terms
        self._of_sku: dict[str, list[Product]] = defaultdict(list)
        self._without_sku: list[Product] = []
        self.products = 0
        self.variations = 0

    def take(self, products: Iterable[Product]) -> None:
        """Count these."""
        for product in products:
            self.products += not product.is_variation
            self.variations += product.is_variation
            if product.sku:
                self._of_sku[product.sku].append(product)
            # Of a variable product that leaves stock to its variations none is missed.
            elif product.is_variation or not leaves_stock(product):
                self._without_sku.append(product)

    def coverage(self, skus: Collection[str], waived: Collection[str]) -> Coverage:
        """How many of our SKUs can be written."""
        out = [sku for sku in skus if self._refusal(sku) is not None]
        return Coverage(
            len(skus),
            len(skus) - len(out),
            tuple(sorted(sku for sku in out if sku in waived)),
            tuple(sorted(sku for sku in out if sku not in waived)),
        )

    def _refusal(self, sku: str) -> tuple[str, str] | None:
        """Why the adapter would not write a SKU, as code and detail."""
        matches = [listing_of(product) for product in self._of_sku.get(sku, ())]
        outcome = lookups.judge(StockUpdate(sku, 0, 0), matches)
        return None if outcome is None else (outcome.code, outcome.detail)

    def findings(self, skus: Collection[str], waived: Collection[str]) -> Iterator[Finding]:
        """What is to be said of our SKUs, then of the shop's other products.

        Without any of ours, every product would be another's: only doubles are told then.
        """
        ours = frozenset(skus)
        near = self._near() if any(sku not in self._of_sku for sku in ours) else {}
        for sku in sorted(ours):
            refusal = self._refusal(sku)
            if refusal is not None:
                yield self._uncovered(sku, *refusal, near, waived=sku in waived)
            else:
                yield from self._of_ours(self._of_sku[sku][0])
        for sku, products in sorted(self._of_sku.items()):
            if sku not in ours and (ours or len(products) > 1):
                yield from _of_others(sku, products)
        for product in self._without_sku:
            yield Finding(
                Level.NOTE,
                "without_sku",
                str(product.id),
                f"the {_kind(product)} has no SKU, so nothing can be published to it",
                "Give it the SKU under which its stock is kept, if it is to be published.",
                (name_of(product),),
            )

    def _uncovered(
        self, sku: str, code: str, detail: str, near: dict[str, list[str]], *, waived: bool
    ) -> Finding:
        products = tuple(name_of(product) for product in self._of_sku.get(sku, ()))
        alike = near.get(_folded(sku), [])
        if code == "sku_unknown" and alike:
            detail += f"; it has {', '.join(map(repr, alike[:3]))}, which is another"
        if waived:
            return Finding(Level.NOTE, f"waived_{code}", sku, detail, "", products)
        return Finding(Level.ERROR, code, sku, detail, TO_DO[code], products)

    def _near(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for sku in self._of_sku:
            found[_folded(sku)].append(sku)
        return found

    def _of_ours(self, product: Product) -> Iterator[Finding]:
        """What is to be said of one that can be written."""
        sku, named = product.sku, (name_of(product),)
        if product.managed == "no":
            yield Finding(
                Level.WARNING,
                "unmanaged",
                sku,
                "the shop does not manage its stock; the first write makes it",
                "Nothing, unless a plugin or a person keeps turning it off.",
                named,
            )
        if product.is_variation and product.status == "publish" and not product.is_published:
            status = product.parent_status or "not there"
            yield Finding(
                Level.WARNING,
                "draft_parent",
                sku,
                f"the variation is published, but its product {product.parent_id} is {status}: "
                "customers see neither",
                "Publish the product in the shop when it is to be sold.",
                named,
            )
        elif not product.is_published:
            detail = f"it is {product.status or 'without a status'}: customers do not see it"
            to_do = "Publish it in the shop when it is to be sold."
            yield Finding(Level.NOTE, "not_published", sku, detail, to_do, named)
        yield from self._sold_without_stock(product, named)

    def _sold_without_stock(self, product: Product, named: Sequence[str]) -> Iterator[Finding]:
        if product.backorders in ("notify", "yes") and self._terms.backorders == "keep":
            yield Finding(
                Level.WARNING,
                "backorders_on",
                product.sku,
                f"the shop sells it on without stock (backorders {product.backorders}), whatever "
                "is published",
                "Turn backorders off for it in the shop, or set channels.stock.backorders.",
                tuple(named),
            )
        if product.quantity is not None and product.quantity < 0:
            detail = f"the shop shows {product.quantity}: it sold more than it had"
            to_do = "Look at its open orders: stockfold cases list."
            yield Finding(Level.NOTE, "oversold", product.sku, detail, to_do, tuple(named))


def _of_others(sku: str, products: Sequence[Product]) -> Iterator[Finding]:
    """A SKU of the shop that we publish nothing of."""
    named = tuple(name_of(product) for product in products)
    if len(products) > 1:
        detail = f"{len(products)} products have this SKU; as long as they do, none can be mapped"
        to_do = TO_DO["sku_ambiguous"]
        yield Finding(Level.WARNING, "sku_ambiguous", sku, detail, to_do, named)
    elif not leaves_stock(products[0]):
        detail = f"stockfold has no stock under the SKU of this {_kind(products[0])}"
        to_do = "Nothing if it is not to be published; else send its stock under this SKU."
        yield Finding(Level.NOTE, "not_ours", sku, detail, to_do, named)


def listing_of(product: Product) -> Listing:
    """As a look-up of its SKU would have found it."""
    parent_id = product.parent_id
    return Listing(product.id, parent_id, product.type, MANAGED[product.managed])


def leaves_stock(product: Product) -> bool:
    """True for what holds no stock anyway."""
    if product.type in lookups.TYPES_WITHOUT_STOCK:
        return True
    return product.type.startswith("variable") and product.managed == "no"


def name_of(product: Product) -> str:
    """For people: ``4711 A shirt``."""
    return f"{product.id} {product.name}".strip()


def _kind(product: Product) -> str:
    return "variation" if product.is_variation else f"{product.type} product".strip()


def _folded(sku: str) -> str:
    """What people take for the same SKU: case and blanks do not count."""
    return "".join(sku.split()).casefold()
