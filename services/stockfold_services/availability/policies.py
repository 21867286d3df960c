"""The policies in force: one small compacted topic that every availability process reads whole."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

import msgspec

from stockfold.availability.policy import Policy, same_rules
from stockfold.availability.reach import Reach, reach
from stockfold.availability.schedule import Times
from stockfold.availability.surroundings import NO_PLACES, Places
from stockfold.contracts.policies import read_policy
from stockfold.contracts.topics import POLICIES
from stockfold.domain.errors import ContractError
from stockfold.runtime.clients import CONFLUENT, Clients
from stockfold.runtime.follow import TopicFollower
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings
from stockfold_services.availability.in_force import InForce
from stockfold_services.availability.records import Cause

log = logging.getLogger(__name__)

OVERLAPS_TAKEN = ("ring-fences-above-the-pool", b"taken")
"""A header of a policy's record: whoever published it was told so, and wants it all the same."""


class PolicyChange(msgspec.Struct, frozen=True):
    """A policy that has come into force, and the SKUs that it can touch."""

    policy: Policy
    reach: Reach
    cause: Cause


class PolicyBook:
    """The newest policy of each channel. Whatever cannot be read leaves the one before in force."""

    def __init__(self) -> None:
        self.in_force: dict[str, InForce] = {}
        self.fenced: list[InForce] = []
        """Those of them that want something of the ledger."""
        self.changes = 0
        """How often the policies in force have changed."""
        self.times = Times()
        """The newest moment, and the silent locations: a change touches nothing beyond them."""
        self._places = NO_PLACES
        self._next_offset = 0

    @property
    def policies(self) -> dict[str, Policy]:
        """The newest policy of each channel."""
        return {channel: known.policy for channel, known in self.in_force.items()}

    def take_places(self, places: Places, cause: Cause) -> list[PolicyChange]:
        """Choose the locations by their new tags; a change of each policy that this touches."""
        before, self._places = self._places, places
        changes = []
        for channel, known in list(self.in_force.items()):
            policy = known.policy
            if not policy.tags:
                continue
            self._replace(
                channel,
                InForce(
                    policy,
                    places,
                    known.before,
                    offset=known.offset,
                    takes_overlaps=known.takes_overlaps,
                ),
            )
            old = before.eligible(policy.locations, policy.tags) or ()
            new = places.eligible(policy.locations, policy.tags) or ()
            if old != new:
                touched = Reach(locations=frozenset(old) ^ frozenset(new))
                changes.append(PolicyChange(policy, touched, cause))
        return changes

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
        known = self.in_force.get(policy.channel)
        old = None if known is None else known.policy
        if old is not None and policy.revision <= old.revision:
            if not same_rules(old, policy):
                log.warning(
                    "policy of %s: revision %d is ignored, %d is in force",
                    policy.channel,
                    policy.revision,
                    old.revision,
                )
            return None
        new = InForce(
            policy,
            self._places,
            known,
            offset=record.offset(),
            takes_overlaps=OVERLAPS_TAKEN in (record.headers() or ()),
        )
        self._replace(policy.channel, new)
        log.info("policy of %s: revision %d is in force", policy.channel, policy.revision)
        at_us = record.timestamp()[1] * 1000
        times = self.times
        touched = reach(old, policy, self._places, moment_us=times.moment_us, silent=times.silent)
        return PolicyChange(policy, touched, Cause(at_us, "", at_us))

    def _replace(self, channel: str, new: InForce | None) -> None:
        if new is None:
            del self.in_force[channel]
        else:
            self.in_force[channel] = new
        self.fenced = [known for known in self.in_force.values() if known.is_fenced]
        self.changes += 1

    def _withdraw(self, key: bytes | None) -> None:
        channel = (key or b"").decode("utf-8", "replace")
        if channel in self.in_force:
            self._replace(channel, None)
            log.warning("policy of %s is withdrawn: nothing more is told to it", channel)


class PolicyFeed(Protocol):
    """Where new policies come from while the process runs."""

    def poll(self) -> Sequence[Record]:
        """What has come since the last poll, at once, possibly from the beginning again."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class KafkaPolicyFeed(TopicFollower):
    """Follows the policies topic with a consumer of its own, outside of the group."""

    def __init__(self, settings: Settings, clients: Clients = CONFLUENT) -> None:
        super().__init__(settings, POLICIES, "availability.policies", clients)
