"""The change of the partition count, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from stockfold.contracts.journal import encode_mark
from stockfold.contracts.topics import CATALOG, INPUTS, JOURNAL, TOPICS, Topic
from stockfold.domain.errors import SettingsError
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import partitions_of
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold_services.cli.repartition import environments
from stockfold_services.cli.repartition.copying import CARRIED, Copier, Tell
from stockfold_services.cli.repartition.proving import Journal, fold, refuse_difference
from stockfold_services.cli.repartition.stages import BEGUN, FINISHED, Stage, stage_of

READ_BY_MARKS = (*INPUTS, CATALOG)
"""What the ledger reads on from its marks, and the broker stamps."""

Offsets = dict[str, dict[int, int]]
"""Topic -> partition -> offset."""


class Report(msgspec.Struct):
    """What was done, or would be. ``records`` counts by topic; ``undecided`` are carried inputs."""

    from_prefix: str
    to_prefix: str
    from_partitions: int
    to_partitions: int
    stage: Stage
    records: dict[str, int] = {}
    undecided: int = 0
    late: int = 0
    facts: int = 0
    skus: int = 0
    digest: str = ""


class Repartition:
    """One change. ``look`` changes nothing; ``run`` does it."""

    def __init__(self, settings: Settings, prefix: str, partitions: int, tell: Tell) -> None:
        self._source = settings
        self._target = environments.copy_settings(settings, prefix, partitions)
        self._tell = tell
        self._reader = PartitionReader(settings)

    def look(self) -> Report:
        """What would be done; SettingsError when it cannot be."""
        environments.refuse_incomplete(self._source)
        environments.refuse_writers(self._source)
        stage = stage_of(self._target, self._source.prefix)
        if stage != "finished":
            environments.refuse_writers(self._target)
        return Report(
            self._source.prefix,
            self._target.prefix,
            self._source.kafka.sku_partitions,
            self._target.kafka.sku_partitions,
            stage,
            {topic.name: sum(self._ends(topic).values()) for topic in TOPICS},
        )

    def run(self, *, restart: bool) -> Report:
        """Copy, prove, and mark the copy as finished; or carry over what came late to one."""
        report = self.look()
        if report.stage == "unfinished":
            if not restart:
                raise SettingsError(
                    f"an unfinished copy is in the environment {self._target.prefix!r}",
                    where=f"Kafka at {self._target.kafka.bootstrap}",
                    remedy="Run the command again with --restart: it deletes the unfinished copy "
                    "and begins anew.",
                )
            self._tell(f"deleting the unfinished copy {self._target.prefix!r}")
            environments.delete(self._target, environments.existing(self._target))
        self._tell("folding the journal")
        journal = fold(self._source)
        if report.stage == "finished":
            report.records = {}
            report.late = self._carry(journal, self._all_ends(INPUTS))
            return report
        environments.create(self._target)
        return self._copy(report, journal)

    def _copy(self, report: Report, journal: Journal) -> Report:
        copier = Copier(self._source, self._target, self._tell)
        ends = self._all_ends(READ_BY_MARKS)
        self._mark(copier, BEGUN, {})
        report.records = {
            topic.name: copier.copy(topic, ends=journal.ends if topic is JOURNAL else None)
            for topic in TOPICS
            if topic not in READ_BY_MARKS
        }
        decided = self._copy_catalogue(copier, journal, ends[CATALOG.name], report)
        report.undecided = self._carry(journal, ends)
        self._tell("folding the copy")
        copy = fold(self._target, at_home=True)
        refuse_difference(journal, copy)
        environments.refuse_writers(self._source)
        if self._ends(JOURNAL) != journal.ends:
            raise SettingsError(
                "the journal has grown meanwhile",
                where=JOURNAL.full_name(self._source.prefix),
                remedy="Stop every ledger, then run the command again with --restart.",
            )
        environments.stamp_by_broker(self._target, [t for t in TOPICS if t.log_append_time])
        self._mark(copier, FINISHED, decided)
        report.facts, report.skus, report.digest = copy.facts, copy.skus, copy.digest
        report.stage = "finished"
        return report

    def _copy_catalogue(
        self, copier: Copier, journal: Journal, ends: Mapping[int, int], report: Report
    ) -> dict[int, int]:
        """First what the ledger has taken, then the rest; returns where the rest begins."""
        taken = _starts(journal, CATALOG, ends)
        count = copier.copy(CATALOG, ends=taken)
        reader = PartitionReader(self._target)
        rest = {
            partition: reader.stable_end(CATALOG, partition)
            for partition in range(self._target.kafka.sku_partitions)
        }
        report.records[CATALOG.name] = count + copier.copy(CATALOG, starts=taken, ends=ends)
        return rest

    def _carry(self, journal: Journal, ends: Offsets) -> int:
        """Carry over the inputs that are not decided and not carried yet."""
        copier = Copier(self._source, self._target, self._tell)
        count = 0
        for topic in INPUTS:
            carried = self._carried(topic)
            starts = {
                partition: max(start, carried.get(partition, 0))
                for partition, start in _starts(journal, topic, ends[topic.name]).items()
            }
            count += copier.copy(topic, starts=starts, ends=ends[topic.name], carried=True)
        return count

    def _carried(self, topic: Topic) -> dict[int, int]:
        """The first offset of each old partition that has not been carried over yet."""
        found: dict[int, int] = {}
        reader, name = PartitionReader(self._target), topic.full_name(self._source.prefix)
        for partition in range(self._target.kafka.sku_partitions):
            for batch in reader.read(topic, partition):
                for record in batch:
                    told: Any = dict(record.headers() or []).get(CARRIED) or b"//"
                    place, old, offset = told.decode().rsplit("/", 2)
                    if place == name:
                        found[int(old)] = max(found.get(int(old), 0), int(offset) + 1)
        return found

    def _mark(self, copier: Copier, header: str, catalogue: Mapping[int, int]) -> None:
        """Write a mark into every partition; the new ledger reads on from the last one."""
        nexts: dict[str, int] = {}
        for partition in range(self._target.kafka.sku_partitions):
            if header == FINISHED:
                nexts = {topic.name: 0 for topic in INPUTS}
                nexts[CATALOG.name] = catalogue[partition]
            value = encode_mark(partition, nexts, SYSTEM_CLOCK.now_us())
            copier.write(JOURNAL, partition, value, (header, self._source.prefix.encode()))
        copier.flush()

    def _all_ends(self, topics: tuple[Topic, ...]) -> Offsets:
        return {topic.name: self._ends(topic) for topic in topics}

    def _ends(self, topic: Topic) -> dict[int, int]:
        return {
            partition: self._reader.stable_end(topic, partition)
            for partition in range(partitions_of(self._source, topic))
        }


def _starts(journal: Journal, topic: Topic, ends: Mapping[int, int]) -> dict[int, int]:
    """Where what the ledger has not decided begins, by partition."""
    return {p: journal.marks.get(p, {}).get(topic.name, 0) for p in ends}
