"""Bounded waits: each goes on as long as something moves, and says what stands still."""

from __future__ import annotations

import time
from collections.abc import Callable

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from stockfold.contracts.topics import EXCEPTIONS, INPUTS, JOURNAL, POSITIONS, RESERVATION_STATUS
from stockfold.domain.errors import UnavailableError
from stockfold.runtime.kafka import confluent_config, group_id, partitions_of
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings

ANSWER_S_MAX = 15.0
LOOK_S = 0.3
FETCH_S_MAX = 0.5
"""An answer may be so old when its reader notes the time."""
_PASSES = (
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError._TIMED_OUT,  # noqa: SLF001  (its public name)
)


def until(
    look: Callable[[], tuple[bool, object]], rest: Callable[[float], None], still_s_max: float
) -> tuple[bool, object]:
    """Look until it is done, or until what is seen has not changed for ``still_s_max`` seconds.

    ``look`` tells whether it is done and what is seen; ``rest`` waits a moment, and raises when
    something has ended that should run. Returns the last look.
    """
    done, seen = look()
    moved = time.monotonic()
    while not done and time.monotonic() - moved < still_s_max:
        rest(LOOK_S)
        done, now_seen = look()
        if now_seen != seen:
            moved = time.monotonic()
        seen = now_seen
    return done, seen


def visible_at(settings: Settings) -> float:
    """When what the ledger has committed was to be seen by all, in seconds since 1970: after now.

    Its inputs may be committed while the markers of its outputs are still written.
    """
    reader = PartitionReader(settings)
    for topic in (JOURNAL, RESERVATION_STATUS, POSITIONS, EXCEPTIONS):
        for number in range(partitions_of(settings, topic)):
            reader.settled_end(topic, number)
    return time.time() + FETCH_S_MAX


class Inputs:
    """How much of the input topics there is, and how much of it the ledger has committed."""

    def __init__(self, settings: Settings) -> None:
        self._consumer = Consumer(
            {**confluent_config(settings), "group.id": group_id(settings, "ledger"), "log_level": 0}
        )
        self._reader = PartitionReader(settings)
        self._partitions = {topic: range(partitions_of(settings, topic)) for topic in INPUTS}
        self._places = [
            TopicPartition(topic.full_name(settings.prefix), number)
            for topic, numbers in self._partitions.items()
            for number in numbers
        ]

    def ends(self) -> int:
        """Events in the input topics."""
        try:
            return sum(
                sum(self._reader.written_ends(topic, numbers).values())
                for topic, numbers in self._partitions.items()
            )
        except KafkaException as error:
            raise UnavailableError(
                f"Kafka did not answer: {error}", remedy="Look at its log in the data folder."
            ) from error

    def read(self) -> int:
        """Events that the ledger has committed."""
        try:
            places = self._consumer.committed(self._places, ANSWER_S_MAX)
        except KafkaException as error:
            if error.args[0].code() not in _PASSES:
                raise
            return -1
        return sum(max(place.offset, 0) for place in places)

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()
