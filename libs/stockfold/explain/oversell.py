"""Oversell forensics: for a deficit, what caused it, what came late, who holds the units.

A location is in deficit while its ATP is below zero: more is promised there than the shelf holds,
or the shelf itself is below zero. One deficit lasts from the fact that took the ATP below zero to
the one that brought it back.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from stockfold.domain.times import from_us
from stockfold.explain.blame import Blame, OverPromise, blame, over_promises
from stockfold.explain.entry import Entry, Evidence, History, answer, evidence
from stockfold.explain.shortage import kinds_of
from stockfold.explain.timeline import Effect, Timeline
from stockfold.ledger.accounts import ALLOCATED, ON_HAND, RESERVED
from stockfold.ledger.evolve import evolve
from stockfold.ledger.state import LineKey, SkuState

LATE_MAX = 20
CLAIMS_MAX = 100
NEWEST = 50
"""Deficits that one answer tells."""


@answer
class LateEvent:
    """An event that was told only after a promise had been given which it would have prevented."""

    fact: Evidence
    """The fact that it became."""
    took_effect_at: datetime
    """When it happened; of a count, when it was counted."""
    late_ms: int
    """How long after that it was recorded."""
    units: int
    """What it did to the ATP of the location."""


@answer
class Claim:
    """An order line that holds units of the location."""

    order: str
    """Order."""
    line: str
    """Line of the order."""
    channel: str
    """Sales channel; empty when none was told."""
    reserved: int
    """Units reserved there."""
    allocated: int
    """Units allocated there."""
    over: int
    """Units of it that would not have been promised, had everything been told when it happened."""
    given: Evidence | None
    """The fact that last gave it units there."""


@answer
class Deficit:
    """One deficit of a SKU at a location, and how it came about."""

    sku: str
    """The SKU."""
    location: str
    """The location."""
    kinds: tuple[str, ...]
    """What holds at its end or now: short, oversold (allocated > on hand), on_hand_negative."""
    units: int
    """Units missing now; 0 when it is over."""
    worst: int
    """The most that were ever missing."""
    began: Evidence
    """The fact that took the ATP below zero."""
    ended: Evidence | None
    """The fact that brought it back; null while it lasts."""
    cause: str
    """late_event, late_receipt, allocated_without_stock, shipped_without_promise, missing_receipt,
    sent_away or stock_shrank."""
    sentence: str
    """The cause in words."""
    prevention: str
    """What would have prevented it."""
    late: tuple[LateEvent, ...]
    """Events that came too late to prevent it, the one with most units first; at most 20."""
    claims: tuple[Claim, ...]
    """Who holds the units of the location now, the newest claim first; at most 100."""
    claim_lines: int
    """How many order lines that are in all."""


class Episode(msgspec.Struct):
    """A deficit as it is being followed."""

    location: str
    began: Entry
    atp_before: int
    worst: int = 0
    ended: Entry | None = None


def deficits(
    sku: str,
    history: History,
    location: str | None = None,
    *,
    past: bool = False,
    newest: int = NEWEST,
) -> list[Deficit]:
    """The deficits that a SKU has, the newest first; with ``past`` also those that are over."""
    state, episodes = _episodes(sku, history)
    chosen = [
        episode
        for episode in reversed(episodes)
        if (past or episode.ended is None) and location in {None, episode.location}
    ][:newest]
    given = _givers(history)
    places = {episode.location for episode in chosen}
    timelines = {place: Timeline(history, place) for place in places}
    overs = {place: over_promises(timeline, place) for place, timeline in timelines.items()}
    return [_deficit(state, timelines[e.location], overs[e.location], given, e) for e in chosen]


def _episodes(sku: str, history: History) -> tuple[SkuState, list[Episode]]:
    state = SkuState(sku)
    found: list[Episode] = []
    open_: dict[str, Episode] = {}
    for entry in history:
        places = {delta[1] for delta in entry.fact.deltas if delta[1]}
        before = {place: state.atp(place) for place in places}
        evolve(state, entry.fact)
        for place in sorted(places):
            atp = state.atp(place)
            episode = open_.get(place)
            if episode is None and atp < 0:
                episode = open_[place] = Episode(place, entry, before[place])
                found.append(episode)
            if episode is not None:
                episode.worst = max(episode.worst, -atp)
                if atp >= 0:
                    episode.ended = entry
                    del open_[place]
    return state, found


def _givers(history: History) -> dict[tuple[LineKey, str], Entry]:
    """The fact that last gave each line units at each location."""
    found: dict[tuple[LineKey, str], Entry] = {}
    for entry in history:
        change = entry.fact.change
        if change is not None and change.line is not None:
            key = (change.line.order, change.line.line)
            for account, location, _, units in entry.fact.deltas:
                if account in {RESERVED, ALLOCATED} and units > 0:
                    found[key, location] = entry
    return found


def _deficit(
    state: SkuState,
    timeline: Timeline,
    overs: list[OverPromise],
    given: dict[tuple[LineKey, str], Entry],
    episode: Episode,
) -> Deficit:
    location = episode.location
    found = blame(timeline, overs, episode.began, episode.ended, location, episode.atp_before)
    claims = _claims(state, location, given, found)
    late = sorted(found.late, key=lambda effect: (effect.units, -effect.late_us))
    return Deficit(
        sku=state.sku,
        location=location,
        kinds=kinds_of(
            state.number(location, ON_HAND),
            state.number(location, RESERVED),
            state.number(location, ALLOCATED),
        ),
        units=max(-state.atp(location), 0) if episode.ended is None else 0,
        worst=episode.worst,
        began=evidence(episode.began),
        ended=evidence(episode.ended) if episode.ended is not None else None,
        cause=found.cause,
        sentence=found.sentence,
        prevention=found.prevention,
        late=tuple(_late(effect) for effect in late[:LATE_MAX]),
        claims=claims[:CLAIMS_MAX],
        claim_lines=len(claims),
    )


def _late(effect: Effect) -> LateEvent:
    return LateEvent(
        evidence(effect.entry), from_us(effect.us), effect.late_us // 1000, effect.units
    )


def _claims(
    state: SkuState,
    location: str,
    given: dict[tuple[LineKey, str], Entry],
    found: Blame,
) -> tuple[Claim, ...]:
    claims = []
    for key, line in state.lines.items():
        reserved = sum(units for place, units in line.reserved if place == location)
        allocated = sum(a.open for a in line.allocations if a.location == location)
        if reserved or allocated:
            giver = given.get((key, location))
            over = found.over.get(key, 0)
            claims.append(
                Claim(
                    order=line.order,
                    line=line.line,
                    channel=line.channel,
                    reserved=reserved,
                    allocated=allocated,
                    over=min(over, reserved + allocated),
                    given=evidence(giver) if giver is not None else None,
                )
            )
    return tuple(sorted(claims, key=lambda c: -(c.given.seq if c.given is not None else 0)))
