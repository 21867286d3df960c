"""Ledger throughput: events already in Kafka, one ledger process, exactly once."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import chain, islice
from pathlib import Path

import psutil
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from infra.bench.spent import cpu_s, peak_bytes
from infra.bench.workload import events

from stockfold.contracts.topics import INPUTS
from stockfold.domain.errors import UnavailableError
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import confluent_config, ensure_topics, group_id
from stockfold.runtime.settings import Settings

SILENT_S_MAX = 180.0
LOOK_S = 0.1
ANSWER_S_MAX = 1.0
"""A look that waits longer for a broker that has just begun may see nothing before all is done."""
NO_ANSWER_NOW = (
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError._TIMED_OUT,  # noqa: SLF001  (their name for an error of the client)
)


def feed(
    settings: Settings,
    count: int,
    skus: int,
    seed: int,
    *,
    into: str = "",
    again: int = 0,
    held: bool = False,
) -> Producer:
    """Produce the workload, flushed, to its topics or all ``into`` one; nobody reads it yet.

    The first ``again`` events come once more at the end, for repeats are refused. ``held``: all of
    it in a transaction that the caller commits, so that nobody sees any of it before.
    """
    prefix = settings.environment.prefix
    transaction: dict[str, str | int] = {
        "transactional.id": f"{prefix}bench.feed",
        "transaction.timeout.ms": 600_000,
    }
    producer = Producer(
        {
            **confluent_config(settings),
            "acks": "all",
            "enable.idempotence": True,
            "partitioner": "murmur2_random",
            "compression.type": "lz4",
            "linger.ms": 50,
            "batch.size": 1024 * 1024,
            "queue.buffering.max.messages": 1_000_000,
            **(transaction if held else {}),
        }
    )
    if held:
        producer.init_transactions()
        producer.begin_transaction()
    refused: list[str] = []

    def delivered(error: KafkaError | None, _message: object) -> None:
        if error is not None:
            refused.append(error.str())

    now_us = SYSTEM_CLOCK.now_us()
    repeated = islice(events(count, skus, seed, now_us), again)
    for event in chain(events(count, skus, seed, now_us), repeated):
        name = into or event.topic.full_name(prefix)
        while True:
            try:
                producer.produce(
                    name, event.value, event.key, headers=list(event.headers), on_delivery=delivered
                )
            except BufferError:
                producer.poll(0.1)
            else:
                break
    left = producer.flush(120)
    if left or refused:
        raise UnavailableError(
            f"{left + len(refused)} of {count} events did not reach Kafka: {refused[:1]}",
            remedy="Read the broker's log.",
        )
    return producer


class Progress:
    """How many events of some topics a consumer group has committed."""

    def __init__(self, settings: Settings, group: str, topics: Sequence[str]) -> None:
        self._known = 0
        self._consumer = Consumer({**confluent_config(settings), "group.id": group})
        self._places = [
            TopicPartition(topic, number)
            for topic in topics
            for number in range(settings.kafka.sku_partitions)
        ]

    def committed(self) -> int:
        """Committed input offsets, summed; as before when a busy broker does not answer."""
        try:
            places = self._consumer.committed(self._places, ANSWER_S_MAX)
        except KafkaException as error:
            if error.args[0].code() not in NO_ANSWER_NOW:
                raise
        else:
            self._known = sum(max(place.offset, 0) for place in places)
        return self._known

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()


def ledger_progress(settings: Settings) -> Progress:
    """How many input events the ledger has committed."""
    topics = [topic.full_name(settings.environment.prefix) for topic in INPUTS]
    return Progress(settings, group_id(settings, "ledger"), topics)


def measure(
    settings: Settings,
    count: int,
    skus: int,
    seed: int,
    started: Callable[[int], None] = lambda _pid: None,
    *,
    again: int = 0,
    broker: psutil.Process | None = None,
    warm_up: int = 1,
) -> dict[str, float]:
    """Feed ``count`` events, then time one ledger process from its first to its last commit.

    ``cpu_s_per_million`` counts the ledger process alone, its start included. ``started`` is told
    the process as soon as it runs; ``again`` is as in ``feed``, ``broker`` and ``warm_up`` as in
    ``watch``.
    """
    ensure_topics(settings)
    feed(settings, count, skus, seed, again=again)
    progress = ledger_progress(settings)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "stockfold.toml"
        config.write_text("")
        child = subprocess.Popen(
            [sys.executable, "-m", "stockfold_services.ledger.main"],
            env={**os.environ, **_environment(settings), "STOCKFOLD_CONFIG": str(config)},
        )
        try:
            started(child.pid)
            return watch([psutil.Process(child.pid)], progress, count + again, broker, warm_up)
        finally:
            child.terminate()
            child.wait(30)
            progress.close()


def _environment(settings: Settings) -> dict[str, str]:
    ledger = settings.ledger
    return {
        "STOCKFOLD_ENVIRONMENT__PREFIX": settings.environment.prefix,
        "STOCKFOLD_KAFKA__BOOTSTRAP": settings.kafka.bootstrap or "",
        "STOCKFOLD_KAFKA__SKU_PARTITIONS": str(settings.kafka.sku_partitions),
        "STOCKFOLD_LEDGER__BATCH_EVENTS_MAX": str(ledger.batch_events_max),
        "STOCKFOLD_LEDGER__BATCH_MS_MAX": str(ledger.batch_ms_max),
        "STOCKFOLD_LOG_LEVEL": "WARNING",
    }


def watch(
    processes: Sequence[psutil.Process],
    progress: Progress,
    count: int,
    broker: psutil.Process | None = None,
    warm_up: int = 1,
) -> dict[str, float]:
    """Time processes until they have committed ``count`` events, from the first ``warm_up`` on.

    ``cpu_s_per_million`` is their whole processor time; ``running_cpu_s_per_million`` is that of
    what is timed, without their start; of a ``broker`` that is watched, too, that meanwhile.
    ``memory_mb`` is the most that they had resident. UnavailableError when one stops, or has
    nothing left to be timed.
    """
    first_at = first = last = begun_cpu_s = broker_cpu_s = 0.0
    watched = [broker] if broker is not None else []
    heard = time.monotonic()
    while True:
        done = progress.committed()
        now = time.monotonic()
        if done > last:
            heard = now
            if not first_at and done >= warm_up:
                first_at, first = now, float(done)
                begun_cpu_s, broker_cpu_s = cpu_s(*processes), cpu_s(*watched)
        last = float(done)
        if done >= count:
            break
        stopped = any(one.status() == psutil.STATUS_ZOMBIE for one in processes)
        if now - heard > SILENT_S_MAX or stopped:
            raise UnavailableError(
                f"it stopped at {done} of {count} events", remedy="Read its log above."
            )
        time.sleep(LOOK_S)
    if first >= count:
        raise UnavailableError(
            f"{first:,.0f} of {count} events were committed at once", remedy="Give it more events."
        )
    seconds = now - first_at
    spent_s = cpu_s(*processes)
    memory = sum(peak_bytes(one.pid) for one in processes)
    after = 1e6 / (count - first)
    beside = {}
    if watched:
        beside["broker_cpu_s_per_million"] = round((cpu_s(*watched) - broker_cpu_s) * after, 1)
    return {
        "events": count,
        "seconds": round(seconds, 2),
        "events_per_s": round((count - first) / seconds),
        "cpu_s_per_million": round(spent_s / count * 1e6, 1),
        "running_cpu_s_per_million": round((spent_s - begun_cpu_s) * after, 1),
        "memory_mb": round(memory / 2**20),
        **beside,
    }
