"""Order promising: by when can a channel have N units of a SKU? Pure.

Answered from dated ATP (semantics.md, "Dated ATP"): what is promised to somebody else for a later
day is not promised again for an earlier one. Safety stock and shares do not count here: they limit
what is published, not what is honoured. Fences of other channels do, as in the ledger (ruling 4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from stockfold.availability import promise_words as words
from stockfold.availability.promises import Ask, Part, Promised, Whole
from stockfold.availability.waiting import Waiting, served
from stockfold.domain.days import DayOf
from stockfold.ledger.dated import Series, Supply, series, supplies_of, waits_until
from stockfold.ledger.outlook import Outlook
from stockfold.ledger.sourcing import held_for_others

Supplies = tuple[Supply, ...]


def promise(outlook: Outlook, ask: Ask, day_of: DayOf) -> Promised:
    """The earliest day for all of ``ask.quantity``, and why. ValueError when it is not positive."""
    if ask.quantity < 1:
        raise ValueError("a quantity to be promised is at least 1")
    return Promising(outlook, ask, day_of).answer()


class Promising:
    """One answer in the making; kits ask several for what may be promised of their parts."""

    def __init__(self, outlook: Outlook, ask: Ask, day_of: DayOf) -> None:
        trusted = tuple(c for c in outlook.coming if c.confidence >= ask.confidence)
        self.all_supplies = supplies_of(outlook, day_of)
        self.outlook = msgspec.structs.replace(outlook, coming=trusted)
        self.ask = ask
        self.supplies = supplies_of(self.outlook, day_of)
        self.eta_days = {(s.inbound, s.line): s.day for s in self.all_supplies}
        self.curves: dict[str, Series] = {
            place: series(self.outlook, day_of, ask.today, ask.days, place)
            for place in {*outlook.locations, *(ask.locations or ())}
        }
        places = outlook.locations if ask.locations is None else list(dict.fromkeys(ask.locations))
        self.places: Sequence[str] = places
        self.free = self._free_by_day()
        self.waiting = self._waiting()
        self.known: dict[object, int] = {}
        self.joint: dict[frozenset[str], list[int]] = {}

    def answer(self) -> Promised:
        """The earliest day over all the locations, and that of each."""
        ask = self.ask
        together = self.together(self.places)
        first = _first(together, ask.quantity)
        day, parts = None, tuple[Part, ...]()
        # Rarely do locations have it together on a day, and none of them alone what it would give:
        # when somebody waits for later units at another place. Then a later day has it.
        for late in range(ask.days if first is None else first, ask.days):
            parts = self._parts(late)
            if parts:
                day = late
                break
        return Promised(
            None if day is None else ask.today + day,
            None if not parts else max(part.dispatch_on for part in parts),
            parts,
            tuple(self._whole(place) for place in self.places),
            tuple(self._reasons(day, parts, together)),
            self.now(),
            *self.beside(),
        )

    def beside(self) -> tuple[Supplies, Supplies, Supplies]:
        """Supply that is not relied on: overdue, undated, not trusted."""
        ask, here = self.ask, set(self.places)
        supplies = [s for s in self.all_supplies if s.location in here]
        return (
            tuple(s for s in supplies if s.day is not None and s.day < ask.today),
            tuple(s for s in supplies if s.day is None),
            tuple(s for s in supplies if s.confidence < ask.confidence),
        )

    def _free_by_day(self) -> list[Mapping[str, int]]:
        """Promises of each location by day; days on which nothing changes share theirs."""
        found: list[Mapping[str, int]] = []
        columns = [curve.promises for curve in self.curves.values()]
        last: tuple[int, ...] | None = None
        for levels in zip(*columns, strict=True) if columns else ((),) * self.ask.days:
            if levels != last:
                free = {p: max(n, 0) for p, n in zip(self.curves, levels, strict=True)}
                last = levels
            found.append(free)
        return found

    def together(self, places: Sequence[str]) -> list[int]:
        """Units that may be promised for each day from any of the places, rising.

        Who waits for the same units comes first, and so do the fences of others (ruling 4).
        """
        chosen = frozenset(places)
        if chosen in self.joint:
            return self.joint[chosen]
        found: list[int] = []
        before: tuple[object, object] | None = None
        for now in zip(self.free, self.waiting, strict=True):
            if before is not None and now[0] is before[0] and now[1] is before[1]:
                found.append(found[-1])
            else:
                found.append(self._at_once(chosen, *now))
            before = now
        for day in range(self.ask.days - 2, -1, -1):
            found[day] = min(found[day], found[day + 1])
        self.joint[chosen] = found
        return found

    def _at_once(self, chosen: frozenset[str], free: Mapping[str, int], waiting: Waiting) -> int:
        most, due = sum(free[place] for place in chosen), self._served(waiting, free)
        if any(not chosen.isdisjoint(places) for places in waiting):
            # What can be served from elsewhere holds nothing back here.
            elsewhere = {place: units for place, units in free.items() if place not in chosen}
            most += self._served(waiting, elsewhere) - due
        if self.outlook.fences:
            left = sum(free.values()) - due
            most = min(most, left - self._fenced(left))
        return most

    def _served(self, waiting: Waiting, free: Mapping[str, int]) -> int:
        if not waiting:
            return 0
        key = tuple(waiting.items()), tuple(free.items())
        if key not in self.known:
            self.known[key] = served(waiting, free)
        return self.known[key]

    def _waiting(self) -> list[Waiting]:
        """Backorders whose day has come, by day and by the places that may serve them."""
        due: dict[int, list[tuple[frozenset[str], int]]] = {}
        for line in self.outlook.lines:
            if line.backordered:
                day = max(waits_until(line, self.eta_days, self.ask.today) - self.ask.today, 0)
                due.setdefault(day, []).append((frozenset(line.places_to_wait()), line.backordered))
        found: list[Waiting] = []
        known: dict[frozenset[str], int] = {}
        for day in range(self.ask.days):
            if day in due:
                known = dict(known)
                for places, units in due[day]:
                    known[places] = known.get(places, 0) + units
            found.append(known)
        return found

    def _fenced(self, pool: int) -> int:
        known = self.outlook
        return held_for_others(known.fences, known.claims, self.ask.channel, pool)

    def now(self) -> int:
        """The units that a reservation would be confirmed for at once."""
        atp = {place: self.outlook.atp(place) for place in self.curves}
        pool = sum(max(units, 0) for units in atp.values())
        free = sum(max(atp[place], 0) for place in self.places)
        return max(min(free, pool - self._fenced(pool)), 0)

    def _parts(self, day: int) -> tuple[Part, ...]:
        """From as few locations as may be: one that has all, else those that have most.

        What who waits may take at a location is not taken there. Empty when they have not all.
        """
        quantity = self.ask.quantity
        alone = {place: self.together((place,)) for place in self.places}
        whole = next((p for p in self.places if alone[p][day] >= quantity), None)
        if whole is not None:
            return (self._part(whole, quantity, alone[whole]),)
        order = {place: at for at, place in enumerate(self.places)}
        parts, chosen, had = list[Part](), list[str](), 0
        for place in sorted(order, key=lambda p: (-alone[p][day], order[p])):
            chosen.append(place)
            units = min(self.together(chosen)[day] - had, alone[place][day], quantity - had)
            if units > 0:
                parts.append(self._part(place, units, alone[place]))
                had += units
            if had == quantity:
                return tuple(parts)
        return ()

    def _part(self, place: str, units: int, alone: Sequence[int]) -> Part:
        first = _first(alone, units)
        assert first is not None, "no location gives more than it has alone"
        on = self.ask.today + first
        return Part(place, units, on, on + self.ask.lead_time_days)

    def _whole(self, place: str) -> Whole:
        ask = self.ask
        together = self.together((place,))
        day = _first(together, ask.quantity)
        if day is None:
            most = max(together[-1], 0)
            return Whole(place, None, None, (words.never_here(place, ask.quantity, most),))
        on = ask.today + day
        reasons = [self._supplied(place, ask.quantity, on), *self._held_back(place, day, together)]
        return Whole(place, on, on + ask.lead_time_days, tuple(reasons))

    def _reasons(self, day: int | None, parts: tuple[Part, ...], together: list[int]) -> list[str]:
        ask = self.ask
        if day is None:
            last = ask.today + ask.days - 1
            return [words.never(ask.quantity, max(together[-1], 0), last)]
        reasons = [words.can_leave(ask.quantity, parts, ask.lead_time_days)]
        reasons += [self._supplied(p.location, p.units, p.available_on) for p in parts]
        if day:
            reasons.append(words.day_before(max(together[day - 1], 0), ask.today + day - 1))
        if self.now() < ask.quantity:
            reasons.append(words.not_yet_reservable(self.now()))
        return reasons

    def _supplied(self, place: str, units: int, day: int) -> str:
        arrivals = sorted(
            (
                s
                for s in self.supplies
                if s.location == place and s.day is not None and self.ask.today <= s.day <= day
            ),
            key=lambda s: (s.day, s.inbound, s.line),
        )
        on_hand = self.outlook.on_hand.get(place, 0)
        claimed = self.outlook.held.get(place, 0)
        needed = units - max(on_hand - claimed, 0)
        used = []
        for supply in arrivals:
            if needed <= 0:
                break
            used.append(supply)
            needed -= supply.units
        return words.supplied(place, units, on_hand, claimed, used)

    def _held_back(self, place: str, day: int, together: list[int]) -> list[str]:
        """Why not the day before: later demand, those who wait or fences, or nothing there."""
        if not day:
            return []
        ask, curve = self.ask, self.curves[place]
        there = next(
            (d for d in range(day) if curve.projection[d] >= ask.quantity > curve.promises[d]), None
        )
        if there is not None:
            least = curve.promises[there]
            low = curve.projection.index(least, there)
            takers = [
                (line.order, line.line, sum(u for p, u in line.reserved if p == place))
                for line in self.outlook.lines
                if line.needed_on is not None and there < line.needed_on - ask.today <= low
            ]
            taken = [taker for taker in takers if taker[2]]
            return [words.later_demand(ask.today + low, least, taken)]
        if curve.promises[day - 1] >= ask.quantity:
            return [words.others_first(curve.promises[day - 1], max(together[day - 1], 0))]
        return [words.day_before(max(curve.promises[day - 1], 0), ask.today + day - 1)]


def _first(levels: Sequence[int], units: int) -> int | None:
    """The first day that has so many; levels never fall."""
    return next((day for day, level in enumerate(levels) if level >= units), None)
