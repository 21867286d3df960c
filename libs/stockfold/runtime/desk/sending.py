"""Writing what the desk decided: events and resolutions, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from confluent_kafka import Producer

from stockfold.contracts.codec import encoder
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import EXCEPTION_RESOLUTIONS
from stockfold.runtime.clock import SYSTEM_CLOCK, Clock
from stockfold.runtime.desk.book import Case, desk_errors
from stockfold.runtime.desk.repair import Message
from stockfold.runtime.kafka import OUTPUT_BYTES_MAX, confluent_config, group_id, partitions_of
from stockfold.runtime.settings import Settings

ANSWER_S_MAX = 30.0
TRANSACTION_S_MAX = 60
_encode = encoder("stockfold.ExceptionResolution")


class Decision(msgspec.Struct, frozen=True):
    """What is done about one case, and the event that is sent for it, if any."""

    case: Case
    state: str
    message: Message | None = None


def write(
    settings: Settings,
    decisions: Sequence[Decision],
    *,
    reason: str,
    by: str,
    clock: Clock = SYSTEM_CLOCK,
) -> None:
    """Send the events and record what was decided: all of it, or nothing.

    UnavailableError when the broker does not answer, or another desk writes at the same time: the
    transactional id is one for all.
    """
    config: dict[str, Any] = {
        **confluent_config(settings),
        "transactional.id": group_id(settings, "exception-desk"),
        "transaction.timeout.ms": TRANSACTION_S_MAX * 1000,
        "message.max.bytes": OUTPUT_BYTES_MAX,
        "log_level": 0,
    }
    producer = Producer(config)
    resolutions = EXCEPTION_RESOLUTIONS.full_name(settings.prefix)
    with desk_errors(settings, "written"):
        producer.init_transactions(ANSWER_S_MAX)
        producer.begin_transaction()
        for decision in decisions:
            if decision.message is not None:
                _send(producer, settings, decision.case, decision.message)
            value = _encode(_resolution(decision, reason, by, clock.now_us()))
            producer.produce(resolutions, value, decision.case.id.encode(), 0)
            producer.poll(0)
        producer.commit_transaction(TRANSACTION_S_MAX)


def _send(producer: Producer, settings: Settings, case: Case, message: Message) -> None:
    count = partitions_of(settings, message.topic)
    # Without a key it can only go where it came from, and be refused there again.
    home = case.raised["partition"] % count
    partition = home if message.key is None else partition_of(message.key, count)
    producer.produce(
        message.topic.full_name(settings.prefix),
        message.value,
        message.key,
        partition,
        headers=list(message.headers),
    )


def _resolution(decision: Decision, reason: str, by: str, now_us: int) -> dict[str, Any]:
    return {
        "exception": decision.case.id,
        "state": decision.state,
        "reason": reason,
        "by": by,
        "event_id": decision.case.raised["event_id"],
        "replacement_event_id": decision.message.event_id if decision.message else "",
        "at": now_us,
    }
