"""What we know of a shop's inventory items: their ids, and what each held when we last knew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from stockfold.channels.port import StockUpdate
from stockfold.channels.shopify.stock import Item


class Sale(msgspec.Struct, frozen=True):
    """An item was found changed by somebody else. ``expected`` is what it held before, by us.

    ``waited``: orders have had their time to reach us.
    """

    expected: int
    waited: bool = False


class Listings:
    """Ids for good, levels until somebody else has changed them; as many as there are SKUs."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}
        self._skus: dict[str, str] = {}
        self._items: dict[str, Item] = {}
        self._sales: dict[str, Sale] = {}
        self._suspects: dict[str, Item] = {}

    def id_of(self, sku: str) -> str | None:
        """The id of the item; None while it is not known."""
        return self._ids.get(sku)

    @property
    def items(self) -> Mapping[str, Item]:
        """Items whose levels we know, by SKU."""
        return self._items

    def sale_of(self, sku: str) -> Sale | None:
        """What somebody else has done to the item since we wrote it."""
        return self._sales.get(sku)

    def learn(self, item: Item) -> None:
        """Take in what an item holds. Its id may have been another SKU's before."""
        before = self._skus.get(item.id)
        if before is not None and before != item.sku:
            self.forget(before)
        self._ids[item.sku], self._skus[item.id] = item.id, item.sku
        self._items[item.sku] = item
        suspect = self._suspects.pop(item.sku, None)
        if suspect is not None and suspect.levels != item.levels:
            self._sales.setdefault(item.sku, Sale(suspect.total))

    def wrote(self, sku: str, levels: Mapping[str, int]) -> None:
        """Take in what a write has set, by location."""
        item = self._items.get(sku)
        if item is not None:
            self._items[sku] = msgspec.structs.replace(item, levels={**item.levels, **levels})
        self._sales.pop(sku, None)

    def not_stocked(self, sku: str, place: str) -> bool:
        """The item is not stocked at a location; False when it is at none by now."""
        item = self._items.get(sku)
        if item is None:
            return False
        left = msgspec.structs.replace(item, levels={**item.levels, place: None})
        self._items[sku] = left
        return left.is_stocked

    def sold(self, sku: str) -> bool:
        """Somebody else has changed it. False when that was known, and it is so again."""
        item = self._items.pop(sku, None)
        if sku in self._sales:
            return False
        self._sales[sku] = Sale(item.total if item is not None else 0)
        return True

    def suspect(self, skus: Iterable[str]) -> None:
        """Somebody else has changed one of these: which, is found when they are asked again."""
        for sku in skus:
            item = self._items.pop(sku, None)
            if item is not None:
                self._suspects[sku] = item

    def waited(self, sku: str) -> None:
        """Orders get their time to reach us now."""
        sale = self._sales.get(sku)
        if sale is not None:
            self._sales[sku] = msgspec.structs.replace(sale, waited=True)

    def doubt(self, skus: Iterable[str]) -> None:
        """What these hold is to be asked again."""
        for sku in skus:
            self._items.pop(sku, None)

    def forget(self, sku: str) -> None:
        """Where it is, too, is to be asked again."""
        self._items.pop(sku, None)
        self._suspects.pop(sku, None)
        item_id = self._ids.pop(sku, None)
        if item_id is not None:
            self._skus.pop(item_id, None)

    def clear(self) -> None:
        """SKUs have changed places: ask for all."""
        self._ids.clear()
        self._skus.clear()
        self._items.clear()
        self._suspects.clear()

    def unknown(self, updates: Sequence[StockUpdate]) -> list[StockUpdate]:
        """Those whose item is not known."""
        return [update for update in updates if update.sku not in self._ids]

    def doubtful(self, updates: Sequence[StockUpdate]) -> list[StockUpdate]:
        """Those whose item is known, and not what it holds."""
        return [u for u in updates if u.sku in self._ids and u.sku not in self._items]

    def ready(self, updates: Sequence[StockUpdate]) -> list[StockUpdate]:
        """Those that can be written together: the first alone if somebody else sells it now."""
        if updates[0].sku in self._sales:
            return [updates[0]]
        return [u for u in updates if u.sku in self._items and u.sku not in self._sales]
