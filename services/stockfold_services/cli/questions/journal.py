"""The facts of one SKU, read from the journal on the broker, and how old that answer is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from confluent_kafka.admin import AdminClient

from stockfold.contracts.journal import Mark, decode_entry
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import JOURNAL
from stockfold.domain.errors import SettingsError
from stockfold.explain.entry import Entry
from stockfold.explain.explanation import places_of
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.kafka_errors import kafka_errors
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold_services.cli.progress import Bars

ANSWER_S_MAX = 20.0


@dataclass(frozen=True, slots=True)
class Read:
    """A SKU's history, and which state of the journal it shows."""

    sku: str
    history: list[Entry]
    partition: int
    next_offset: int
    """The partition was read to before this offset."""
    asked_us: int
    """Everything that was committed by then is in it."""

    def as_of(self) -> dict[str, object]:
        """The same names as in the api's answers; ``age_ms`` as of now."""
        last = self.history[-1] if self.history else None
        return {
            "partition": self.partition,
            "offset": last.offset if last is not None else None,
            "seq": last.fact.seq if last is not None else None,
            "next_offset": self.next_offset,
            "age_ms": max(SYSTEM_CLOCK.now_us() - self.asked_us, 0) // 1000,
        }

    def line(self) -> str:
        """The same for people."""
        as_of = self.as_of()
        return (
            f"journal partition {self.partition}, offset {as_of['offset']}, fact {as_of['seq']}; "
            f"{as_of['age_ms']} ms old"
        )


@contextmanager
def journal_errors(settings: Settings) -> Iterator[None]:
    """Kafka's errors while the journal is read, as ours."""
    with kafka_errors(
        "the journal was not read",
        where=f"Kafka at {settings.kafka.bootstrap}",
        remedy="Check the broker, and that `stockfold topics apply` has made every topic.",
    ):
        yield


def sku_partitions(settings: Settings) -> int:
    """How many partitions the journal has on the broker: a command may have been given other
    settings than the ledger, and would then look for a SKU in the wrong one.
    """
    name = JOURNAL.full_name(settings.prefix)
    found = AdminClient(confluent_config(settings)).list_topics(timeout=ANSWER_S_MAX).topics
    if name not in found:
        raise SettingsError(
            f"there is no topic {name}",
            where=f"Kafka at {settings.kafka.bootstrap}",
            remedy="Check environment.prefix; `stockfold topics apply` makes the topics.",
        )
    return len(found[name].partitions)


def read_history(settings: Settings, sku: str) -> Read:
    """The facts of a SKU, in order; reads its whole journal partition.

    SettingsError when there are none.
    """
    key = sku.encode()
    history: list[Entry] = []
    with journal_errors(settings), Bars() as bars:
        partition = partition_of(key, sku_partitions(settings))
        reader = PartitionReader(settings)
        asked_us = SYSTEM_CLOCK.now_us()
        end = reader.stable_end(JOURNAL, partition)
        bars.stage(f"journal partition {partition}", end)
        for batch in reader.read(JOURNAL, partition, end=end):
            for record in batch:
                if record.key() == key:
                    fact = decode_entry(record.value())
                    assert not isinstance(fact, Mark), "marks have no key"
                    history.append(Entry(fact, partition, record.offset()))
            bars.done(len(batch))
    if not history:
        raise SettingsError(
            f"the journal knows no SKU {sku!r}",
            where=f"environment prefix {settings.prefix!r}",
            remedy="Check the spelling; a renamed SKU is a new one.",
        )
    return Read(sku, history, partition, end, asked_us)


def check_location(read: Read, location: str | None) -> None:
    """SettingsError when the SKU was never at the location."""
    if location is None:
        return
    known = places_of(read.history)
    if location not in known:
        raise SettingsError(
            f"SKU {read.sku!r} was never at {location!r}",
            where=f"it was at: {', '.join(sorted(known)) or 'no location'}",
            remedy="Name one of these, or none for all of them.",
        )
