"""The two environments: whether nobody works in them, and making the topics of the copy."""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from stockfold.contracts.topics import TOPICS, Topic
from stockfold.domain.errors import SettingsError, UnavailableError
from stockfold.runtime.kafka import (
    OUTPUT_BYTES_MAX,
    config_of,
    confluent_config,
    group_id,
    partitions_of,
    plan_topics,
)
from stockfold.runtime.settings import Settings

ANSWER_S_MAX = 30.0
LEAVE_S_MAX = 10.0
"""Longer than a session of the exactly-once loop."""
WRITERS = ("ledger", "availability")
"""Groups whose members write what is copied."""
_TIMESTAMP_TYPE = "message.timestamp.type"


def copy_settings(settings: Settings, prefix: str, partitions: int) -> Settings:
    """The settings of the copy's environment; SettingsError when it is the same environment."""
    if prefix == settings.prefix:
        raise SettingsError(
            f"the environment prefix is {prefix!r} already",
            where="--to-prefix",
            remedy="Name another one: the topics of this one stay as they are.",
        )
    given = settings.model_dump()
    given["environment"]["prefix"] = prefix
    given["kafka"]["sku_partitions"] = partitions
    return Settings.model_validate(given)


def refuse_writers(settings: Settings) -> None:
    """SettingsError while the ledger or availability of an environment runs.

    One that has just stopped is still a member until its session ends: that is waited for.
    """
    deadline = time.monotonic() + LEAVE_S_MAX
    while working := _members(settings):
        if time.monotonic() > deadline:
            raise SettingsError(
                "; ".join(f"the consumer group {g} has {n} members" for g, n in working.items()),
                where=f"Kafka at {settings.kafka.bootstrap}",
                remedy="Stop `stockfold up`, or every ledger and availability process, then try "
                "again.",
            )
        time.sleep(0.5)


def _members(settings: Settings) -> dict[str, int]:
    """How many members the writers' groups have, without those that have none."""
    names = [group_id(settings, name) for name in WRITERS]
    admin = _admin(settings)  # Without it the futures would never be answered.
    found: dict[str, int] = {}
    for name, future in admin.describe_consumer_groups(names).items():
        try:
            members = future.result(ANSWER_S_MAX).members
        except KafkaException as error:
            if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:
                continue
            raise unavailable(settings, error) from error
        except TimeoutError as error:
            raise unavailable(settings, error) from error
        if members:
            found[name] = len(members)
    return found


def refuse_incomplete(settings: Settings) -> None:
    """SettingsError when a topic of an environment is missing, or counts are unequal."""
    missing = plan_topics(settings).missing
    if missing:
        raise SettingsError(
            f"topics are missing: {', '.join(missing)}",
            where=f"Kafka at {settings.kafka.bootstrap}",
            remedy="Run `stockfold topics apply` first.",
        )


def existing(settings: Settings) -> list[str]:
    """The topics of an environment that the broker has."""
    try:
        names = _admin(settings).list_topics(timeout=ANSWER_S_MAX).topics
    except KafkaException as error:
        raise unavailable(settings, error) from error
    return [t.full_name(settings.prefix) for t in TOPICS if t.full_name(settings.prefix) in names]


def create(settings: Settings) -> None:
    """Make every topic; those with the broker's time keep the copied times for now."""
    wanted = [
        NewTopic(
            topic.full_name(settings.prefix),
            num_partitions=partitions_of(settings, topic),
            replication_factor=settings.kafka.replication,
            config={**config_of(topic), _TIMESTAMP_TYPE: "CreateTime"},
        )
        for topic in TOPICS
    ]
    admin = _admin(settings)
    _wait(settings, admin.create_topics(wanted, request_timeout=ANSWER_S_MAX).values())


def delete(settings: Settings, names: list[str]) -> None:
    """Delete what an unfinished copy has left, and wait until it is gone."""
    admin = _admin(settings)
    _wait(settings, admin.delete_topics(names, request_timeout=ANSWER_S_MAX).values())
    deadline = time.monotonic() + ANSWER_S_MAX
    while set(names) & set(existing(settings)):
        if time.monotonic() > deadline:
            raise unavailable(settings, TimeoutError("deleted topics are still there"))
        time.sleep(0.1)


def stamp_by_broker(settings: Settings, topics: Iterable[Topic]) -> None:
    """From now on the broker stamps the records of these topics, as declared."""
    resources = [
        ConfigResource(
            ResourceType.TOPIC,
            topic.full_name(settings.prefix),
            incremental_configs=[
                ConfigEntry(
                    _TIMESTAMP_TYPE,
                    "LogAppendTime",
                    incremental_operation=AlterConfigOpType.SET,
                )
            ],
        )
        for topic in topics
    ]
    admin = _admin(settings)
    _wait(settings, admin.incremental_alter_configs(resources).values())


def producer_config(settings: Settings) -> dict[str, Any]:
    """An idempotent producer that is told every partition."""
    return {
        **confluent_config(settings),
        "acks": "all",
        "enable.idempotence": True,
        "compression.type": "lz4",
        "linger.ms": 20,
        "batch.size": 1024 * 1024,
        "message.max.bytes": OUTPUT_BYTES_MAX,
        "queue.buffering.max.kbytes": 64 * 1024,
    }


def unavailable(settings: Settings, error: Exception) -> UnavailableError:
    """A broker that did not do what it was asked."""
    return UnavailableError(
        f"Kafka did not answer: {error}",
        where=f"Kafka at {settings.kafka.bootstrap}",
        remedy="Check the broker, then run the command again.",
    )


def _admin(settings: Settings) -> AdminClient:
    return AdminClient({**confluent_config(settings), "log_level": 0})


def _wait(settings: Settings, futures: Iterable[Future[Any]]) -> None:
    for future in futures:
        try:
            future.result(ANSWER_S_MAX)
        except (KafkaException, TimeoutError) as error:
            raise unavailable(settings, error) from error
