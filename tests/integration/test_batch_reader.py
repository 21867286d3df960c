"""Reading a partition in the broker's own batches gives what a consumer of records gives."""

from __future__ import annotations

import time

import numpy as np
import pytest
from confluent_kafka import Producer
from tests.support.transactions import write_in_turns

from stockfold.contracts.topics import JOURNAL
from stockfold.domain.errors import UnavailableError
from stockfold.runtime import batch_reader
from stockfold.runtime.batch_reader import BatchReader
from stockfold.runtime.journal_arrays import WORD, Bytes, frames, record_ends
from stockfold.runtime.kafka import ensure_topics
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.record_batches import Batch, unpacked
from stockfold.runtime.settings import KafkaSettings, Settings

pytestmark = pytest.mark.integration
TRANSACTIONS = 12


@pytest.fixture(scope="module")
def settings(new_environment) -> Settings:
    """Transactions of two producers in turns on one partition, every third of them aborted."""
    settings = new_environment()
    ensure_topics(settings)
    topic = JOURNAL.full_name(settings.prefix)

    def write(producer: Producer, number: int) -> None:
        for record in range(40):
            producer.produce(topic, f"{number}-{record}".encode() * 30, b"K", partition=0)

    write_in_turns(settings, TRANSACTIONS, write)
    return settings


def values(batches: list[Batch]) -> list[tuple[int, bytes]]:
    found = []
    for batch in batches:
        raw = unpacked(batch)
        data = Bytes(raw + bytes(WORD), len(raw))
        ends = record_ends(data, batch.records)
        framed = frames(data, np.concatenate(([0], ends[:-1])), ends)
        rows = zip(framed.offset_deltas, framed.begins, framed.ends, strict=True)
        found += [(int(batch.base_offset + o), data.raw[a:b]) for o, a, b in rows]
    return found


@pytest.mark.parametrize("fetch_bytes", [500, 1024 * 1024])
def test_what_is_committed_is_read_in_order(
    settings: Settings, fetch_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_reader, "FETCH_BYTES", fetch_bytes)
    reader = PartitionReader(settings)
    end = reader.stable_end(JOURNAL, 0)
    records = [r for part in reader.read(JOURNAL, 0, 0, end) for r in part]
    with BatchReader(settings) as batches:
        made = values([b for part in batches.read(JOURNAL, 0, 0, end) for b in part])
        assert made == [(record.offset(), record.value()) for record in records]
        assert len(made) == TRANSACTIONS * 40 * 2 // 3
        # Given up in the middle, and begun in the middle.
        assert next(batches.read(JOURNAL, 0, 0, end))
        late = values([b for part in batches.read(JOURNAL, 0, 200, end) for b in part])
        assert [row for row in late if row[0] >= 200] == [row for row in made if row[0] >= 200]
        assert list(batches.read(JOURNAL, 0, end, end)) == []


def test_a_broker_that_is_away_and_an_offset_that_is_gone_are_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_reader, "SILENCE_S", 1.0)
    with (
        BatchReader(settings) as batches,
        pytest.raises(UnavailableError, match=r"OffsetOutOfRange.*partition 0"),
    ):
        list(batches.read(JOURNAL, 0, 1_000_000, 1_000_001))
    away = settings.model_copy(update={"kafka": KafkaSettings(bootstrap="127.0.0.1:1")})
    began = time.monotonic()
    with (
        BatchReader(away) as batches,
        pytest.raises(UnavailableError, match="refuses offset 0"),
    ):
        list(batches.read(JOURNAL, 0, 0, 1))
    assert time.monotonic() - began < 30
