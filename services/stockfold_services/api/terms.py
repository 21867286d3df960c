"""The terms of each channel: its policy and eligible locations, followed on their small topics.

Read whole at the first question that needs them, and polled at later ones; while Kafka is away
what was known stays in force.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import NamedTuple

from stockfold.availability.policy import Policy
from stockfold.availability.surroundings import Places
from stockfold.contracts.policies import read_policy
from stockfold.contracts.reference import decode_reference, reference_key
from stockfold.contracts.topics import POLICIES, REFERENCE
from stockfold.domain.errors import ContractError
from stockfold.domain.reference import Location
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings
from stockfold_services.api.asked_topics import Asked, AskedTopics
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
        self._known: dict[str, Policy] = {}
        self._tags: dict[str, tuple[str, ...]] = {}
        self._topics = AskedTopics(
            settings,
            [
                Asked(POLICIES, "api.policies", self._take_policies),
                Asked(REFERENCE, "api.reference", self._take_places),
            ],
            self._forget,
            unread="the channels' policies were not read",
            remedy="Ask without a channel, or again when the broker is there.",
            s_max=READ_S_MAX,
        )

    async def of(self, channel: str) -> Terms:
        """The channel's terms now. Problem 404 without a policy; UnavailableError without Kafka."""
        await self._topics.look()
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
        self._topics.close()

    def _forget(self) -> None:
        self._known.clear()
        self._tags.clear()

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
