"""Order promising of a kit: of stock that stands assembled, and of its components. Pure.

Kits that stand assembled by a day are used first; what is missing is made of what may be promised
of the components for that day. What they share is added up before it is asked for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence

import msgspec

from stockfold.availability import kit_words, promise_words
from stockfold.availability.kit_promises import KitPromised, PartPromised
from stockfold.availability.kits import buildable, taken
from stockfold.availability.promises import Ask, Promised, Whole
from stockfold.availability.promising import Promising
from stockfold.domain.bills import Tree
from stockfold.domain.days import DayOf
from stockfold.ledger.outlook import NO_OUTLOOK, Outlook


def promise_kit(
    tree: Tree, outlooks: Mapping[str, Outlook], ask: Ask, day_of: DayOf
) -> KitPromised:
    """The earliest day for all of ``ask.quantity`` kits, and why. ValueError when not positive.

    ``outlooks`` of the kit and of its parts; who has none was never held. The lead time is the
    kit's: its components have none of their own.
    """
    if ask.quantity < 1:
        raise ValueError("a quantity to be promised is at least 1")
    return _Kit(tree, outlooks, ask, day_of).answer()


class _Kit:
    """One answer in the making."""

    def __init__(
        self, tree: Tree, outlooks: Mapping[str, Outlook], ask: Ask, day_of: DayOf
    ) -> None:
        self.tree = tree
        self.ask = ask
        self.day_of = day_of
        self.outlooks = outlooks
        self.sku = tree.bills[0].sku
        skus = (self.sku, *tree.parts)
        self.of = {sku: Promising(self._outlook(sku), ask, day_of) for sku in skus}
        found = {place for of in self.of.values() for place in of.places}
        named = ask.locations
        self.places = sorted(found) if named is None else list(dict.fromkeys(named))

    def answer(self) -> KitPromised:
        """The earliest day of all locations together, and of each alone."""
        ask, last = self.ask, self.ask.days - 1
        levels = {sku: of.together(self._of_all(sku)) for sku, of in self.of.items()}
        first = self._first(levels)
        units = {sku: level[last if first is None else first] for sku, level in levels.items()}
        own = min(max(units[self.sku], 0), ask.quantity)
        built = ask.quantity - own
        standing = self._promised(self.sku, own, ask.lead_time_days) if own else None
        parts = tuple(
            PartPromised(sku, needed, self._promised(sku, needed))
            for sku, needed in taken(self.tree, units, built).items()
        )
        days = [part.promised.available_on for part in parts]
        if standing is not None:
            days.append(standing.available_on)
        known = [day for day in days if day is not None]
        on = max(known) if first is not None and len(known) == len(days) else None
        whole = Promised(
            on,
            None if on is None else on + ask.lead_time_days,
            () if standing is None else standing.parts,
            tuple(self._whole(place) for place in self.places),
            tuple(self._reasons(on, own, parts, levels)),
            self._now(),
            *self.of[self.sku].beside(),
        )
        return KitPromised(whole, own, built, parts)

    def _outlook(self, sku: str) -> Outlook:
        return self.outlooks.get(sku, NO_OUTLOOK)

    def _of_all(self, sku: str) -> Sequence[str]:
        return self.of[sku].places if self.ask.locations is None else self.places

    def _total(self, levels: Mapping[str, Sequence[int]], day: int) -> int:
        """Kits that may be promised for a day; it never falls from a day to the next."""
        units = {sku: level[day] for sku, level in levels.items()}
        return max(units[self.sku], 0) + buildable(self.tree, units)

    def _first(self, levels: Mapping[str, Sequence[int]]) -> int | None:
        days = range(self.ask.days)
        day = bisect_left(days, self.ask.quantity, key=lambda d: self._total(levels, d))
        return day if day < len(days) else None

    def _promised(self, sku: str, units: int, lead_time_days: int = 0) -> Promised:
        ask = msgspec.structs.replace(self.ask, quantity=units, lead_time_days=lead_time_days)
        return Promising(self._outlook(sku), ask, self.day_of).answer()

    def _whole(self, place: str) -> Whole:
        """A kit that is assembled at one location needs all of its components there."""
        ask = self.ask
        levels = {
            sku: of.together((place,) if place in of.curves else ()) for sku, of in self.of.items()
        }
        day = self._first(levels)
        if day is None:
            most = self._total(levels, ask.days - 1)
            never = promise_words.never_here(place, ask.quantity, most)
            return Whole(place, None, None, (never,))
        on = ask.today + day
        own = min(max(levels[self.sku][day], 0), ask.quantity)
        reasons = [kit_words.made_here(place, own, ask.quantity - own)]
        if day:
            reasons.append(promise_words.day_before(self._total(levels, day - 1), on - 1))
        return Whole(place, on, on + ask.lead_time_days, tuple(reasons))

    def _reasons(
        self,
        on: int | None,
        own: int,
        parts: tuple[PartPromised, ...],
        levels: Mapping[str, Sequence[int]],
    ) -> list[str]:
        ask, last = self.ask, self.ask.days - 1
        if on is None:
            most = self._total(levels, last)
            reasons = [promise_words.never(ask.quantity, most, ask.today + last)]
        else:
            bill = self.tree.bills[0]
            leaves_on = on + ask.lead_time_days
            reasons = [
                kit_words.can_leave(own, ask.quantity - own, leaves_on, bill.version, bill.revision)
            ]
        reasons += [kit_words.part(p.sku, p.units, p.promised.available_on) for p in parts]
        if on is not None and on > ask.today:
            most = self._total(levels, on - 1 - ask.today)
            # A rare later day: see ``Promising.answer``.
            if most < ask.quantity:
                reasons.append(promise_words.day_before(most, on - 1))
        return reasons

    def _now(self) -> int:
        now = {sku: of.now() for sku, of in self.of.items()}
        return now[self.sku] + buildable(self.tree, now)
