"""The policies in force: one small compacted topic that every availability process reads whole."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol, cast

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

from stockfold.availability.policy import Policy, Reach, reach, same_rules
from stockfold.contracts.topics import POLICIES
from stockfold.domain.errors import ContractError
from stockfold.runtime.kafka import confluent_config, group_id
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings
from stockfold_services.availability.records import Cause, read_policy

log = logging.getLogger(__name__)

POLICIES_PER_POLL_MAX = 500


class PolicyChange(msgspec.Struct, frozen=True):
    """A policy that has come into force, and the SKUs that it can touch."""

    policy: Policy
    reach: Reach
    cause: Cause


class PolicyBook:
    """The newest policy of each channel. Whatever cannot be read leaves the one before in force."""

    def __init__(self) -> None:
        self.policies: dict[str, Policy] = {}
        self._next_offset = 0

    def apply(self, record: Record) -> PolicyChange | None:
        """Put a record of the policies topic into force; None when it changes nothing."""
        if record.offset() < self._next_offset:
            return None
        self._next_offset = record.offset() + 1
        if record.value() is None:
            self._withdraw(record.key())
            return None
        try:
            policy = read_policy(record.value())
        except ContractError as error:
            log.error(  # noqa: TRY400  (the sentence says it all; there is no defect to trace)
                "%s, offset %d: %s The revision before stays in force.",
                POLICIES.name,
                record.offset(),
                error,
            )
            return None
        return self._put(policy, record)

    def _put(self, policy: Policy, record: Record) -> PolicyChange | None:
        old = self.policies.get(policy.channel)
        if old is not None and policy.revision <= old.revision:
            if not same_rules(old, policy):
                log.warning(
                    "policy of %s: revision %d is ignored, %d is in force",
                    policy.channel,
                    policy.revision,
                    old.revision,
                )
            return None
        self.policies[policy.channel] = policy
        log.info("policy of %s: revision %d is in force", policy.channel, policy.revision)
        at_us = record.timestamp()[1] * 1000
        return PolicyChange(policy, reach(old, policy), Cause(at_us, "", at_us))

    def _withdraw(self, key: bytes | None) -> None:
        channel = (key or b"").decode("utf-8", "replace")
        if self.policies.pop(channel, None) is not None:
            log.warning("policy of %s is withdrawn: nothing more is told to it", channel)


class PolicyFeed(Protocol):
    """Where new policies come from while the process runs."""

    def poll(self) -> Sequence[Record]:
        """What has come since the last poll, at once, possibly from the beginning again."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class KafkaPolicyFeed:
    """Follows the policies topic with a consumer of its own, outside of the group."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer: Consumer | None = None

    def poll(self) -> Sequence[Record]:
        """See ``PolicyFeed.poll``. KafkaException when the topic cannot be read."""
        if self._consumer is None:
            self._consumer = self._open()
        records = []
        for message in self._consumer.consume(POLICIES_PER_POLL_MAX, timeout=0):
            error = message.error()
            if error is None:
                records.append(cast("Record", message))
            elif error.fatal() or not error.retriable():
                self.close()
                raise KafkaException(error)
            else:
                log.warning("%s: %s", POLICIES.name, error)
        return records

    def _open(self) -> Consumer:
        consumer = Consumer(
            {
                **confluent_config(self._settings),
                "group.id": group_id(self._settings, "availability.policies"),
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                # The topic is compacted and read whole: the beginning is always right.
                "auto.offset.reset": "earliest",
            }
        )
        name = POLICIES.full_name(self._settings.environment.prefix)
        consumer.assign([TopicPartition(name, 0, OFFSET_BEGINNING)])
        return consumer

    def close(self) -> None:
        """See ``PolicyFeed.close``."""
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None
