"""The consumer of the Kafka in memory: a member of a group, or a reader of given partitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, KafkaError, TopicPartition

from stockfold.runtime.records import Run, runs_of

from .kafka_group import GroupMetadata, Member
from .kafka_log import Entry, Place, is_committed, kafka_error
from .wire import Wire

IDLE_S = (0.2, 0.5, 0.5, 1.0)
"""How long an idle poll of up to 0.2 s may really take on a busy machine."""
FETCH_MAX = (1, 3, 10, 1000, 1000)


class Consumer:
    """See ``LogConsumer`` and ``LogMember``."""

    def __init__(self, wire: Wire, config: dict[str, Any]) -> None:
        self._wire = wire
        self._log = wire.log
        self._committed_only = config["isolation.level"] == "read_committed"
        self._tells_ends = bool(config.get("enable.partition.eof"))
        self._group_name = config["group.id"]
        self._group = wire.groups.get(self._group_name)
        self._instance = config.get("group.instance.id", "")
        self._member: Member | None = None
        self._on_assign: Callable[..., None] | None = None
        self._on_revoke: Callable[..., None] | None = None
        self._holds: list[TopicPartition] = []
        self._positions: dict[Place, int] = {}
        self._told_ends: dict[Place, int] = {}
        self._paused: set[Place] = set()

    # --- the group ----------------------------------------------------------------------------

    def subscribe(
        self,
        topics: list[str],
        on_assign: Callable[..., None] | None = None,
        on_revoke: Callable[..., None] | None = None,
    ) -> None:
        assert self._group is not None, f"no group {self._group_name}"
        assert sorted(topics) == self._group._topics
        self._on_assign, self._on_revoke = on_assign, on_revoke
        self._wire.is_deaf = False

    def _serve_group(self) -> None:
        """What librdkafka does from within a poll: revoke, join again, assign."""
        group, member = self._group, self._member
        assert group is not None
        if member is None:
            self._member = group.join(self._instance, self._wire.life)
        elif not group.is_known(member):
            if self._heard(member):
                self._revoke()
                self._member = group.join(self._instance, self._wire.life)
        elif group.is_asked_to_rejoin(member):
            self._revoke()
            group.join(self._instance, self._wire.life, member)
        member = self._member
        assert member is not None
        if group.is_stable and not member.is_assigned and group.is_known(member):
            member.is_assigned = True
            self._holds = [TopicPartition(*place) for place in member.assignment]
            if self._on_assign is not None:
                self._on_assign(self, list(self._holds))

    def _heard(self, member: Member) -> bool:
        """Whether a heartbeat has told by now that the member is none any more."""
        if not member.told_at_s:
            wait_s = self._wire.world.random.choice((0.0, 0.01, 0.3, 1.5))
            member.told_at_s = max(self._wire.life.resumed_s, self._wire.world.now_s) + wait_s
        return self._wire.world.now_s >= member.told_at_s

    def _revoke(self) -> None:
        if self._holds and self._on_revoke is not None:
            self._on_revoke(self, self._holds)
        self._holds = []

    def consumer_group_metadata(self) -> GroupMetadata:
        member, group = self._member, self._group
        assert group is not None
        if member is None or not (group.is_known(member) or not self._heard(member)):
            return GroupMetadata(self._group_name, self._instance, "", -1)
        return GroupMetadata(self._group_name, self._instance, member.name, member.generation)

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        places = [(p.topic, p.partition) for p in partitions]
        world, deadline_s = self._wire.world, self._wire.world.now_s + timeout
        while not self._log.are_stable(self._group_name, places):
            if world.now_s > deadline_s:
                raise kafka_error(KafkaError._TIMED_OUT, "committed: offsets are not stable")
            self._wire.life.sleep(0.1)

        def effect() -> list[TopicPartition]:
            known = self._log.group_offsets.get(self._group_name, {})
            return [TopicPartition(*place, known.get(place, -1001)) for place in places]

        found: list[TopicPartition] = self._wire.call("committed", effect, timeout)
        return found

    # --- reading ------------------------------------------------------------------------------

    def assign(self, partitions: list[TopicPartition]) -> None:
        self._positions = {(p.topic, p.partition): max(p.offset, 0) for p in partitions}
        assert all(p.offset >= 0 or p.offset == OFFSET_BEGINNING for p in partitions), partitions
        self._told_ends, self._paused = {}, set()

    def unassign(self) -> None:
        self._positions = {}

    def pause(self, partitions: list[TopicPartition]) -> None:
        self._paused |= {(p.topic, p.partition) for p in partitions}

    def resume(self, partitions: list[TopicPartition]) -> None:
        self._paused -= {(p.topic, p.partition) for p in partitions}

    def consume(self, num_messages: int = 1, timeout: float = -1) -> list[Entry]:
        self._wire.local("consume")
        found = self._poll(num_messages)
        if not found and timeout > 0:
            idle_s = timeout
            if timeout >= 0.2:
                idle_s = self._wire.world.random.choice(IDLE_S)
            self._wire.life.sleep(idle_s)
            found = self._poll(num_messages)
        return found

    def take(self, records_max: int, wait_s: float) -> list[Run]:
        return runs_of(self.consume(records_max, wait_s))

    def _poll(self, num_messages: int) -> list[Entry]:
        if self._wire.world.now_s < self._wire.world.broker_back_s:
            return []
        if self._on_assign is not None:
            self._serve_group()
            if self._wire.is_deaf:
                return []
        places = [place for place in self._positions if self._has_news(place)]
        if not places:
            return []
        random, found = self._wire.world.random, []
        if self._on_assign is not None:
            random.shuffle(places)
        for place in places:
            if len(found) >= num_messages:
                break
            self._fetch(place, min(num_messages - len(found), random.choice(FETCH_MAX)), found)
        return found

    def _end(self, place: Place) -> int:
        partition = self._log.partition(place)
        return partition.stable if self._committed_only else partition.high

    def _has_news(self, place: Place) -> bool:
        """Whether there are records, or an end that was not told yet."""
        if place in self._paused:
            return False
        end = self._end(place)
        if self._positions[place] < end:
            return True
        return self._tells_ends and self._told_ends.get(place) != end

    def _fetch(self, place: Place, most: int, found: list[Entry]) -> None:
        entries, end = self._log.partition(place).entries, self._end(place)
        position, left = self._positions[place], most
        while position < end and left:
            entry = entries[position]
            position += 1
            if entry is not None and (not self._committed_only or is_committed(entry)):
                found.append(entry)
                left -= 1
        self._positions[place] = position
        if self._tells_ends and left and position >= end and self._told_ends.get(place) != end:
            self._told_ends[place] = end
            error = KafkaError(KafkaError._PARTITION_EOF)
            found.append(Entry(place, end, 0, error=error))

    def close(self) -> None:
        if self._wire.life.dead:
            return
        self._wire.local("close")
        if self._member is not None:
            self._member.closed_s = self._wire.world.now_s
        self._positions, self._holds = {}, []
