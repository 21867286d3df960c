"""Safety stock: which rule is the most specific, and what it keeps back.

It limits what is published, not what is honoured (semantics.md).
"""

from __future__ import annotations

from stockfold.availability import words
from stockfold.availability.categories import upwards
from stockfold.availability.draft import Draft
from stockfold.availability.policy import Policy, Safety
from stockfold.availability.stock import kept_of, part_up

Chosen = tuple[Safety | None, dict[str, Safety]]
"""The rule of the SKU as a whole, and the rules of locations that come before it."""


class _Layer:
    """The rules of one SKU, one category, or of everything."""

    __slots__ = ("at", "general")

    def __init__(self) -> None:
        self.general: Safety | None = None
        self.at: dict[str, Safety] = {}


class SafetyRules:
    """The safety stock of one policy, as a rule of its pipeline.

    The order, the most specific first: the SKU at a location, the SKU, its deepest category at a
    location, that category, the categories above alike, any SKU at a location, any SKU. A rule that
    names a location keeps at most what is free there; one that names none keeps its units once,
    from the locations that have no rule before it.
    """

    __slots__ = ("_chosen", "_layers", "_skus", "_windows")

    def __init__(self, policy: Policy) -> None:
        self._windows = any(
            w.units is not None or w.basis_points is not None for w in policy.promotions
        )
        self._layers: dict[tuple[str, str], _Layer] = {}
        rules = policy.safety
        if policy.safety_stock:
            rules = (*rules, Safety(policy.safety_stock))
        for rule in rules:
            layer = self._layers.setdefault((rule.sku, rule.category), _Layer())
            if rule.location:
                layer.at[rule.location] = rule
            else:
                layer.general = rule
        self._skus = {rule.sku for rule in rules if rule.sku}
        self._chosen: dict[tuple[str, str], Chosen] = {}
        """What was chosen before, by (SKU with a rule of its own, category)."""

    def __bool__(self) -> bool:
        return bool(self._layers) or self._windows

    def chosen(self, sku: str, category: str) -> Chosen:
        """The rules that apply to a SKU."""
        key = (sku if sku in self._skus else "", category)
        found = self._chosen.get(key)
        if found is None:
            found = self._chosen[key] = self._choose(*key)
        return found

    def _choose(self, sku: str, category: str) -> Chosen:
        keys = [(sku, "")] if sku else []
        keys += [("", name) for name in upwards(category)]
        at: dict[str, Safety] = {}
        for key in (*keys, ("", "")):
            layer = self._layers.get(key)
            if layer is None:
                continue
            for location, rule in layer.at.items():
                at.setdefault(location, rule)
            if layer.general is not None:
                return layer.general, at
        return None, at

    def __call__(self, draft: Draft) -> None:
        """Keep the safety stock back, or the buffer of the promotion window that is open."""
        window = draft.window
        if window is not None and (window.units is not None or window.basis_points is not None):
            buffer = Safety(window.units or 0, window.basis_points or 0)
            keep(draft, buffer, list(draft.atp.values()))
            return
        general, at = self.chosen(draft.positions.sku, draft.surroundings.category)
        if at:
            self._keep_at(draft, at)
        if general is not None and not at and not general.basis_points:
            take(draft, general.units, general)
        elif general is not None:
            keep(draft, general, [units for place, units in draft.atp.items() if place not in at])

    @staticmethod
    def _keep_at(draft: Draft, at: dict[str, Safety]) -> None:
        atp = draft.atp
        kept = []
        for location in sorted(at.keys() & atp.keys()):
            rule, free = at[location], atp[location]
            units = kept_of(free, rule.units, rule.basis_points) if free > 0 else 0
            if units:
                atp[location] -= units
                kept.append((location, units))
        if kept:
            draft.quantity -= sum(units for _, units in kept)
            draft.note("safety_stock", words.safety_at, kept)


def keep(draft: Draft, rule: Safety, free: list[int]) -> None:
    """Keep one rule's units back, of places with so many units free."""
    if rule.basis_points:
        units = part_up(sum(units for units in free if units > 0), rule.basis_points)
    else:
        units = rule.units
        if len(free) < len(draft.atp):
            # It may not take what locations with a rule of their own have.
            units = min(units, sum(units for units in free if units > 0))
    take(draft, units, rule)


def take(draft: Draft, units: int, rule: Safety) -> None:
    """Take so many units off, by the rule that says so."""
    if units:
        draft.quantity -= units
        draft.note("safety_stock", words.safety_stock, units, rule)
