"""How far each consumer group is behind, as Kafka tells it: of services that are dead, too.

What is subtracted are offsets, and the marks of transactions have offsets as well: a service that
has read everything may stand a few behind.
"""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException
from confluent_kafka.admin import AdminClient

from stockfold.contracts.topics import (
    AVAILABILITY,
    CATALOG,
    COMPONENT_AVAILABILITY,
    INPUTS,
    KIT_COMPONENTS,
    ORDER_ANSWERS,
    ORDER_STATUS,
    ORDERS,
    POSITIONS,
    RESERVATION_STATUS,
    SHIPMENTS,
    Topic,
)
from stockfold.domain.errors import UnavailableError
from stockfold.runtime.kafka import confluent_config, group_id, partitions_of
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings

ANSWER_S_MAX = 10.0

LOOPS: Mapping[str, tuple[Topic, ...]] = {
    "ledger": (CATALOG, *INPUTS),
    "availability": (CATALOG, POSITIONS, KIT_COMPONENTS, COMPONENT_AVAILABILITY),
    "orders": (ORDER_ANSWERS, ORDERS),
    "order-answers": (RESERVATION_STATUS,),
}
"""What each exactly-once loop reads."""


def groups_of(settings: Settings) -> dict[str, tuple[Topic, ...]]:
    """The groups that commit offsets while everything runs, and what they read."""
    found = dict(LOOPS)
    if settings.erp.kind != "none":
        found["erp"] = (ORDER_STATUS,)
    for channel in settings.channels:
        if channel.kind == "woocommerce" and channel.publishing.mode != "off":
            found[f"publisher.{channel.name}"] = (AVAILABILITY,)
        if channel.tracking.write:
            found[f"sweeper.shipments.{channel.name}"] = (SHIPMENTS,)
    return found


class GroupLags:
    """Asks Kafka. Blocks, and is for one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._groups = groups_of(settings)
        self._reader = PartitionReader(settings)
        self._admin = AdminClient(confluent_config(settings))

    def look(self) -> dict[tuple[str, str], int]:
        """Offsets behind, by group and topic. KafkaException or UnavailableError."""
        topics = {topic for topics in self._groups.values() for topic in topics}
        ends = {topic: self._ends(topic) for topic in topics}
        return {
            (group, topic.name): sum(
                max(end - max(committed.get((topic.name, number), 0), 0), 0)
                for number, end in ends[topic].items()
            )
            for group, mine in self._groups.items()
            for committed in (self._committed(group),)
            for topic in mine
        }

    def _ends(self, topic: Topic) -> dict[int, int]:
        numbers = range(partitions_of(self._settings, topic))
        return self._reader.committed_ends(topic, numbers)

    def _committed(self, group: str) -> dict[tuple[str, int], int]:
        """What a group has committed; nothing of one that never was."""
        name = group_id(self._settings, group)
        asked = self._admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(name)])
        try:
            told = asked[name].result(timeout=ANSWER_S_MAX)
        except TimeoutError as error:
            raise UnavailableError(
                f"the broker has not told the offsets of {name} within {ANSWER_S_MAX:g} s",
                remedy="Check the broker; it is asked again.",
            ) from error
        prefix = self._settings.prefix
        found = {}
        for place in told.topic_partitions or ():
            if place.error is not None:
                raise KafkaException(place.error)
            found[place.topic.removeprefix(prefix), place.partition] = place.offset
        return found
