"""An empty environment from an archive alone, step by step, each proved before the next."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import msgspec
import xxhash

from stockfold.contracts.topics import JOURNAL, POSITIONS, RESERVATION_STATUS, TOPICS, Topic
from stockfold.domain.errors import DefectError, SettingsError
from stockfold.domain.times import format_us
from stockfold.ledger.digest import MODULUS, digest
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import partitions_of
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold_services.cli.archiving import ARCHIVED, SAME_OFFSETS, manifest, target
from stockfold_services.cli.archiving.journal import JournalOutputs, is_filler, with_fillers
from stockfold_services.cli.archiving.manifest import Manifest
from stockfold_services.cli.archiving.segments import Kept, fingerprint, kept
from stockfold_services.cli.archiving.sending import ExactSender, Sender
from stockfold_services.cli.place import Place
from stockfold_services.cli.repartition.environments import refuse_writers

Told = Callable[[str, int], None]
"""Is told a topic and how many more of its records are restored."""


class Report(msgspec.Struct):
    """What is restored, or would be. ``digest`` is of the folded journal, all partitions."""

    archived_from: str
    to_prefix: str
    recovery_point: str
    records: dict[str, int]
    bytes: int
    facts: int = 0
    skus: int = 0
    digest: str = ""
    seconds: float = 0.0


class _Seal:
    """A running hash of records, and how many."""

    def __init__(self, *, offsets: bool) -> None:
        self._offsets = offsets
        self._hash = xxhash.xxh3_128()
        self.count = 0

    def add(self, record: Kept) -> None:
        told = record if self._offsets else msgspec.structs.replace(record, offset=0)
        self._hash.update(fingerprint(told))
        self.count += 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Seal) and self._told() == other._told()

    __hash__ = None  # type: ignore[assignment]

    def _told(self) -> tuple[int, bytes]:
        return self.count, self._hash.digest()


class Restore:
    """One restore. ``look`` changes nothing; ``run`` does it."""

    def __init__(self, settings: Settings, place: Place, told: Told) -> None:
        self._settings = settings
        self._place = place
        self._told = told
        self._reader = PartitionReader(settings)
        self._manifest = self._open()

    def _open(self) -> Manifest:
        found = manifest.load(self._place)
        if found is None or not found.complete_to_us:
            raise SettingsError(
                "there is no whole archive",
                where=self._place.url,
                remedy="Name the place that `stockfold archive --to` wrote, after its first pass.",
            )
        if found.sku_partitions != self._settings.kafka.sku_partitions:
            raise SettingsError(
                f"the archive has {found.sku_partitions} partitions by SKU, the settings say "
                f"{self._settings.kafka.sku_partitions}",
                where="kafka.sku_partitions",
                remedy=f"Set it to {found.sku_partitions}; `stockfold topics repartition` changes "
                "it afterwards.",
            )
        return found

    def look(self, *, restart: bool = False) -> Report:
        """What would be restored; SettingsError when the environment is not empty, or served.

        ``restart`` lets the remains of an unfinished restore pass: they are deleted.
        """
        refuse_writers(self._settings)
        target.refuse_used(self._settings, restart=restart)
        return Report(
            self._manifest.prefix,
            self._settings.prefix,
            format_us(self._manifest.complete_to_us),
            {topic.name: self._manifest.records(topic) for topic in ARCHIVED},
            self._manifest.bytes(),
        )

    def run(self, report: Report) -> Report:
        """Restore everything and prove it. DefectError when what was written reads otherwise."""
        began = time.monotonic()
        target.make(self._settings)
        exact, sender = ExactSender(self._settings), Sender(self._settings)
        total = 0
        for partition in range(self._settings.kafka.sku_partitions):
            outputs = self._journal(exact, sender, partition)
            report.facts += outputs.facts
            report.skus += len(outputs.states)
            total = (total + int(digest(outputs.states.values()), 16)) % MODULUS
        report.digest = f"{total:032x}"
        for topic in (topic for topic in ARCHIVED if topic is not JOURNAL):
            for partition in range(partitions_of(self._settings, topic)):
                self._copy(exact if topic in SAME_OFFSETS else sender, topic, partition)
        target.as_declared(self._settings)
        report.seconds = round(time.monotonic() - began, 1)
        return report

    def _journal(self, exact: ExactSender, sender: Sender, partition: int) -> JournalOutputs:
        """The journal of a partition, then what the ledger wrote beside it."""
        seal = _Seal(offsets=True)
        end = self._manifest.end(JOURNAL, partition)
        records = with_fillers(partition, self._records(JOURNAL, partition, seal), end)
        exact.write(JOURNAL, partition, records, end)
        outputs = JournalOutputs(partition, _statuses_from_us())
        found = _Seal(offsets=True)
        for record in self._read(JOURNAL, partition, 0):
            outputs.fold(record)
            if not is_filler(record):
                found.add(record)
        self._refuse_difference(JOURNAL, partition, seal, found)
        for key, (recorded_us, value) in outputs.positions.items():
            sender.send(POSITIONS, partition, Kept(0, recorded_us // 1000, key, value, []))
        for status in outputs.statuses:
            sender.send(RESERVATION_STATUS, partition, status)
        sender.flush()
        self._told(POSITIONS.name, len(outputs.positions))
        self._told(RESERVATION_STATUS.name, len(outputs.statuses))
        return outputs

    def _copy(self, sender: Sender, topic: Topic, partition: int) -> None:
        seal = _Seal(offsets=isinstance(sender, ExactSender))
        records = self._records(topic, partition, seal)
        start = self._reader.settled_end(topic, partition)
        if isinstance(sender, ExactSender):
            sender.write(topic, partition, records, self._manifest.end(topic, partition))
        else:
            for record in records:
                sender.send(topic, partition, record)
            sender.flush()
        found = _Seal(offsets=isinstance(sender, ExactSender))
        for record in self._read(topic, partition, start):
            found.add(record)
        self._refuse_difference(topic, partition, seal, found)

    def _records(self, topic: Topic, partition: int, seal: _Seal) -> Iterator[Kept]:
        entries = self._manifest.of(topic, partition)
        for segment in manifest.read_partition(self._place, entries):
            for record in segment.records:
                if not is_filler(record):  # Of a restore before the archive was made.
                    seal.add(record)
                yield record
            self._told(topic.name, len(segment.records))

    def _read(self, topic: Topic, partition: int, start: int) -> Iterator[Kept]:
        start = max(start, self._reader.earliest(topic, partition))
        for batch in self._reader.read(topic, partition, start):
            yield from map(kept, batch)

    def _refuse_difference(self, topic: Topic, partition: int, was: _Seal, now: _Seal) -> None:
        if was != now:
            raise DefectError(
                f"{now.count} records read otherwise than the {was.count} that were archived",
                where=f"{topic.full_name(self._settings.prefix)} partition {partition}",
                remedy="See that nobody else writes to this environment, then restore into "
                "another prefix.",
            )


def _statuses_from_us() -> int:
    """Statuses older than their topic keeps them are not made again."""
    return SYSTEM_CLOCK.now_us() - RESERVATION_STATUS.retention_ms * 1000


def steps(report: Report) -> dict[str, int]:
    """How many records each topic's progress goes to; 0 where that is only known afterwards."""
    return {topic.name: report.records.get(topic.name, 0) for topic in TOPICS}
