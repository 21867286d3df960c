"""The coordinator of consumer groups: classic protocol, eager, range assignor, static members.

A static member that comes again within its session takes its old place without a rebalance, and
whoever still uses the place is fenced. Members are told of a rebalance by their heartbeats, and it
is complete when all of them have joined again or were expelled.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from confluent_kafka import KafkaError

from .kafka_log import Place, kafka_error
from .world import Life, World

SESSION_S = 6.0
HEARTBEAT_S = 1.5


class GroupMetadata(NamedTuple):
    """Who commits: as the consumer's client library knows it at that moment."""

    group: str
    instance: str
    member: str
    generation: int


@dataclass(eq=False)
class Member:
    """A place in the group, taken by a consumer of some life."""

    instance: str
    name: str
    life: Life
    joined: bool = True
    told_at_s: float = 0.0
    """When its heartbeat tells it to join again."""
    generation: int = -1
    assignment: list[Place] = field(default_factory=list)
    is_assigned: bool = False
    """Whether the consumer has been handed the assignment."""
    closed_s: float | None = None

    def silent_s(self, now_s: float) -> float:
        """Seconds since its last heartbeat. A static member does not say that it leaves."""
        closed_s = 0.0 if self.closed_s is None else now_s - self.closed_s
        return max(closed_s, self.life.silent_s())


class Group:
    """One consumer group. ``topics`` have the same number of partitions."""

    def __init__(self, world: World, name: str, topics: Iterable[str], partitions: int) -> None:
        self.world = world
        self.name = name
        self._topics = sorted(topics)
        self._partitions = partitions
        self.members: dict[str, Member] = {}
        self.generation = 0
        self.is_stable = True
        self._names = 0

    def join(self, instance: str, life: Life, before: Member | None = None) -> Member:
        """Join, or join again as ``before``. The assignment comes when the group is stable."""
        known = self.members.get(instance)
        if known is not None and known is before:
            known.joined = True
            self._maybe_complete()
            return known
        self._names += 1
        member = Member(instance, f"{instance}-{self._names}", life)
        self.members[instance] = member
        if known is None:
            self._rebalance(f"{instance} joins")
        else:
            member.assignment, member.generation = known.assignment, known.generation
            member.is_assigned = not self.is_stable
            if not self.is_stable:
                self._maybe_complete()
        self._watch(member)
        return member

    def is_settled(self, lives: int) -> bool:
        """Whether so many living members have each been handed their share."""
        settled = [m for m in self.members.values() if m.is_assigned and not m.life.dead]
        return self.is_stable and len(settled) == len(self.members) == lives

    def is_known(self, member: Member) -> bool:
        """Whether the member still holds its place."""
        return self.members.get(member.instance) is member

    def is_asked_to_rejoin(self, member: Member) -> bool:
        """Whether a heartbeat has told the member of a rebalance."""
        heard_s = max(member.told_at_s, member.life.resumed_s)
        return not self.is_stable and not member.joined and self.world.now_s >= heard_s

    def check(self, told: GroupMetadata) -> None:
        """As the broker checks TxnOffsetCommit (KIP-447, ClassicGroup.validateOffsetCommit)."""
        if told.generation < 0 and not self.members:
            return
        member = self.members.get(told.instance)
        if member is None:
            raise kafka_error(KafkaError.UNKNOWN_MEMBER_ID, f"{told.instance} is no member")
        if member.name != told.member:
            raise kafka_error(KafkaError.FENCED_INSTANCE_ID, f"{told.instance} was fenced")
        if told.generation != self.generation:
            raise kafka_error(KafkaError.ILLEGAL_GENERATION, f"generation {told.generation}")

    # --- rebalance ----------------------------------------------------------------------------

    def _watch(self, member: Member) -> None:
        def look() -> None:
            if not self.is_known(member):
                return
            silent_s = member.silent_s(self.world.now_s)
            if silent_s >= SESSION_S:
                del self.members[member.instance]
                self._rebalance(f"{member.instance} is expelled")
            else:
                self.world.at(max(0.5, SESSION_S - silent_s), look)

        self.world.at(SESSION_S, look)

    def _rebalance(self, why: str) -> None:
        self.world.tell(self.name, f"rebalances: {why}")
        if not self.members:
            self.is_stable = True
            self.generation += 1
            return
        if self.is_stable:
            self.is_stable = False
            for member in self.members.values():
                member.joined = member.generation < 0
                beat_s = self.world.random.uniform(0.0, HEARTBEAT_S)
                member.told_at_s = self.world.now_s + beat_s
        self._maybe_complete()

    def _maybe_complete(self) -> None:
        if self.is_stable or not all(member.joined for member in self.members.values()):
            return
        self.is_stable = True
        self.generation += 1
        members = [self.members[instance] for instance in sorted(self.members)]
        each, more = divmod(self._partitions, len(members))
        first = 0
        for index, member in enumerate(members):
            count = each + (index < more)
            member.generation = self.generation
            member.assignment = [
                (topic, number) for topic in self._topics for number in range(first, first + count)
            ]
            member.is_assigned = False
            first += count
        shares = {m.instance: sorted({place[1] for place in m.assignment}) for m in members}
        self.world.tell(self.name, f"generation {self.generation}: {shares}")
