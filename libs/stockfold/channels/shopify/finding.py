"""Finds the item of each SKU, and what it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from stockfold.channels import statuses
from stockfold.channels.port import Answer, Outcome, OutcomeKind, Request, Shown, StockUpdate
from stockfold.channels.shopify import stock, verdicts
from stockfold.channels.shopify.listings import Listings
from stockfold.channels.shopify.stock import Item
from stockfold.channels.shopify.terms import Places, ShopifyOptions


class _Search(msgspec.Struct, frozen=True):
    """The search for one SKU that much resembles: what was read of it so far."""

    after: str
    pages: int
    items: tuple[Item, ...]


class Finding:
    """Questions about items, and what their answers mean. It fills ``listings``."""

    def __init__(
        self,
        listings: Listings,
        to_show: Callable[[StockUpdate], Shown],
        options: ShopifyOptions,
        places: Places,
    ) -> None:
        self._listings = listings
        self._to_show = to_show
        self._options = options
        self._places = places
        self._searches: dict[str, _Search] = {}
        self._skus_most = min(options.skus_max, stock.skus_at_once(len(places.all)))
        self._skus_max = self._skus_most

    def search(self, wanted: Sequence[StockUpdate], failures: int = 0) -> Request:
        """The question about the first of these, and as many others as fit."""
        begun = self._searches.get(wanted[0].sku)
        if begun is not None:
            return stock.search(wanted[:1], self._options, self._places, begun.after)
        chosen = wanted[: max(self._skus_max >> failures, 1)]
        return stock.search(chosen, self._options, self._places)

    def by_id(self, wanted: Sequence[StockUpdate]) -> Request:
        """The question what these hold now; their items are known."""
        chosen = wanted[: stock.ids_at_once(len(self._places.all))]
        ids = [self._listings.id_of(update.sku) or "" for update in chosen]
        return stock.by_id(chosen, ids, self._options, self._places)

    def read(self, request: Request, data: Mapping[str, Any]) -> Answer | None:
        """What an answer means for the next write; None when it is none to this question."""
        page = stock.read(request, data, self._places)
        if page is None:
            return None
        is_by_id = request.json["operationName"] == stock.BY_ID
        return self._asked(request, page) if is_by_id else self._searched(request, page)

    def see(self, request: Request, data: Mapping[str, Any]) -> Answer | None:
        """What is shown, and nothing else; a SKU that is elsewhere by now is looked up again."""
        page = stock.read(request, data, self._places)
        if page is None or page.after:
            # Duplicates may be on further pages: ask for fewer the next time.
            self._skus_max = max(len(request.updates) // 2, 1) if page else self._skus_max
            return None if page is None else Answer()
        skus = [update.sku for update in request.updates]
        if request.json["operationName"] == stock.BY_ID:
            there = {item.sku for item in page.items}
            for sku in skus:
                if sku not in there:
                    self._listings.forget(sku)
        return Answer(observed=verdicts.seen(skus, page.items))

    def too_large(self, request: Request, code: str, detail: str) -> Answer:
        """Ask for fewer from now on."""
        if len(request.updates) == 1:
            detail = f"refused for a single SKU: {detail}"
            return Answer((Outcome(request.updates[0], OutcomeKind.REJECTED, code, detail),))
        self._skus_max = max(min(self._skus_max, len(request.updates)) // 2, 1)
        return Answer(statuses.all_again(request, code, detail))

    def _searched(self, request: Request, page: stock.Page) -> Answer:
        if page.after and len(request.updates) > 1:
            # More rows than expected: what else has these SKUs may be on further pages.
            self._skus_max = max(len(request.updates) // 2, 1)
            return Answer()
        skus = [update.sku for update in request.updates]
        before = self._searches.pop(skus[0], _Search("", 0, ()))
        items = (*before.items, *(item for item in page.items if item.sku in skus))
        if page.after and before.pages + 1 < stock.PAGES_MAX:
            self._searches[skus[0]] = _Search(page.after, before.pages + 1, items)
            return Answer()
        if page.after:
            return Answer((verdicts.resembles_many(request.updates[0]),))
        self._skus_max = min(self._skus_max + max(self._skus_max // 4, 1), self._skus_most)
        outcomes = []
        for update in request.updates:
            found = {item.id: item for item in items if item.sku == update.sku}
            outcomes += self._judged(update, tuple(found.values()))
        return Answer(tuple(outcomes), observed=verdicts.seen(skus, items))

    def _asked(self, request: Request, page: stock.Page) -> Answer:
        items = {item.id: item for item in page.items}
        outcomes = []
        for update in request.updates:
            item = items.get(self._listings.id_of(update.sku) or "")
            if item is None or item.sku != update.sku:
                self._listings.forget(update.sku)  # Gone, or another product by now.
            else:
                outcomes += self._judged(update, (item,))
        skus = [update.sku for update in request.updates]
        return Answer(tuple(outcomes), observed=verdicts.seen(skus, page.items))

    def _judged(self, update: StockUpdate, found: Sequence[Item]) -> list[Outcome]:
        """No outcome for what is to be written."""
        why = verdicts.unfit(update, found)
        if why is not None:
            self._listings.forget(update.sku)
            return [why]
        item, shown = found[0], self._to_show(update)
        self._listings.learn(item)
        if verdicts.shows(item, shown):
            self._listings.wrote(update.sku, {})
            return [verdicts.applied(update, item, shown, self._places)]
        sale = self._listings.sale_of(update.sku)
        if sale is None or sale.waited or not self._options.settle_s:
            return []
        if item.total >= min(sale.expected, shown.quantity):
            return []
        self._listings.waited(update.sku)
        return [verdicts.sold_meanwhile(update, item, sale, self._options.settle_s)]
