"""The environment that is restored into: empty before, as declared after."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from stockfold.contracts.topics import AUDIT, TOPICS, Topic
from stockfold.domain.errors import SettingsError
from stockfold.runtime.audit import changes
from stockfold.runtime.kafka import config_of, confluent_config, ensure_topic, partitions_of
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold_services.cli.repartition.environments import delete, unavailable

ANSWER_S_MAX = 30.0
COMMAND = "restore"
"""Its name in the audit."""
_WHILE_RESTORED = {
    # Times are given, nothing old is deleted, and offsets may be cut off, until all is there.
    "message.timestamp.type": "CreateTime",
    "retention.ms": "-1",
    "cleanup.policy": "delete",
}


def existing(settings: Settings) -> list[Topic]:
    """The topics that the broker has, besides the audit's."""
    try:
        names = _admin(settings).list_topics(timeout=ANSWER_S_MAX).topics
    except KafkaException as error:
        raise unavailable(settings, error) from error
    return [t for t in TOPICS if t is not AUDIT and t.full_name(settings.prefix) in names]


def is_unfinished(settings: Settings) -> bool:
    """Whether the newest restore into this environment did not come to its end."""
    outcomes = [c.outcome for c in changes(settings) if c.command == COMMAND]
    return bool(outcomes) and outcomes[0] != "done"


def refuse_used(settings: Settings, *, restart: bool) -> None:
    """SettingsError when a topic of the environment holds anything. The audit's may.

    With ``restart`` also what an unfinished restore has left.
    """
    unfinished = is_unfinished(settings)
    if restart and unfinished:
        return
    reader = PartitionReader(settings)
    for topic in existing(settings):
        for partition in range(partitions_of(settings, topic)):
            end = reader.settled_end(topic, partition)
            if end:
                raise SettingsError(
                    f"the environment is not empty: {topic.full_name(settings.prefix)} partition "
                    f"{partition} ends at {end}",
                    where=f"Kafka at {settings.kafka.bootstrap}, environment {settings.prefix!r}",
                    remedy="Run it with --restart: it deletes what the unfinished restore has left."
                    if unfinished
                    else "Restore into a new cluster, or under another environment.prefix.",
                )


def make(settings: Settings) -> None:
    """Make every topic anew, with what a restore needs; the audit's stays as it is."""
    names = [topic.full_name(settings.prefix) for topic in existing(settings)]
    if names:
        delete(settings, names)
    wanted = [
        NewTopic(
            topic.full_name(settings.prefix),
            num_partitions=partitions_of(settings, topic),
            replication_factor=settings.kafka.replication,
            config={**config_of(topic), **_WHILE_RESTORED},
        )
        for topic in TOPICS
        if topic is not AUDIT
    ]
    admin = _admin(settings)  # Without it the futures would never be answered.
    _wait(settings, admin.create_topics(wanted, request_timeout=ANSWER_S_MAX).values())
    ensure_topic(settings, AUDIT)


def as_declared(settings: Settings) -> None:
    """From now on every topic is as declared."""
    resources = [
        ConfigResource(
            ResourceType.TOPIC,
            topic.full_name(settings.prefix),
            incremental_configs=[
                ConfigEntry(
                    name, config_of(topic)[name], incremental_operation=AlterConfigOpType.SET
                )
                for name in _WHILE_RESTORED
            ],
        )
        for topic in TOPICS
        if topic is not AUDIT
    ]
    admin = _admin(settings)
    _wait(settings, admin.incremental_alter_configs(resources).values())


def _admin(settings: Settings) -> AdminClient:
    return AdminClient({**confluent_config(settings), "log_level": 0})


def _wait(settings: Settings, futures: Iterable[Future[Any]]) -> None:
    for future in futures:
        try:
            future.result(ANSWER_S_MAX)
        except (KafkaException, TimeoutError) as error:
            raise unavailable(settings, error) from error
