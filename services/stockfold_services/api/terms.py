"""The terms of each channel: its policy and eligible locations, followed on their small topics.

Read whole at the first question that needs them, and polled at later ones; while Kafka is away
what was known stays in force.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import NamedTuple

from confluent_kafka import KafkaException

from stockfold.availability.policy import Policy
from stockfold.availability.surroundings import Places
from stockfold.contracts.policies import read_policy
from stockfold.contracts.reference import decode_reference, reference_key
from stockfold.contracts.topics import POLICIES, REFERENCE
from stockfold.domain.errors import ContractError, UnavailableError
from stockfold.domain.reference import Location
from stockfold.runtime.follow import TopicFollower
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings
from stockfold_services.api.problems import not_found

log = logging.getLogger(__name__)

READ_S_MAX = 15.0


class Terms(NamedTuple):
    """A channel's policy, and the locations it may promise from; None for all."""

    policy: Policy
    locations: tuple[str, ...] | None


class ChannelTerms:
    """Follows policies and reference data. Nothing is connected before the first use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._policies = TopicFollower(settings, POLICIES, "api.policies")
        self._reference = TopicFollower(settings, REFERENCE, "api.reference")
        self._known: dict[str, Policy] = {}
        self._tags: dict[str, tuple[str, ...]] = {}
        self._whole = False
        self._reading = asyncio.Lock()

    async def of(self, channel: str) -> Terms:
        """The channel's terms now. Problem 404 without a policy; UnavailableError without Kafka."""
        async with self._reading:
            try:
                await asyncio.wait_for(asyncio.to_thread(self._read), READ_S_MAX)
            except (KafkaException, UnavailableError, TimeoutError) as error:
                if not self._whole:
                    raise UnavailableError(
                        "the channels' policies were not read",
                        where=f"Kafka at {self._settings.kafka.bootstrap}",
                        remedy="Ask without a channel, or again when the broker is there.",
                    ) from error
                log.warning("the policies known before stand: %s", error)
        policy = self._known.get(channel)
        if policy is None:
            raise not_found("policy of channel", channel)
        tagged: dict[str, set[str]] = {}
        for location, tags in self._tags.items():
            for tag in tags:
                tagged.setdefault(tag, set()).add(location)
        places = Places({tag: frozenset(names) for tag, names in tagged.items()})
        return Terms(policy, places.eligible(policy.locations, policy.tags))

    def close(self) -> None:
        """Let go of the consumers."""
        self._policies.close()
        self._reference.close()

    def _read(self) -> None:
        if self._whole:
            self._take_policies(self._policies.poll())
            self._take_places(self._reference.poll())
            return
        reader = PartitionReader(self._settings)
        for batch in self._policies.read_whole(reader):
            self._take_policies(batch)
        for batch in self._reference.read_whole(reader):
            self._take_places(batch)
        self._whole = True

    def _take_policies(self, records: Iterable[Record]) -> None:
        for record in records:
            if record.value() is None:
                self._known.pop((record.key() or b"").decode("utf-8", "replace"), None)
                continue
            try:
                policy = read_policy(record.value())
            except ContractError as error:
                log.warning("%s The revision before stays in force.", error)
                continue
            known = self._known.get(policy.channel)
            if known is None or policy.revision > known.revision:
                self._known[policy.channel] = policy

    def _take_places(self, records: Iterable[Record]) -> None:
        for record in records:
            if record.value() is None:
                kind, *name = reference_key(record.key())
                if kind == "location":
                    self._tags.pop(name[0], None)
                continue
            try:
                told = decode_reference(record.value(), record.key())
            except ContractError as error:
                log.warning("%s The record before stays in force.", error)
                continue
            if isinstance(told, Location):
                self._tags[told.location] = told.tags if told.active else ()
