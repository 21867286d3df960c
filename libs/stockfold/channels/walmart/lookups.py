"""What SKUs show: asked once before the first write, and whenever somebody wants to know.

What a channel showed before us is what its guards and a restoring go by, and what shows already
what it shall is not written. A few SKUs are asked for one by one (``GET /inventory``, ``GET
/inventories/{sku}``), many by the list of all, 50 at a time (``GET /inventories``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from stockfold.channels import statuses
from stockfold.channels.port import (
    Answer,
    Failure,
    Observed,
    Outcome,
    OutcomeKind,
    Purpose,
    Request,
    Response,
    Shown,
    StockUpdate,
)
from stockfold.channels.walmart import errors
from stockfold.channels.walmart.options import WalmartOptions
from stockfold.channels.walmart.writes import not_understood, path_of, units_of

LIST = "/inventories"
LISTED_MAX = 50
"""The most SKUs of one page of the list."""
ABOUT_MAX = 1_000
"""So many SKUs wait for one page: each of them may be on it."""
NO_BREAKDOWN = "no_breakdown"
DEFAULT = ""
"""The node of a level that was told without one."""

Levels = Mapping[str, int | None]
"""The seller's input by ship node; None for what is no whole number of units."""


def ask(base: str, update: StockUpdate, shown: Shown, purpose: Purpose) -> Request:
    """The question what one SKU shows."""
    path, params = path_of(base, update, shown)
    return Request(purpose, "GET", path, (update,), params)


def levels_of(tree: Mapping[str, Any]) -> Levels | None:
    """The levels of one SKU as an answer tells them; None when it does not."""
    nodes = tree.get("nodes")
    if isinstance(nodes, list):
        rows = [one for one in nodes if isinstance(one, Mapping)]
        return {str(row.get("shipNode")): units_of(row.get("inputQty")) for row in rows}
    return {DEFAULT: units_of(tree["quantity"])} if "quantity" in tree else None


def observe(sku: str, levels: Levels, shown: Shown) -> Observed:
    """What a SKU shows, at the nodes that are ours."""
    ours = [node for node, _ in shown.locations] or list(levels)
    units = [levels.get(node, 0) for node in ours]
    known = [one for one in units if one is not None]
    return Observed(sku, sum(known) if len(known) == len(units) else None, listing=sku)


def is_shown(levels: Levels, shown: Shown) -> bool:
    """Whether all that would be written is there already."""
    if shown.locations:
        return all(levels.get(node, 0) == units for node, units in shown.locations)
    return len(levels) == 1 and list(levels.values()) == [shown.quantity]


def _answered(request: Request, answer: Response | Failure) -> Mapping[str, Any] | Answer:
    """The object that a question was answered with; the whole meaning where it was not."""
    if isinstance(answer, Failure):
        return Answer(trouble=statuses.failed(answer))
    if not 200 <= answer.status < 300:
        return errors.refused(request, answer)
    tree = errors.object_of(answer)
    return not_understood(request, answer) if tree is None else tree


def one(request: Request, answer: Response | Failure) -> Levels | Answer:
    """The levels of the one SKU that was asked for; the whole meaning where none came."""
    tree = _answered(request, answer)
    if isinstance(tree, Answer):
        return tree
    levels = levels_of(tree) if tree.get("sku") == request.updates[0].sku else None
    if levels is None:
        assert isinstance(answer, Response)
        return not_understood(request, answer)
    return levels


class Lookups:
    """Which SKUs were seen since we began, and what the list of all has told of others."""

    def __init__(self, options: WalmartOptions, to_show: Callable[[StockUpdate], Shown]) -> None:
        self._base = options.base_path
        self._least = options.list_from
        self._to_show = to_show
        self._seen: set[str] = set()
        self._listed: dict[str, Levels] = {}
        self._cursor = ""
        self._is_read = False

    def sees(self, sku: str) -> bool:
        """Whether it was told what a SKU showed."""
        return sku in self._seen

    def forget(self, sku: str) -> None:
        """Walmart does not list it any more."""
        self._seen.discard(sku)
        self._listed.pop(sku, None)

    def request(self, due: Sequence[StockUpdate], *, in_a_hurry: bool = False) -> Request | None:
        """The question to ask before these are written; None for none.

        The list is read to its end once it is begun, but those ``in_a_hurry`` do not wait for it.
        """
        unseen = [update for update in due if update.sku not in self._seen]
        listed = any(update.sku in self._listed for update in unseen)
        many = len(unseen) >= self._least and not self._is_read
        goes_on = bool(self._cursor and unseen) and not in_a_hurry
        if listed or many or goes_on:
            about = tuple(unseen[:ABOUT_MAX])
            path = self._base + LIST
            return Request(Purpose.LOOK_UP, "GET", path, about, self._page_params)
        first = due[0]
        if first.sku in self._seen:
            return None
        return ask(self._base, first, self._to_show(first), Purpose.LOOK_UP)

    @property
    def _page_params(self) -> tuple[tuple[str, str], ...]:
        after = (("nextCursor", self._cursor),) if self._cursor else ()
        return (("limit", str(LISTED_MAX)), *after)

    def told(
        self, request: Request, answer: Response | Failure, settles: Callable[[str], bool]
    ) -> Answer:
        """What was seen; ``settles`` says of a SKU that nothing is on its way to it."""
        if request.path == self._base + LIST:
            return self._page(request, answer, settles)
        update = request.updates[0]
        levels = one(request, answer)
        if isinstance(levels, Answer):
            return levels
        return self._see([(update, levels)], settles)

    def _page(
        self, request: Request, answer: Response | Failure, settles: Callable[[str], bool]
    ) -> Answer:
        tree = _answered(request, answer)
        if isinstance(tree, Answer):
            return Answer(trouble=tree.trouble)
        rows = _member(tree, "elements", "inventories")
        if not isinstance(rows, list):
            assert isinstance(answer, Response)
            return not_understood(request, answer)
        levels = dict(_levels(rows))
        cursor = _member(tree, "meta", "nextCursor")
        news = levels.keys() - self._listed.keys() - self._seen
        self._listed |= {sku: one for sku, one in levels.items() if sku not in self._seen}
        # Of two questions at once for the same page, the first answer leads on.
        if dict(request.params).get("nextCursor", "") == self._cursor and not self._is_read:
            # A list that comes to nothing new is at its end, whatever it says.
            self._is_read = not news or not isinstance(cursor, str) or not cursor
            self._cursor = "" if self._is_read else str(cursor)
        found = [(u, self._listed.pop(u.sku)) for u in request.updates if u.sku in self._listed]
        return self._see(found, settles)

    def _see(
        self, found: Sequence[tuple[StockUpdate, Levels]], settles: Callable[[str], bool]
    ) -> Answer:
        outcomes = []
        observed = []
        for update, levels in found:
            shown = self._to_show(update)
            self._seen.add(update.sku)
            observed.append(observe(update.sku, levels, shown))
            if is_shown(levels, shown) and settles(update.sku):
                outcomes.append(Outcome(update, OutcomeKind.APPLIED))
        return Answer(tuple(outcomes), observed=tuple(observed))


def _levels(rows: Sequence[Any]) -> Iterator[tuple[str, Levels]]:
    for row in rows:
        levels = levels_of(row) if isinstance(row, Mapping) else None
        if levels is not None:
            yield str(row.get("sku")), levels


def _member(tree: Mapping[str, Any], *names: str) -> Any:
    found: Any = tree
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def no_breakdown(request: Request, answer: Response | Failure) -> Answer:
    """Of a quantity that nobody has shared out among several nodes; it is not written."""
    update = request.updates[0]
    levels = one(request, answer)
    if isinstance(levels, Answer):
        return levels
    detail = (
        f"{update.quantity} units without a breakdown, and several ship nodes: ask for it in the "
        "channel's policy (per_location), or set options.undivided_node"
    )
    return Answer((Outcome(update, OutcomeKind.REJECTED, NO_BREAKDOWN, detail),))
