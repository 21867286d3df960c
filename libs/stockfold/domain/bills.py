"""Bills of materials: a kit may hold kits, but never itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

import msgspec

from stockfold.domain.errors import ContractError
from stockfold.domain.reference import CatalogItem

NESTING_MAX = 10
"""Levels of a kit: 1 when none of its components is a kit."""
PARTS_MAX = 500
"""Different SKUs that a kit is made of, nested kits included and the kit itself not."""
UNITS_MAX = 10**12
"""More than this is nonsense in any quantity (rulings.md, 27)."""
_MEND = "Correct its bill of materials in the catalogue; the one before stays in force meanwhile."


class Bill(msgspec.Struct, frozen=True):
    """What one kit is made of, as one revision of the catalogue says.

    ``version`` is the owner's name for it. ``components`` are (SKU, base units in one kit).
    """

    sku: str
    revision: int
    version: str
    components: tuple[tuple[str, int], ...]


class Tree(msgspec.Struct, frozen=True):
    """A kit with all that is nested in it.

    ``bills`` are the kit's own, then every nested kit's behind those of the kits that hold it.
    ``leaves`` are (SKU, base units in one kit) of everything that is no kit, added up over all
    places where it is needed, by SKU. ``parts`` are all SKUs that are needed, the kit itself left
    out.
    """

    bills: tuple[Bill, ...]
    leaves: tuple[tuple[str, int], ...]
    parts: tuple[str, ...]

    @property
    def nested(self) -> tuple[Bill, ...]:
        """The bills of the kits inside."""
        return self.bills[1:]


def bill_of(item: CatalogItem) -> Bill | None:
    """What a SKU is made of; nothing when it is no longer sold."""
    made_of = item.bill_of_materials
    if made_of is None or not item.active:
        return None
    parts = tuple((part.sku, part.quantity) for part in made_of.components)
    return Bill(item.sku, item.revision, made_of.version, parts)


def grow(kit: str, bills: Mapping[str, Bill]) -> Tree:
    """The tree of a kit; what is in none of the ``bills`` is a leaf.

    ContractError ``bad_bill``, ``cyclic_bill`` (with the path) or ``bill_too_large``.
    """
    for bill in bills.values():
        _refuse_nonsense(bill)
    cycle = find_cycle({sku: [part for part, _ in bill.components] for sku, bill in bills.items()})
    if cycle:
        raise ContractError(
            "cyclic_bill",
            f"SKU {cycle[0]} would be made of itself: {' → '.join(cycle)}",
            remedy=_MEND,
        )
    order = _from_the_top(kit, bills)
    needed, levels = {kit: 1}, {kit: 0}
    for sku in order:
        for part, quantity in bills[sku].components if sku in bills else ():
            needed[part] = needed.get(part, 0) + needed[sku] * quantity
            levels[part] = max(levels.get(part, 0), levels[sku] + 1)
    _refuse_too_large(kit, needed, max(levels.values()))
    return Tree(
        tuple(bills[sku] for sku in order if sku in bills),
        tuple(sorted((sku, needed[sku]) for sku in order if sku not in bills)),
        tuple(order[1:]),
    )


def bills_within(kit: str, bills: Mapping[str, Bill]) -> dict[str, Bill]:
    """The bills of a kit and of every kit inside, circles or not."""
    found: dict[str, Bill] = {}
    waiting = [kit]
    while waiting:
        bill = bills.get(waiting.pop())
        if bill is not None and bill.sku not in found:
            found[bill.sku] = bill
            waiting += [part for part, _ in bill.components]
    return found


def _from_the_top(kit: str, bills: Mapping[str, Bill]) -> list[str]:
    """Every SKU of the tree, each behind all that hold it. There is no circle."""
    reached, waiting = {kit}, deque([kit])
    holders: dict[str, int] = {}
    while waiting:
        bill = bills.get(waiting.popleft())
        for part, _ in bill.components if bill is not None else ():
            holders[part] = holders.get(part, 0) + 1
            if part not in reached:
                reached.add(part)
                waiting.append(part)
    order, ready = [], deque([kit])
    while ready:
        sku = ready.popleft()
        order.append(sku)
        bill = bills.get(sku)
        for part, _ in bill.components if bill is not None else ():
            holders[part] -= 1
            if not holders[part]:
                ready.append(part)
    return order


def _refuse_nonsense(bill: Bill) -> None:
    parts = [part for part, _ in bill.components]
    wrong = ""
    if not parts:
        wrong = "has no component"
    elif len(set(parts)) != len(parts):
        twice = sorted({part for part in parts if parts.count(part) > 1})
        wrong = f"names {', '.join(twice)} more than once"
    else:
        odd = [part for part, units in bill.components if not 1 <= units <= UNITS_MAX]
        if odd:
            wrong = f"needs less than 1 or more than 10^12 units of {', '.join(odd)}"
    if wrong:
        raise ContractError(
            "bad_bill", f"the bill of materials of SKU {bill.sku} {wrong}", remedy=_MEND
        )


def _refuse_too_large(kit: str, needed: Mapping[str, int], levels: int) -> None:
    wrong = ""
    if levels > NESTING_MAX:
        wrong = f"has {levels} levels of components, at most {NESTING_MAX} are counted"
    elif len(needed) - 1 > PARTS_MAX:
        wrong = f"is made of more than {PARTS_MAX} SKUs"
    else:
        huge = [sku for sku, units in needed.items() if units > UNITS_MAX]
        if huge:
            wrong = f"needs more than 10^12 units of {', '.join(sorted(huge))}"
    if wrong:
        raise ContractError("bill_too_large", f"SKU {kit} {wrong}", remedy=_MEND)


def find_cycle(components: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """A path from a SKU back to itself, such as (A, B, A); empty when there is none.

    ``components`` has the SKUs of each kit's components. Iterative, so that deep nesting costs
    memory and not the stack; the smallest SKU of the first circle found comes first.
    """
    done: set[str] = set()
    for start in components:
        if start in done:
            continue
        path: dict[str, None] = {start: None}
        trail = [iter(components[start])]
        while trail:
            inner = next(trail[-1], None)
            if inner is None:
                trail.pop()
                done.add(path.popitem()[0])
            elif inner in path:
                names = list(path)
                return _from_smallest(names[names.index(inner) :])
            elif inner not in done and inner in components:
                path[inner] = None
                trail.append(iter(components[inner]))
    return ()


def _from_smallest(circle: list[str]) -> tuple[str, ...]:
    at = circle.index(min(circle))
    return (*circle[at:], *circle[:at], circle[at])
