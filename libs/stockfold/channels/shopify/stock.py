"""SKU → inventory item and its levels: a search by SKU, then by id.

The search matches phrases without regard to case, and may be behind what was changed a moment ago;
items asked for by id are as they are now. SKUs are not unique: one that names two is not written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from stockfold.channels.port import Observed, Purpose, Request, StockUpdate
from stockfold.channels.shopify.asking import COST_MAX, path_of
from stockfold.channels.shopify.terms import INPUTS_MAX, Places, ShopifyOptions

SEARCH = "StockBySku"
BY_ID = "StockById"
SPARE = 20
"""Rows of a search beyond those expected: duplicates, and what only resembles."""
INT_MAX = 2**31 - 1
"""GraphQL's integers have 32 bits."""
_MISSING = object()
PAGES_MAX = 20
"""Pages of the search for one SKU; more resemble it than can be told apart."""


class Item(msgspec.Struct, frozen=True):
    """An inventory item; ``levels`` by location, None where it is not stocked."""

    id: str
    sku: str
    tracked: bool
    levels: Mapping[str, int | None]

    @property
    def total(self) -> int:
        """Units over all locations that we write."""
        return sum(count for count in self.levels.values() if count is not None)

    @property
    def is_stocked(self) -> bool:
        """Whether any location that we write stocks it."""
        return any(count is not None for count in self.levels.values())


class Page(msgspec.Struct, frozen=True):
    """``items`` of an answer; ``after`` is the cursor of the next page, empty for none."""

    items: tuple[Item, ...]
    after: str = ""


def skus_at_once(locations: int) -> int:
    """How many SKUs one search may have, by what it costs at most."""
    return max(_rows_max(locations) - SPARE, 1)


def ids_at_once(locations: int) -> int:
    """How many items may be asked for by id at once, by what they cost at most."""
    return _rows_max(locations)


def cost(request: Request, locations: int) -> float:
    """Points that a question costs at most: one an object, and two a level."""
    asked = request.json["variables"]
    rows = asked["first"] if "first" in asked else len(asked["ids"])
    return 2.0 + rows * _row_cost(locations)


def _rows_max(locations: int) -> int:
    return max(min(int((COST_MAX - 2) // _row_cost(locations)), INPUTS_MAX), 1)


def _row_cost(locations: int) -> int:
    return 1 + 2 * locations


def search(
    updates: Sequence[StockUpdate], options: ShopifyOptions, places: Places, after: str = ""
) -> Request:
    """The question which items have these SKUs, and what they hold."""
    most = _rows_max(len(places.all))
    rows = most if after else min(len(updates) + SPARE, most)
    variables = {
        "query": " OR ".join(f"sku:{_quoted(update.sku)}" for update in updates),
        "first": rows,
        "after": after or None,
    }
    head = "$query: String!, $first: Int!, $after: String"
    body = (
        "inventoryItems(query: $query, first: $first, after: $after) "
        "{ pageInfo { hasNextPage endCursor } nodes { ...Stock } }"
    )
    return _ask(SEARCH, head, body, variables, updates, options, places)


def by_id(
    updates: Sequence[StockUpdate], ids: Sequence[str], options: ShopifyOptions, places: Places
) -> Request:
    """The question what these items hold now, in the order of the updates."""
    body = "nodes(ids: $ids) { ...Stock }"
    return _ask(BY_ID, "$ids: [ID!]!", body, {"ids": list(ids)}, updates, options, places)


def _ask(
    operation: str,
    head: str,
    body: str,
    variables: dict[str, Any],
    updates: Sequence[StockUpdate],
    options: ShopifyOptions,
    places: Places,
) -> Request:
    numbered = list(enumerate(places.all))
    declared = "".join(f", $l{number}: ID!" for number, _ in numbered)
    levels = " ".join(
        f"l{number}: inventoryLevel(locationId: $l{number}) "
        "{ quantities(names: [$name]) { name quantity } }"
        for number, _ in numbered
    )
    query = (
        f"query {operation}({head}, $name: String!{declared}) {{ {body} }} "
        f"fragment Stock on InventoryItem {{ id sku tracked {levels} }}"
    )
    asked = variables | {"name": options.quantity} | {f"l{n}": place for n, place in numbered}
    tree = {"operationName": operation, "query": query, "variables": asked}
    path = path_of(options.api_version)
    return Request(Purpose.LOOK_UP, "POST", path, tuple(updates), json=tree)


def _quoted(sku: str) -> str:
    """A phrase of Shopify's search syntax."""
    escaped = sku.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def read(request: Request, data: Mapping[str, Any], places: Places) -> Page | None:
    """What an answer holds; None when it is not the answer to this question.

    Of a question by id, items that are gone are left out.
    """
    if request.json["operationName"] == BY_ID:
        rows, after = data.get("nodes"), ""
    else:
        found = data.get("inventoryItems")
        about = found.get("pageInfo") if isinstance(found, dict) else None
        if not isinstance(found, dict) or not isinstance(about, dict):
            return None
        rows = found.get("nodes")
        after = str(about.get("endCursor") or "") if about.get("hasNextPage") is True else ""
    if not isinstance(rows, list):
        return None
    try:
        return Page(tuple(_item(row, places) for row in rows if row is not None), after)
    except _NoItemError:
        return None


class _NoItemError(Exception):
    """A row is not what was asked for."""


def _item(row: Any, places: Places) -> Item:
    if not isinstance(row, dict):
        raise _NoItemError
    number, sku, tracked = row.get("id"), row.get("sku"), row.get("tracked")
    if not isinstance(number, str) or not isinstance(sku, str | None):
        raise _NoItemError
    if not isinstance(tracked, bool):
        raise _NoItemError
    named = enumerate(places.all)
    return Item(number, sku or "", tracked, {p: _quantity(row, f"l{n}") for n, p in named})


def _quantity(row: Mapping[str, Any], name: str) -> int | None:
    """The one quantity of a level; None where there is no level."""
    level = row.get(name, _MISSING)
    if level is None:
        return None
    quantities = level.get("quantities") if isinstance(level, dict) else None
    if not isinstance(quantities, list) or len(quantities) != 1:
        raise _NoItemError
    count = quantities[0].get("quantity") if isinstance(quantities[0], dict) else None
    if not isinstance(count, int) or isinstance(count, bool) or abs(count) > INT_MAX:
        raise _NoItemError
    return count


def observed(item: Item) -> Observed:
    """What an item shows, all our locations together."""
    quantity = item.total if item.tracked and item.is_stocked else None
    return Observed(item.sku, quantity, managed=item.tracked, listing=item.id)
