"""What would become of a shop if all that we want were written to it: a score, and the extremes.

The adapter's own judgement says what can be written, so that a score and a live connection never
disagree. Pure: a whole catalogue in, figures out.
"""

from __future__ import annotations

import enum
import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from stockfold.channels.port import Shown, StockUpdate
from stockfold.channels.woocommerce import lookups
from stockfold.channels.woocommerce.catalog import Product
from stockfold.channels.woocommerce.census import leaves_stock, listing_of

LARGEST_OF_EACH = 50
NAMED_MAX = 100
"""Names of each kind in one score; what is beyond is counted only."""
NAME_CHARACTERS_MAX = 120


class Change(enum.Enum):
    """What a write would change of a listing, as its customers see it."""

    AGREES = "agrees"
    UP = "up"
    DOWN = "down"
    TO_ZERO = "to_zero"
    FROM_ZERO = "from_zero"
    MANAGED = "managed"
    """The shop does not manage its stock yet: a write makes it."""
    BACKORDERS = "backorders"
    """The quantity agrees, the rule for selling without stock does not."""


class Difference(msgspec.Struct, frozen=True):
    """A listing that a write would change. ``shows`` is None where the shop shows no quantity."""

    sku: str
    name: str
    change: Change
    shows: int | None
    wanted: int

    @property
    def size(self) -> int:
        """Units between what is shown and what is wanted."""
        return abs(self.wanted - (self.shows or 0))


class Unwritable(msgspec.Struct, frozen=True):
    """A SKU of ours that nothing can be written to, and why: the adapter's code and sentence."""

    sku: str
    code: str
    detail: str


class Score(msgspec.Struct, frozen=True):
    """How a shop compares with what we want. ``counts`` are of every listing that can be written.

    ``units_up`` and ``units_down`` are the sums of what would be added and taken off sale.
    ``strangers`` are products of the shop, with a SKU, that we know nothing of. Names are at most
    ``NAMED_MAX`` of each, differences the largest ``LARGEST_OF_EACH`` of each change.
    """

    listings: int
    counts: Mapping[Change, int]
    units_up: int
    units_down: int
    differences: tuple[Difference, ...]
    unmapped: int
    ambiguous: int
    refused: int
    waived: int
    unwritable: tuple[Unwritable, ...]
    strangers: int
    stranger_names: tuple[str, ...]
    without_sku: int
    products: int
    variations: int


def score(
    products: Iterable[Product],
    wanted: Mapping[str, Shown],
    *,
    before: Mapping[str, Shown] | None = None,
    waived: Collection[str] = (),
) -> Score:
    """Hold what we want of each SKU against a whole catalogue.

    ``before`` is what was wanted before the shop was asked, ``wanted`` afterwards: what agrees with
    either agrees, so that an order that came meanwhile is no difference.
    """
    of_sku: dict[str, list[Product]] = defaultdict(list)
    counted = {"products": 0, "variations": 0, "without_sku": 0}
    for product in products:
        counted["variations" if product.is_variation else "products"] += 1
        if product.sku:
            of_sku[product.sku].append(product)
        elif product.is_variation or not leaves_stock(product):
            counted["without_sku"] += 1
    found: list[Difference] = []
    unwritable: list[Unwritable] = []
    for sku in sorted(wanted):
        matches = of_sku.get(sku, [])
        outcome = lookups.judge(StockUpdate(sku, 0, 0), [listing_of(one) for one in matches])
        if outcome is None:
            was = (before or wanted).get(sku, wanted[sku])
            found.append(_difference(matches[0], wanted[sku], was))
        else:
            unwritable.append(Unwritable(sku, outcome.code, outcome.detail))
    strangers = [
        _name(one)
        for sku in sorted(of_sku.keys() - wanted.keys())
        for one in of_sku[sku]
        if not leaves_stock(one)
    ]
    return _score(found, unwritable, strangers, frozenset(waived), counted)


def _score(
    found: Sequence[Difference],
    unwritable: Sequence[Unwritable],
    strangers: Sequence[str],
    waived: frozenset[str],
    counted: Mapping[str, int],
) -> Score:
    left = [one for one in unwritable if one.sku not in waived]
    codes = [one.code for one in left]
    unmapped, ambiguous = codes.count("sku_unknown"), codes.count("sku_ambiguous")
    return Score(
        listings=len(found) + len(unwritable),
        counts={change: sum(one.change is change for one in found) for change in Change},
        units_up=sum(one.size for one in found if one.wanted > (one.shows or 0)),
        units_down=sum(one.size for one in found if one.wanted < (one.shows or 0)),
        differences=tuple(_largest(found)),
        unmapped=unmapped,
        ambiguous=ambiguous,
        refused=len(left) - unmapped - ambiguous,
        waived=len(unwritable) - len(left),
        unwritable=tuple(_some(left)),
        strangers=len(strangers),
        stranger_names=tuple(strangers[:NAMED_MAX]),
        without_sku=counted["without_sku"],
        products=counted["products"],
        variations=counted["variations"],
    )


def _largest(found: Iterable[Difference]) -> Iterable[Difference]:
    of_change: dict[Change, list[Difference]] = defaultdict(list)
    for one in found:
        of_change[one.change].append(one)
    for change in Change:
        if change is not Change.AGREES:
            yield from heapq.nlargest(LARGEST_OF_EACH, of_change[change], key=lambda one: one.size)


def _some(left: Iterable[Unwritable]) -> Iterable[Unwritable]:
    of_code: dict[str, int] = defaultdict(int)
    for one in left:
        of_code[one.code] += 1
        if of_code[one.code] <= NAMED_MAX:
            yield one


def _difference(product: Product, wanted: Shown, was: Shown) -> Difference:
    name = _name(product)
    shows = product.quantity if product.managed == "yes" else None
    change = _change(product, shows, wanted)
    if was != wanted and _change(product, shows, was) is Change.AGREES:
        change, wanted = Change.AGREES, was
    return Difference(product.sku, name, change, shows, wanted.quantity)


def _name(product: Product) -> str:
    # With the sign, because an id before a name reads like a quantity.
    return f"#{product.id} {product.name}".strip()[:NAME_CHARACTERS_MAX]


def _change(product: Product, shows: int | None, shown: Shown) -> Change:
    wanted = shown.quantity
    if shows is None:
        return Change.MANAGED
    if shows == wanted:
        kept = not shown.backorders or product.backorders == shown.backorders
        return Change.AGREES if kept else Change.BACKORDERS
    if wanted == 0 < shows:
        return Change.TO_ZERO
    if shows <= 0 < wanted:
        return Change.FROM_ZERO
    return Change.UP if wanted > shows else Change.DOWN
