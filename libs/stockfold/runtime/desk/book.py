"""Exceptions with their state, as the topics tell them."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager

import msgspec

from stockfold.contracts.codec import Record as Body
from stockfold.contracts.codec import decode
from stockfold.contracts.topics import EXCEPTION_RESOLUTIONS, EXCEPTIONS, INPUTS, ORDERS, SHIPMENTS
from stockfold.domain.errors import StockfoldError
from stockfold.runtime.kafka_errors import kafka_errors
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings

CASES_MAX = 10_000
"""Cases that one command takes on; the rest waits for the next."""
OFFSET_DIGITS_MAX = 18
_INPUT_NAMES = frozenset(topic.name for topic in (*INPUTS, ORDERS, SHIPMENTS))


class Case(msgspec.Struct, frozen=True):
    """One exception: the record, its place in the exceptions topic, what was done about it."""

    raised: Body
    partition: int
    offset: int
    resolutions: tuple[Body, ...] = ()

    @property
    def id(self) -> str:
        """The exception's id."""
        return str(self.raised["exception"])

    @property
    def place(self) -> str:
        """partition-offset in the exceptions topic: short, and the same as in the HTTP API."""
        return f"{self.partition}-{self.offset}"

    @property
    def state(self) -> str:
        """open, corrected, resubmitted, discarded or resolved."""
        return str(self.resolutions[-1]["state"]) if self.resolutions else "open"

    @property
    def can_be_sent(self) -> bool:
        """Whether it is about an input that was not folded, whose bytes are here; or a delivery."""
        raised = self.raised
        known = raised["topic"] in _INPUT_NAMES or self.is_delivery
        return not raised["folded"] and known

    @property
    def is_delivery(self) -> bool:
        """Whether a channel does not show a listing: its newest version can be sent again."""
        return str(self.raised["kind"]).startswith("delivery_")

    def sent_ids(self) -> list[str]:
        """Event ids under which it has been sent again."""
        sent = (str(done["replacement_event_id"]) for done in self.resolutions)
        return list(dict.fromkeys(name for name in sent if name))


class Filter(msgspec.Struct, frozen=True):
    """Which exceptions are meant; what is None does not matter."""

    kind: str | None = None
    sku: str | None = None
    source: str | None = None
    since_us: int | None = None
    folded: bool | None = None
    state: str | None = None
    until_us: int | None = None

    def names_something(self) -> bool:
        """Whether anything is asked for."""
        return self != Filter()

    def takes(self, case: Case) -> bool:
        """Whether a case is meant."""
        raised = case.raised
        return (
            self.kind in (None, raised["kind"])
            and self.sku in (None, raised["sku"])
            and self.source in (None, raised["source"])
            and (self.since_us is None or raised["recorded_at"] >= self.since_us)
            and (self.until_us is None or raised["recorded_at"] <= self.until_us)
            and self.folded in (None, raised["folded"])
            and self.state in (None, case.state)
        )


class Desk:
    """Reads exceptions and resolutions. Not for several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reader = PartitionReader(settings)
        with desk_errors(settings, "read"):
            self._resolutions = self._read_resolutions()

    def _read_resolutions(self) -> dict[str, tuple[Body, ...]]:
        found: dict[str, list[Body]] = {}
        for batch in self._reader.read(EXCEPTION_RESOLUTIONS, 0):
            for record in batch:
                done = decode(record.value())[1]
                found.setdefault(done["exception"], []).append(done)
        return {name: tuple(done) for name, done in found.items()}

    def cases(self, chosen: Filter, limit: int) -> list[Case]:
        """The newest cases that the filter takes, newest first, at most so many."""
        newest: list[tuple[int, int, int, Case]] = []
        for case in self._all():
            if chosen.takes(case):
                entry = (case.raised["recorded_at"], case.partition, case.offset, case)
                if len(newest) < limit:
                    heapq.heappush(newest, entry)
                else:
                    heapq.heappushpop(newest, entry)
        return [entry[3] for entry in sorted(newest, key=lambda e: e[:3], reverse=True)]

    def case(self, name: str) -> Case:
        """The case of an exception id or of a place; StockfoldError when there is none."""
        with desk_errors(self._settings, "read"):
            found = case_at(self._settings, self._reader, name, self._resolutions)
            if found is None:
                found = next((case for case in self._all() if case.id == name), None)
        if found is None:
            raise no_exception(self._settings, name)
        return found

    def about(self, events: set[tuple[str, str]]) -> list[Case]:
        """Cases about events, given as (source, event id)."""
        return [c for c in self._all() if (c.raised["source"], c.raised["event_id"]) in events]

    def _all(self) -> Iterator[Case]:
        with desk_errors(self._settings, "read"):
            for partition in range(self._settings.kafka.sku_partitions):
                yield from self._cases_of(partition)

    def _cases_of(self, partition: int) -> Iterator[Case]:
        for batch in self._reader.read(EXCEPTIONS, partition):
            for record in batch:
                raised = decode(record.value())[1]
                done = self._resolutions.get(raised["exception"], ())
                yield Case(raised, partition, record.offset(), done)


def case_at(
    settings: Settings,
    reader: PartitionReader,
    place: str,
    resolutions: Mapping[str, tuple[Body, ...]],
) -> Case | None:
    """The case of a place such as 3-42, with its bytes; None when nothing is there."""
    partition, dash, offset = place.partition("-")
    if not (dash and _is_number(partition) and _is_number(offset)):
        return None
    number, start = int(partition), int(offset)
    if number >= settings.kafka.sku_partitions:
        return None
    if start >= reader.committed_ends(EXCEPTIONS, (number,))[number]:
        return None
    for batch in reader.read(EXCEPTIONS, number, start, start + 1):
        for record in batch:
            raised = decode(record.value())[1]
            return Case(raised, number, start, resolutions.get(raised["exception"], ()))
    return None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= OFFSET_DIGITS_MAX


def no_exception(settings: Settings, name: str) -> StockfoldError:
    """What to raise for a name that no exception has."""
    return StockfoldError(
        f"there is no exception {name!r}",
        where=EXCEPTIONS.full_name(settings.prefix),
        remedy="`stockfold exceptions list` shows the ids; give one of them, or its place, "
        "such as 3-42.",
    )


def desk_errors(settings: Settings, what: str) -> AbstractContextManager[None]:
    """Kafka's errors as ours: the exceptions were not ``what``."""
    return kafka_errors(
        f"the exceptions were not {what}",
        where=f"Kafka at {settings.kafka.bootstrap}, environment prefix {settings.prefix!r}",
        remedy="Check the broker, and that `stockfold topics apply` has made every topic; "
        "then try again.",
    )
