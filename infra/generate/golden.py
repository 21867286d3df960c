"""Writes a golden journal of this release: ``python -m infra.generate.golden``.

Below ``tests/golden/<version>/``: ``journal`` (of each record the length in 4 bytes, big-endian,
then the value), the SKUs' rows as JSON lines and their digest, a snapshot from the middle, and an
example of every released schema as Avro with what it decodes to. Tests hold every later release to
them. What is there is never written again: a release that changes the fold adds a folder.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import msgspec
from infra.generate.golden_inputs import examples
from tests.support.histories import Input, Options, seeded

from stockfold.contracts import codec, envelope
from stockfold.contracts.journal import Mark, decode_entry
from stockfold.contracts.topics import INPUT_OF, JOURNAL, Topic
from stockfold.domain.times import SECOND_US
from stockfold.ledger.digest import digest, rows
from stockfold.runtime.partition_memory import Partition
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.processor import Outputs
from stockfold.runtime.records import Headers, LoopRecord
from stockfold.runtime.settings import Settings
from stockfold.runtime.snapshots import SnapshotStore
from stockfold_services.ledger.processor import LedgerProcessor

FOLDER = Path(__file__).parents[2] / "tests/golden"
SKUS = tuple(f"SKU-{number}" for number in range(8))
SEEDS = (11, 12, 13)
INPUTS = 220
IDS_MAX = 100
SETTINGS = {
    "kafka": {"sku_partitions": 1},
    # Short, so that entities are forgotten and commands that wait are told.
    "ledger": {
        "dedupe_events_max": IDS_MAX,
        "dedupe_horizon_s": 7_200,
        "movement_horizon_s": 7_200,
        "parking_limit_s": 1_800,
    },
}
COMMANDS = frozenset({"ReserveStock", "ExtendReservation", "MoveReservation", "ReleaseReservation"})
KINDS = (frozenset(name.rpartition(".")[2] for name in INPUT_OF) - COMMANDS) | {
    "AllocationRepeated",
    "BackorderConfirmed",
    "CancelRepeated",
    "CommandRefused",
    "EntitiesForgotten",
    "Parked",
    "ParkedTooLong",
    "ReservationBackordered",
    "ReservationConfirmed",
    "ReservationExpired",
    "ReservationExtended",
    "ReservationMoved",
    "ReservationPartiallyConfirmed",
    "ReservationRejected",
    "ReservationReleased",
    "ReservationRepeated",
    "ShipmentMet",
}
"""Every kind of fact: a golden journal must have them all."""


class _Nothing:
    """A Kafka that holds nothing yet: for the journal, and for reference data."""

    def stable_end(self, *_: Any) -> int:
        return 0

    def read(self, *_: Any, **__: Any) -> Iterator[list[Any]]:
        return iter(())

    def earliest(self, *_: Any) -> int:
        return 0

    def read_whole(self, *_: Any) -> Iterator[Sequence[Any]]:
        return iter(())

    def poll(self) -> Sequence[Any]:
        return ()

    def close(self) -> None:
        return


def _record(topic: Topic, offset: int, given: Input, sequence: int | None) -> LoopRecord:
    """An input as Kafka would hand it over."""
    name = f"stockfold.{given.event_type}"
    told = envelope.Envelope(
        given.event_id, given.source, name, given.occurred_us, f"c-{offset}", "", sequence
    )
    key, value = given.body["sku"].encode(), codec.encode(name, given.body)
    headers: Headers = [*envelope.build(told)]
    return LoopRecord(topic.name, 0, offset, given.now_us // 1000, key, value, headers)


class GoldenLedger(Outputs):
    """The production ledger of one partition; what it writes is kept."""

    def __init__(self) -> None:
        nothing = cast("Any", _Nothing())
        self._processor = LedgerProcessor(Settings.model_validate(SETTINGS), nothing)
        self._processor.recover(0, cast("PartitionReader", nothing))
        self._offsets: Counter[str] = Counter()
        self._numbers: Counter[str] = Counter()
        self.journal: list[bytes] = []
        self.written: list[tuple[Topic, bytes | None, bytes]] = []
        """(topic, key, value) of everything."""

    def take(self, given: Input) -> None:
        """Decide one input, after whatever time has brought."""
        if self._processor.tick_due(given.now_us):
            self._processor.tick(self, given.now_us)
        topic = INPUT_OF[f"stockfold.{given.event_type}"]
        sequence = None
        if given.source == "numbered":
            # Some numbers never come: what follows them is ahead.
            self._numbers[given.body["sku"]] += 1 + (len(self.journal) % 5 == 0)
            sequence = self._numbers[given.body["sku"]]
        record = _record(topic, self._offsets[topic.name], given, sequence)
        self._offsets[topic.name] += 1
        self._processor.process(0, [record], self, given.now_us)

    def produce(
        self, topic: Topic, partition: int, key: Any, value: bytes | None, headers: Any = None
    ) -> None:
        """See ``stockfold.runtime.processor.Outputs``."""
        del partition, headers
        assert value is not None
        self.written.append((topic, key, value))
        if topic is JOURNAL:
            self.journal.append(value)


def lived() -> GoldenLedger:
    """A ledger to which everything has happened."""
    ledger = GoldenLedger()
    told: list[Input] = []
    for seed in SEEDS:
        shift_us = (told[-1].now_us + 3_600 * SECOND_US - told[0].now_us) if told else 0
        for number, given in enumerate(seeded(seed, size=INPUTS, options=Options(skus=SKUS))):
            late = given._replace(
                event_id=f"{seed}-{given.event_id}",
                source="numbered" if number % 7 == 0 else given.source,
                occurred_us=given.occurred_us + shift_us,
                now_us=given.now_us + shift_us,
            )
            told.append(late)
            ledger.take(late)
    return ledger


def kinds(values: Sequence[bytes]) -> Counter[str]:
    """How many facts of each kind a journal has."""
    entries = map(decode_entry, values)
    return Counter(entry.kind for entry in entries if not isinstance(entry, Mark))


def fold(values: Sequence[bytes], memory: Partition | None = None, start: int = 0) -> Partition:
    """The memory that journal records make, from the offset ``start``."""
    memory = memory or Partition(0, IDS_MAX)
    for offset, value in enumerate(values[start:], start):
        memory.fold(value, offset)
    return memory


def framed(values: Sequence[bytes]) -> bytes:
    """The file of a journal."""
    return b"".join(len(value).to_bytes(4, "big") + value for value in values)


def unframed(raw: bytes) -> list[bytes]:
    """The journal of a file."""
    values, start = [], 0
    while start < len(raw):
        end = start + 4 + int.from_bytes(raw[start : start + 4], "big")
        values.append(raw[start + 4 : end])
        start = end
    return values


def rows_text(memory: Partition) -> str:
    """The canonical rows of every SKU, one JSON array a line."""
    encode = msgspec.json.Encoder(order="deterministic").encode
    found = [encode(row).decode() for sku in sorted(memory.skus) for row in rows(memory.skus[sku])]
    return "".join(f"{row}\n" for row in found)


def main() -> None:
    """Write the folder of this version, which must not be there yet."""
    folder = FOLDER / version("stockfold")
    if folder.exists():
        sys.exit(f"{folder} is there, and a golden journal never changes: raise the version first")
    values = lived().journal
    lacking = KINDS - set(kinds(values))
    if lacking:
        sys.exit(f"the journal lacks {', '.join(sorted(lacking))}: choose other seeds")
    folder.mkdir(parents=True)
    memory = fold(values)
    (folder / "journal").write_bytes(framed(values))
    (folder / "rows.jsonl").write_text(rows_text(memory), "utf-8")
    (folder / "released.jsonl").write_text(
        "".join(msgspec.json.encode(e).decode() + "\n" for e in examples()), "utf-8"
    )
    half = len(values) // 2
    with TemporaryDirectory() as temporary:
        SnapshotStore(temporary).save(fold(values[:half]), half)
        snapshot = next(Path(temporary).rglob("*.snapshot"))
        (folder / "snapshot").write_bytes(snapshot.read_bytes())
    expected = {
        "digest": digest(memory.skus.values()),
        "facts": memory.facts,
        "skus": len(memory.skus),
        "next_offsets": memory.next_offsets,
        "snapshot_offset": half,
        "kinds": dict(sorted(kinds(values).items())),
    }
    (folder / "expected.json").write_text(
        msgspec.json.format(msgspec.json.encode(expected), indent=2).decode() + "\n", "utf-8"
    )


if __name__ == "__main__":
    main()
