"""How the exactly-once loop's Kafka clients are set, and why."""

from __future__ import annotations

from typing import Any

from stockfold.runtime.kafka import OUTPUT_BYTES_MAX, confluent_config, group_id
from stockfold.runtime.partition_reader import FETCH
from stockfold.runtime.settings import Settings

TRANSACTION_TIMEOUT_MS = 5_000
SESSION_TIMEOUT_MS = 6_000


def producer_config(settings: Settings, name: str, instance: str) -> dict[str, Any]:
    """The transactional producer of one instance of a processor.

    A ``GroupedProducer`` takes where the broker is, how to log in and the first two. The rest is
    for librdkafka's, where only that knows how to log in.
    """
    return {
        **confluent_config(settings),
        "transactional.id": group_id(settings, f"{name}.{instance}"),
        "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
        "acks": "all",
        "enable.idempotence": True,
        "compression.type": "lz4",
        # Full batches, or whatever there is when the commit flushes, which waits for nothing.
        # With 5 ms the broker had 10 µs of CPU to spend on each event folded, with this 4 to 6.
        "linger.ms": 1_000,
        # A transaction is refused while the markers of the one before are written, for a few
        # milliseconds; with the default the offsets waited 100 ms for their second try.
        "retry.backoff.ms": 2,
        "retry.backoff.max.ms": 100,
        "batch.num.messages": 100_000,
        "batch.size": 1024 * 1024,
        "message.max.bytes": OUTPUT_BYTES_MAX,
        "queue.buffering.max.messages": 1_000_000,
        "queue.buffering.max.kbytes": 1024 * 1024,
        # Bootstrapping anew after a restart of the broker forgets the group's coordinator while
        # offsets are sent to it, and the call never returns (librdkafka#5511, #5456).
        "metadata.recovery.strategy": "none",
    }


MERGING: dict[str, Any] = {
    # The end of a quiet topic is told by an empty answer, which the newest input awaits: with
    # 100 ms a single reservation took 132 ms here, with 10 ms 41. Who waits for no end need not
    # ask so often: records come at once either way. Idle, all of it took 6.3 % of a core with
    # 10 ms everywhere and 3.9 % so, Kafka 24 % and 14 %.
    "fetch.wait.max.ms": 10,
    # Answered at once, a fetch brings one or two records (record 40: with this and fewer
    # transactions the broker spent a third less).
    "fetch.min.bytes": 64 * 1024,
}


def consumer_config(
    settings: Settings, name: str, instance: str, *, merges: bool
) -> dict[str, Any]:
    """A member of the processor's group, that a restarted instance is again at once.

    ``merges``: it waits for the ends of its topics, to take records in the order of their times.
    """
    return {
        **confluent_config(settings),
        **FETCH,
        **(MERGING if merges else {}),
        "group.id": group_id(settings, name),
        "group.instance.id": instance,
        "group.protocol": "classic",
        "partition.assignment.strategy": "range",
        "session.timeout.ms": SESSION_TIMEOUT_MS,
        "heartbeat.interval.ms": 1_500,
        "max.poll.interval.ms": 900_000,
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        "auto.offset.reset": "error",
    }
