"""Kits: what stands assembled, and what can be assembled from the components.

A channel may promise the kit's own pool under its policy, and beside it

    min over components of floor(component availability for that channel / quantity per kit),

computed per component first: two minimums are never subtracted (semantics.md, "Availability per
channel"). Of nested kits, units that stand assembled are used before any is made; what is still to
be made is added up over all places that need it, and only then divided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from stockfold.availability import kit_words
from stockfold.availability.answer import Answer, Note, Status, Visible
from stockfold.availability.basis import take_off
from stockfold.availability.policy import Policy
from stockfold.availability.rules import status_of
from stockfold.domain.bills import Tree

NOTHING: Visible = (0, "out_of_stock", None, None, ())
"""What may be promised of a SKU that nobody ever held."""
AHEAD = ("backorder", "preorder")
"""States of a promise of what has yet to come."""


class Limit(NamedTuple):
    """How many kits one component allows. ``needed`` is in units a kit, ``units`` are there."""

    sku: str
    needed: int
    units: int
    allows: int


def of_parts(policy: Policy) -> Policy:
    """The policy as components are counted under it: what is still open of them is not there."""
    return policy if policy.basis == "net" else msgspec.structs.replace(policy, basis="net")


def buildable(tree: Tree, units: Mapping[str, int]) -> int:
    """How many kits can be assembled from ``units`` of the tree's parts. Pure, never below zero."""
    nested = [bill.sku for bill in tree.nested if units.get(bill.sku, 0) > 0]
    least = min(max(units.get(sku, 0), 0) // needed for sku, needed in tree.leaves)
    if not nested:
        return least
    return min(limit.allows for limit in limits(tree, units))


def limits(tree: Tree, units: Mapping[str, int]) -> list[Limit]:
    """How many kits each leaf allows, were there enough of all others; the fewest first."""
    found = []
    standing = any(units.get(bill.sku, 0) > 0 for bill in tree.nested)
    for sku, needed in tree.leaves:
        there = max(units.get(sku, 0), 0)
        allows = there // needed
        if standing:
            allows = _most(tree, units, sku, there, allows)
        found.append(Limit(sku, needed, there, allows))
    return sorted(found, key=lambda limit: (limit.allows, limit.sku))


def _most(tree: Tree, units: Mapping[str, int], leaf: str, there: int, least: int) -> int:
    """The most kits for which no more than ``there`` of a leaf are needed.

    Needs rise with the kits, so a search by halves finds it.
    """
    saved = sum(units[bill.sku] for bill in tree.nested if units.get(bill.sku, 0) > 0)
    # One that stands saves no more than one kit needs, so it allows one kit more at the most.
    most = least + saved + 1
    while least < most:
        middle = (least + most + 1) // 2
        if demand(tree, units, middle).get(leaf, 0) <= there:
            least = middle
        else:
            most = middle - 1
    return least


def demand(tree: Tree, units: Mapping[str, int], kits: int) -> dict[str, int]:
    """Units of each leaf that so many kits need, once all that stands assembled is used up."""
    return _exploded(tree, units, kits)[1]


def taken(tree: Tree, units: Mapping[str, int], kits: int) -> dict[str, int]:
    """Units of each part that so many kits take: of nested kits those that stand, of leaves all."""
    standing, leaves = _exploded(tree, units, kits)
    both = (*standing.items(), *sorted(leaves.items()))
    return {sku: number for sku, number in both if number}


def _exploded(
    tree: Tree, units: Mapping[str, int], kits: int
) -> tuple[dict[str, int], dict[str, int]]:
    """What is used of nested kits that stand assembled, and of leaves."""
    gross = {tree.bills[0].sku: kits}
    standing: dict[str, int] = {}
    for bill in tree.bills:
        wanted = gross.pop(bill.sku, 0)
        if bill is not tree.bills[0]:
            used = standing[bill.sku] = min(max(units.get(bill.sku, 0), 0), wanted)
            wanted -= used
        if wanted > 0:
            for part, quantity in bill.components:
                gross[part] = gross.get(part, 0) + wanted * quantity
    return standing, gross


class Parts(NamedTuple):
    """What a channel may promise of each part of a tree, and as of which version of the part.

    The versions are asked for only when the steps are put into words.
    """

    visible: Mapping[str, Visible]
    version_of: Callable[[str], int]


class _Draft(NamedTuple):
    """What becomes of own pool and assembly together; ``own`` with what the channel has open."""

    own: int
    built: int
    status: Status
    next_available: int | None
    lead_time_days: int | None
    ahead: bool


def combine(policy: Policy, own: Answer, tree: Tree, parts: Parts) -> Answer:
    """What the channel may promise of a kit: its own pool, and what can be assembled.

    ``own`` is the answer of the kit's own positions under the policy. Every part of the tree has an
    entry in ``parts``. Pure.
    """
    draft, built_at = _in_stock(policy, own, tree, parts)
    if draft.own + draft.built <= own.open:
        draft = _ahead(own, tree, parts)
    total = draft.own + draft.built
    notes = _notes(own, tree, parts, draft)
    # What the channel still counts as open comes on top of the limits, and is nothing to sell.
    net = _limited(policy, own.ceiling, total - own.open)
    quantity = net + own.open
    if quantity != total:
        notes.append(("limits", quantity, kit_words.limited, (total - own.open, net)))
    status = status_of(net, policy.low_stock) if draft.status not in AHEAD else draft.status
    notes.append(("published", quantity, kit_words.published, (quantity,)))
    return Answer(
        quantity,
        status if net > 0 else "out_of_stock",
        _by_location(policy, own, built_at, total - quantity),
        notes,
        draft.next_available,
        draft.lead_time_days,
        own.open,
        own.ceiling,
    )


def _in_stock(
    policy: Policy, own: Answer, tree: Tree, parts: Parts
) -> tuple[_Draft, dict[str, int]]:
    """What is there now. Where the channel has locations, a kit is assembled within one."""
    own_units = own.open if own.status in AHEAD else own.quantity
    built_at: dict[str, int] = {}
    if policy.per_location:
        built_at = _built_at(tree, parts)
        built = sum(built_at.values())
    else:
        built = _built(tree, parts.visible)
    lead = own.lead_time_days
    if own_units <= own.open:
        lead = _latest([parts.visible[sku][3] for sku, _ in tree.leaves])
    return _Draft(own_units, built, "in_stock", own.next_available, lead, ahead=False), built_at


def _built(tree: Tree, visible: Mapping[str, Visible]) -> int:
    """``buildable`` from what is there now, in few steps where nothing is nested."""
    if len(tree.bills) > 1:
        return buildable(tree, _units(visible, ahead=False))
    least = -1
    for sku, needed in tree.leaves:
        part = visible[sku]
        allows = 0 if part[1] in AHEAD else part[0] // needed
        if least < 0 or allows < least:
            least = allows
        if least <= 0:
            return 0
    return least


def _units(visible: Mapping[str, Visible], *, ahead: bool) -> dict[str, int]:
    """Units of each part; ``ahead``: those too that have yet to come."""
    return {sku: 0 if part[1] in AHEAD and not ahead else part[0] for sku, part in visible.items()}


def _built_at(tree: Tree, parts: Parts) -> dict[str, int]:
    shares = {sku: dict(part[4]) for sku, part in parts.visible.items() if part[1] not in AHEAD}
    places = {place for sku, _ in tree.leaves for place in shares.get(sku, ())}
    found = {
        place: buildable(tree, {sku: held.get(place, 0) for sku, held in shares.items()})
        for place in sorted(places)
    }
    return {place: built for place, built in found.items() if built}


def _ahead(own: Answer, tree: Tree, parts: Parts) -> _Draft:
    """What may be sold before it is there; of nothing, the day from which there may be some."""
    units = _units(parts.visible, ahead=True)
    waits = [parts.visible[sku] for sku, _ in tree.leaves if parts.visible[sku][1] in AHEAD]
    built = buildable(tree, units) if waits else 0
    own_ahead = own.status in AHEAD and own.quantity > own.open
    if built or own_ahead:
        used = [part[1:4] for part in waits] if built else []
        if own_ahead:
            used.append((own.status, own.next_available, own.lead_time_days))
        status: Status = "preorder" if any(u[0] == "preorder" for u in used) else "backorder"
        return _Draft(
            own.quantity,
            built,
            status,
            _latest([u[1] for u in used]),
            _latest([u[2] for u in used]),
            ahead=True,
        )
    short = [parts.visible[limit.sku][2] for limit in limits(tree, units) if not limit.allows]
    day = None if None in short else _latest(short)
    days = [found for found in (day, own.next_available) if found is not None]
    return _Draft(own.quantity, 0, "out_of_stock", min(days, default=None), None, ahead=True)


def _latest(days: list[int | None]) -> int | None:
    return max((day for day in days if day is not None), default=None)


def _limited(policy: Policy, ceiling: int | None, total: int) -> int:
    """The limits that are about what is told hold for the sum as they do for its parts."""
    if 0 < total <= policy.publish_zero_at:
        return 0
    return total if ceiling is None else min(total, ceiling)


def _by_location(
    policy: Policy, own: Answer, built_at: Mapping[str, int], less: int
) -> tuple[tuple[str, int], ...]:
    """Own and assembled units by location; ``less`` of them are not told."""
    if not policy.per_location:
        return ()
    shares = dict(own.locations)
    for place, built in built_at.items():
        shares[place] = shares.get(place, 0) + built
    take_off(shares, less)
    return tuple(sorted(shares.items()))


def _notes(own: Answer, tree: Tree, parts: Parts, draft: _Draft) -> list[Note]:
    notes = own.notes
    if notes and notes[-1][0] == "published":
        notes = notes[:-1]
    bill = tree.bills[0]
    total = draft.own + draft.built
    return [
        *notes,
        ("pre_assembled", draft.own, kit_words.pre_assembled, (max(draft.own - own.open, 0),)),
        ("assembled", total, kit_words.assembled, (draft.built, bill.version, bill.revision)),
        ("components", total, _each, (tree, parts, draft.ahead)),
    ]


def _each(tree: Tree, parts: Parts, ahead: bool) -> str:
    """Which component limits the number, and how many kits each allows."""
    units = _units(parts.visible, ahead=ahead)
    standing = [(bill.sku, units[bill.sku]) for bill in tree.nested if units.get(bill.sku, 0) > 0]
    return kit_words.components(limits(tree, units), parts.version_of, standing)
