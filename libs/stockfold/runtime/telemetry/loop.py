"""What the exactly-once loop tells of itself: a few counts for each transaction."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from confluent_kafka import KafkaException

from stockfold.contracts.topics import Topic
from stockfold.domain.errors import StockfoldError
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import LoopRecord
from stockfold.runtime.settings import Settings
from stockfold.runtime.telemetry import measures
from stockfold.runtime.telemetry.declare import are_told

log = logging.getLogger(__name__)

LOOK_S = 5.0
Positions = Callable[[], Mapping[tuple[str, int], int]]


class LoopMeter:
    """The measures of one loop."""

    def __init__(self, service: str) -> None:
        self.events = measures.LOOP_EVENTS.labels(service)
        self.batch = measures.LOOP_BATCH.labels(service)
        self.commit = measures.LOOP_COMMIT.labels(service)
        self.age = measures.LOOP_AGE.labels(service)
        self.recovery = measures.LOOP_RECOVERY.labels(service)
        self.restarts = measures.LOOP_RESTARTS.labels(service)
        self.partitions = measures.LOOP_PARTITIONS.labels(service)
        self.committed = measures.LOOP_TRANSACTIONS.labels(service, "committed")
        self.aborted = measures.LOOP_TRANSACTIONS.labels(service, "aborted")


def oldest_us(batches: Sequence[tuple[int, Sequence[LoopRecord]]]) -> int:
    """The broker's time of the first record of a batch, the oldest of its partition; 0 for none."""
    return min((records[0].at_ms for _, records in batches), default=0) * 1000


@contextmanager
def lag_told(
    settings: Settings, service: str, inputs: Sequence[Topic], positions: Positions
) -> Iterator[None]:
    """Tell how far the loop is behind its inputs while the block runs, if anybody may ask.

    From a thread of its own, so that it is told of a loop that hangs too.
    """
    if not are_told(settings):
        yield
        return
    stop = threading.Event()

    def watch() -> None:
        reader = PartitionReader(settings)
        while not stop.wait(LOOK_S):
            try:
                _look(settings, service, inputs, positions(), reader)
            except (KafkaException, StockfoldError) as error:
                log.warning("%s: how far it is behind was not seen: %s", service, error)

    thread = threading.Thread(target=watch, name=f"{service}, lag", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(LOOK_S)


def _look(
    settings: Settings,
    service: str,
    inputs: Sequence[Topic],
    known: Mapping[tuple[str, int], int],
    reader: PartitionReader,
) -> None:
    for topic in inputs:
        name = topic.full_name(settings.prefix)
        mine = [number for place, number in known if place == name]
        ends = reader.committed_ends(topic, mine)
        behind = sum(max(end - known[name, number], 0) for number, end in ends.items())
        measures.LOOP_LAG.labels(service, topic.name).set(behind)
