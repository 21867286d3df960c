"""The scheduler: time becomes records of the schedule topic, and these become what is known of it.

Every availability process runs one. All write the same record under the same key for the same
moment, and none believes in a moment before it has read it back, so that all agree (decision
record 0015).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

import msgspec

from stockfold.availability.policy import Policy
from stockfold.availability.schedule import Times, deadline_us, edges, latest
from stockfold.contracts.reference import decode_reference, reference_key
from stockfold.contracts.schedule import Heard, decode_schedule, encode_moment
from stockfold.contracts.topics import SCHEDULE
from stockfold.domain.errors import ContractError
from stockfold.domain.reference import Authority, Location
from stockfold.domain.times import SECOND_US
from stockfold.runtime.processor import Outputs
from stockfold.runtime.records import Record
from stockfold.runtime.telemetry import measures

log = logging.getLogger(__name__)

LOOK_US = SECOND_US
"""How often the clock is looked at: so late may a moment be told."""
REASONS_MAX = 20


class _Speaker(msgspec.Struct, frozen=True):
    """A source with a rhythm, where it speaks (None: everywhere), and since when we know that."""

    source: str
    rhythm_s: int
    locations: tuple[str, ...] | None
    known_us: int


class Scheduler:
    """What the schedule topic has told, and what is due to be told next.

    A source that was never heard from counts from when its authority was imported.
    """

    def __init__(self) -> None:
        self.times = Times()
        self._heard: dict[str, int] = {}
        self._speakers: dict[str, _Speaker] = {}
        self._locations: set[str] = set()
        self._looked_us = 0
        self._asked_us = 0
        self._due: tuple[int, tuple[str, ...]] | None = None

    # --- what records say -----------------------------------------------------------------------

    def take_reference(self, records: Iterable[Record]) -> None:
        """Take records of the reference topic; those that cannot be read were told of elsewhere."""
        for record in records:
            kind, *name = reference_key(record.key())
            known: object = None
            if record.value() is not None:
                try:
                    known = decode_reference(record.value(), record.key())
                except ContractError:
                    continue
            if kind == "authority":
                self._take_authority(name[0], known, record.timestamp()[1] * 1000)
            elif kind == "location":
                if isinstance(known, Location) and known.active:
                    self._locations.add(known.location)
                else:
                    self._locations.discard(name[0])

    def _take_authority(self, name: str, known: object, at_us: int) -> None:
        self._speakers.pop(name, None)
        if isinstance(known, Authority) and known.active and known.rhythm_s:
            self._speakers[name] = _Speaker(known.source, known.rhythm_s, known.locations, at_us)

    def apply(self, records: Iterable[Record]) -> Times:
        """Take records of the schedule topic; the times as they are now."""
        moment_us = self.times.moment_us
        for record in records:
            if record.value() is None:
                continue
            try:
                told = decode_schedule(record.value())
            except ContractError as error:
                log.error(  # noqa: TRY400  (the sentence says it all; no defect to trace)
                    "%s, offset %d: %s It is passed over.", SCHEDULE.name, record.offset(), error
                )
                continue
            if isinstance(told, Heard):
                self._heard[told.source] = max(told.at_us, self._heard.get(told.source, 0))
            else:
                moment_us = max(moment_us, told.at_us)
        self.times = Times(moment_us, self._silent(moment_us))
        return self.times

    def _silent(self, moment_us: int) -> Mapping[str, int]:
        """The locations of sources that are past their rhythm at the moment, and since when."""
        found: dict[str, int] = {}
        for speaker in self._speakers.values():
            heard_us = self._heard_us(speaker)
            if deadline_us(heard_us, speaker.rhythm_s) <= moment_us:
                for location in self._places_of(speaker):
                    found[location] = min(heard_us, found.get(location, heard_us))
        return found

    def _heard_us(self, speaker: _Speaker) -> int:
        return max(self._heard.get(speaker.source, 0), speaker.known_us)

    def _places_of(self, speaker: _Speaker) -> Iterable[str]:
        return self._locations if speaker.locations is None else speaker.locations

    # --- what is due ----------------------------------------------------------------------------

    def look(self, policies: Iterable[Policy], now_us: int) -> None:
        """Look at the clock, once a second: whether a moment has passed that nobody has told."""
        if 0 <= now_us - self._looked_us < LOOK_US:
            return
        self._looked_us = now_us
        for speaker in self._speakers.values():
            silent_us = now_us - self._heard_us(speaker)
            measures.SOURCE_SILENT.labels(speaker.source).set(max(silent_us, 0) / SECOND_US)
            measures.SOURCE_RHYTHM.labels(speaker.source).set(speaker.rhythm_s)
        after_us = max(self.times.moment_us, self._asked_us)
        found = list(self._edges(policies, now_us))
        last = latest(found, after_us, now_us)
        if last is None:
            return
        reasons = sorted({why for at_us, why in found if after_us < at_us <= now_us})
        self._due = last[0], tuple(reasons[:REASONS_MAX])

    def _edges(self, policies: Iterable[Policy], now_us: int) -> Iterable[tuple[int, str]]:
        doubted = self._silent(now_us)
        for policy in policies:
            yield from edges(policy, now_us, doubted)
        for speaker in self._speakers.values():
            heard_us = self._heard_us(speaker)
            yield deadline_us(heard_us, speaker.rhythm_s), f"{speaker.source} has gone silent"

    @property
    def is_due(self) -> bool:
        """Whether there is a moment to write down."""
        return self._due is not None

    def tell(self, out: Outputs) -> None:
        """Write the moment that is due; it counts once it is read back."""
        if self._due is not None:
            at_us, reasons = self._due
            out.produce(SCHEDULE, 0, *encode_moment(at_us, reasons))
            log.info("the moment %d is reached: %s", at_us, "; ".join(reasons))
            self._asked_us, self._due = at_us, None

    def forget_asked(self) -> None:
        """What was written may have been aborted: it is asked again unless it is read back."""
        self._asked_us = 0
        self._due = None
        self._looked_us = 0
