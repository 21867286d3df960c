"""One pass of the archive: whatever was committed since the one before."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import msgspec

from stockfold.contracts.topics import JOURNAL, Topic
from stockfold.domain.errors import SettingsError
from stockfold.runtime.clock import SYSTEM_CLOCK, Clock
from stockfold.runtime.kafka import partitions_of, plan_topics
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold_services.cli.archiving import ARCHIVED, manifest
from stockfold_services.cli.archiving.claiming import Claim
from stockfold_services.cli.archiving.manifest import Manifest
from stockfold_services.cli.archiving.segments import (
    BYTES_MAX,
    RECORDS_MAX,
    VERSION,
    Kept,
    Segment,
    kept,
)
from stockfold_services.cli.place import Place

SMALL_BYTES = 2 * 1024 * 1024
"""A last segment below this is written anew together with what follows it."""
Told = Callable[[str, int], None]
"""Is told a topic and how many more of its records are archived."""
Ends = dict[tuple[Topic, int], int]


class Pass(msgspec.Struct):
    """What one pass did. Times in UTC microseconds."""

    records: dict[str, int]
    complete_to_us: int
    lost: list[str]
    """Partitions of which retention had removed records before they were archived."""


class Archiver:
    """Archives one environment to one place."""

    def __init__(
        self,
        settings: Settings,
        place: Place,
        clock: Clock = SYSTEM_CLOCK,
        rests_s: int = 0,
    ) -> None:
        self._settings = settings
        self._place = place
        self._clock = clock
        self._reader = PartitionReader(settings)
        self._rests_s = rests_s
        self._claim: Claim | None = None
        self._saved: Manifest | None = None
        self.manifest = self._open()

    def _open(self) -> Manifest:
        """The manifest of the place, or a new one. SettingsError when it is of another log."""
        missing = plan_topics(self._settings).missing
        if missing:
            raise SettingsError(
                f"topics are missing: {', '.join(missing)}",
                where=f"Kafka at {self._settings.kafka.bootstrap}",
                remedy="Run `stockfold topics apply` first.",
            )
        prefix, partitions = self._settings.prefix, self._settings.kafka.sku_partitions
        found = manifest.load(self._place)
        self._saved = copy.deepcopy(found)
        if found is None:
            return Manifest(manifest.VERSION, prefix, partitions)
        if (found.prefix, found.sku_partitions) != (prefix, partitions):
            raise _other(
                self._place,
                f"the archive is of the environment {found.prefix!r} with {found.sku_partitions} "
                f"partitions, this one is {prefix!r} with {partitions}",
            )
        self._refuse_other_journal(found)
        return found

    def _refuse_other_journal(self, found: Manifest) -> None:
        """The last record archived of each journal partition must still be there, the same."""
        for partition in range(found.sku_partitions):
            entries = found.of(JOURNAL, partition)
            last = manifest.read_segment(self._place, entries[-1]).records[-1:] if entries else []
            if not last:
                continue
            place, offset = f"{JOURNAL.name} partition {partition}", last[0].offset
            if self._reader.settled_end(JOURNAL, partition) <= offset:
                raise _other(self._place, f"{place} ends before the archived offset {offset}")
            batches = self._reader.read(JOURNAL, partition, offset, offset + 1)
            if [kept(record) for batch in batches for record in batch] != last:
                raise _other(self._place, f"{place} has another record at offset {offset}")

    @property
    def begins(self) -> bool:
        """True while there is no archive at the place."""
        return self._saved is None

    def begin(self) -> None:
        """Make the place an archive, of nothing so far."""
        self._save()

    def close(self) -> None:
        """Others may archive to the place."""
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    def run(self, told: Told) -> Pass:
        """One pass. Killed at any moment, it leaves an archive that a restore can use.

        The journal's ends are asked first and its records written last: so an archive has every
        input that its journal covers, and everything that was told before.
        """
        self._refuse_another()
        now_us = self._clock.now_us()
        done = Pass({}, now_us, [])
        ends = self._ends()
        for (topic, partition), end in sorted(ends.items(), key=lambda item: item[0][0] is JOURNAL):
            self._partition(done, topic, partition, end, told)
        self.manifest.complete_to_us = now_us
        self._save()
        return done

    def look(self) -> dict[str, int]:
        """How many offsets of each topic a pass would archive; nothing is written."""
        found: dict[str, int] = {}
        for (topic, partition), end in self._ends().items():
            start = self.manifest.end(topic, partition)
            if start < end:
                first = max(start, self._reader.earliest(topic, partition))
                found[topic.name] = found.get(topic.name, 0) + end - first
        return found

    def _ends(self) -> Ends:
        """Where each partition ends, the journal's asked first."""
        ends: Ends = {}
        for topic in (JOURNAL, *(topic for topic in ARCHIVED if topic is not JOURNAL)):
            for partition in range(partitions_of(self._settings, topic)):
                ends[(topic, partition)] = self._reader.settled_end(topic, partition)
        return ends

    def _save(self) -> None:
        """Replace the manifest that this archiver wrote or found."""
        self._refuse_another()
        manifest.save(self._place, self.manifest)
        self._saved = copy.deepcopy(self.manifest)

    def _refuse_another(self) -> None:
        """UnavailableError when another is at work; SettingsError when it has been, since.

        What this archiver holds is behind then, and would drop segments that the other has written.
        """
        if self._claim is None:
            self._claim = Claim.take(self._place, self._clock, self._rests_s)
        self._claim.keep()
        if manifest.load(self._place) != self._saved:
            raise SettingsError(
                "another archiver writes here",
                where=self._place.url,
                remedy="Run one archiver per place: stop one of them. What it has written stays.",
            )

    def _partition(self, done: Pass, topic: Topic, partition: int, end: int, told: Told) -> None:
        start = self.manifest.end(topic, partition)
        if start >= end:
            return
        earliest = self._reader.earliest(topic, partition)
        if earliest > start > 0 and not topic.compacted:
            done.lost.append(f"{topic.name} partition {partition}: {start} to {earliest}")
        for segment in self._segments(topic, partition, start, end, max(start, earliest)):
            fresh = sum(record.offset >= start for record in segment.records)
            self._keep(topic, partition, segment)
            done.records[topic.name] = done.records.get(topic.name, 0) + fresh
            told(topic.name, fresh)

    def _segments(
        self, topic: Topic, partition: int, start: int, end: int, first: int
    ) -> Iterator[Segment]:
        """What is new as segments, the first of them with a small last one before it."""
        entries = self.manifest.of(topic, partition)
        records: list[Kept] = []
        if entries and entries[-1].bytes < SMALL_BYTES:
            before = manifest.read_segment(self._place, entries[-1])
            records, start = before.records, before.start
        size = sum(record.size for record in records)
        for batch in self._reader.read(topic, partition, first, end):
            for record in map(kept, batch):
                if size >= BYTES_MAX or len(records) >= RECORDS_MAX:
                    yield Segment(VERSION, topic.name, partition, start, record.offset, records)
                    start, records, size = record.offset, [], 0
                records.append(record)
                size += record.size
        yield Segment(VERSION, topic.name, partition, start, end, records)

    def _keep(self, topic: Topic, partition: int, segment: Segment) -> None:
        self._refuse_another()
        entry = manifest.write_segment(self._place, segment)
        entries = self.manifest.of(topic, partition)
        replaced = entries.pop() if entries and entries[-1].start == entry.start else None
        entries.append(entry)
        self._save()
        if replaced is not None and replaced.file != entry.file:
            self._place.remove(replaced.file)


def _other(place: Place, what: str) -> SettingsError:
    return SettingsError(
        what,
        where=place.url,
        remedy="Archive this environment to another place; an archive is of one log.",
    )
