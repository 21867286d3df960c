"""How far a copy has come, as its own topics tell."""

from __future__ import annotations

from typing import Literal

from confluent_kafka.admin import AdminClient

from stockfold.contracts.topics import JOURNAL, TOPICS, Topic
from stockfold.domain.errors import SettingsError
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings

Stage = Literal["absent", "unfinished", "finished"]

BEGUN = "repartition-begun-from"
"""Header of the marks that a copy begins with: the prefix it is made from."""
FINISHED = "repartition-finished-from"
"""Header of the marks that it ends with, after the proof. A ledger goes on behind them."""


def stage_of(target: Settings, source_prefix: str) -> Stage:
    """How far the copy has come; SettingsError when the environment is not a copy of the source."""
    counts = _partition_counts(target)
    if not counts:
        return "absent"
    reader = PartitionReader(target)
    if not _any_record(reader, counts):
        return "unfinished"
    told = [_told(reader, partition) for partition in range(counts.get(JOURNAL, 0))]
    if not told or {begun for begun, _ in told} != {source_prefix}:
        raise SettingsError(
            f"the environment {target.prefix!r} has data of its own",
            where=f"Kafka at {target.kafka.bootstrap}",
            remedy="Name a prefix that nobody uses.",
        )
    if {finished for _, finished in told} != {source_prefix}:
        return "unfinished"
    if counts[JOURNAL] != target.kafka.sku_partitions:
        raise SettingsError(
            f"the copy {target.prefix!r} is finished, with {counts[JOURNAL]} partitions",
            where=f"Kafka at {target.kafka.bootstrap}",
            remedy="Name that number to carry over what came late, or another prefix.",
        )
    return "finished"


def _partition_counts(settings: Settings) -> dict[Topic, int]:
    found = AdminClient({**confluent_config(settings), "log_level": 0}).list_topics(timeout=30)
    names = {topic.full_name(settings.prefix): topic for topic in TOPICS}
    return {
        topic: len(found.topics[name].partitions)
        for name, topic in names.items()
        if name in found.topics
    }


def _any_record(reader: PartitionReader, counts: dict[Topic, int]) -> bool:
    return any(
        reader.stable_end(topic, partition)
        for topic, count in counts.items()
        for partition in range(count)
    )


def _told(reader: PartitionReader, partition: int) -> tuple[str | None, str | None]:
    """(begun from, finished from), as the first two marks of a journal partition tell."""
    marks: list[dict[str, bytes | None]] = []
    for batch in reader.read(JOURNAL, partition):
        for record in batch:
            if record.key() is None:
                marks.append(dict(record.headers() or []))
            if not marks:
                return None, None  # A copy's first record is its own mark.
            if len(marks) == 2:
                return _text(marks[0], BEGUN), _text(marks[1], FINISHED)
    return (_text(marks[0], BEGUN) if marks else None), None


def _text(headers: dict[str, bytes | None], name: str) -> str | None:
    raw = headers.get(name)
    return None if raw is None else raw.decode()
