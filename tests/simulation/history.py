"""One history: the processes of a small shop, what is sent to them, what goes wrong, the end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from stockfold.contracts.journal import decode_entry
from stockfold.contracts.policies import encode_policy
from stockfold.contracts.topics import INPUTS, JOURNAL, POLICIES, TOPICS
from stockfold.runtime.exactly_once import ExactlyOnceLoop
from stockfold.runtime.kafka import group_id
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings
from stockfold_services.availability.policies import KafkaPolicyFeed
from stockfold_services.availability.processor import AvailabilityProcessor
from stockfold_services.ledger.processor import LedgerProcessor

from . import faults, inputs
from .kafka_clients import SimulatedClients
from .kafka_group import Group
from .kafka_log import Log
from .snapshots import Snapshots
from .wire import Wire
from .world import Life, World

READERS: dict[Any, Any] = {}
"""What the schemas of inputs are compiled to: once, not in every process of every history."""
LATE_EXPIRY_US = 2_000_000
REST_S_MAX = 600.0
"""Simulated seconds in which everything must have come to rest."""


@dataclass(frozen=True)
class Parts:
    """What the processes are made of; tests put broken ones in."""

    loop: type[ExactlyOnceLoop] = ExactlyOnceLoop
    clients: Callable[[Wire], Any] = SimulatedClients


class NoReference:
    """The reference topic, which is empty here."""

    def read_whole(self, reader: object) -> Iterator[Sequence[Record]]:
        return iter(())

    def poll(self) -> Sequence[Record]:
        return ()

    def close(self) -> None:
        """Nothing is held."""


@cache
def settings_of(partitions: int, batch_events_max: int, merge_wait_ms: int) -> Settings:
    """Settings, made once: they are checked at length."""
    return Settings(
        environment={"stall_limit_s": 15.0},
        kafka={"bootstrap": "memory:9092", "sku_partitions": partitions},
        ledger={"batch_events_max": batch_events_max, "merge_wait_ms": merge_wait_ms},
        availability={"batch_events_max": batch_events_max},
        snapshots={"every_s": 1},
    )


@dataclass
class Process:
    """A process that is started again when it ends."""

    name: str
    kind: str
    lives: int = 0
    life: Life | None = None
    processor: Any = None
    wire: Wire | None = None
    failures: list[BaseException] = field(default_factory=list)

    def is_up(self) -> bool:
        return self.processor is not None and self.life is not None and not self.life.dead


class History:
    """Everything of one seed; ``run`` it, then have the oracle judge it."""

    def __init__(
        self, seed: int, parts: Parts | None = None, plan: list[faults.Fault] | None = None
    ) -> None:
        self.seed, self.parts = seed, parts or Parts()
        self.world = world = World(seed)
        random = world.random
        self.partitions = random.choice((1, 2, 2, 3))
        self.plain = random.random() < 0.2
        batch, wait_ms = random.choice((1, 2, 3, 5, 500)), random.choice((0, 100))
        self.settings = settings_of(self.partitions, batch, wait_ms)
        assert all(
            topic.full_name(self.settings.environment.prefix) == topic.name for topic in TOPICS
        )
        self.log = Log(world)
        self.snapshots = Snapshots(world, self.log, self.settings)
        self.problem = ""
        self.memories: dict[tuple[str, int], list[Any]] = {}
        self.groups = {group.name: group for group in self._groups()}
        ledgers = [f"ledger-{n}" for n in range(1, random.choice((2, 2, 3, 3, 3, 4)))]
        others = [f"availability-{n}" for n in range(1, random.choice((2, 2, 3)))]
        self.processes = [Process(name, "ledger") for name in ledgers]
        self.processes += [Process(name, "availability") for name in others]
        chosen = [*ledgers, *ledgers, *others]
        drawn = faults.draw(random, chosen)
        self.faults = drawn if plan is None else plan
        self.plan = faults.Plan(self.faults)
        self.sender = inputs.Sender(
            world, self.log, inputs.make(seed, random, self.partitions, plain=self.plain)
        )
        self.revisions: dict[str, int] = {}
        for at_s, policy in inputs.policies(random):
            self.revisions[policy.channel] = policy.revision
            world.at(at_s, lambda policy=policy: self._publish(policy))
        for process in self.processes:
            world.at(random.choice((0.0, 0.0, 0.0, 3.0, 9.0)), lambda p=process: self._start(p))

    def _groups(self) -> Iterator[Group]:
        for processor in (LedgerProcessor, AvailabilityProcessor):
            topics = [topic.name for topic in processor.inputs]
            name = group_id(self.settings, processor.name)
            yield Group(self.world, name, topics, self.partitions)

    def _publish(self, policy: Any) -> None:
        self.log.append((POLICIES.name, 0), policy.channel.encode(), encode_policy(policy))

    # --- processes ----------------------------------------------------------------------------

    def _start(self, process: Process) -> None:
        process.lives += 1
        self.world.tell(process.name, "starts")
        bodies = {"ledger": self._ledger, "availability": self._availability}

        def body(life: Life) -> None:
            bodies[process.kind](process, life)

        process.life = Life(self.world, process.name, body, lambda life: self._ended(process, life))

    def _ended(self, process: Process, life: Life) -> None:
        process.processor = None
        if life.failure is not None:
            process.failures.append(life.failure)
            self.world.tell(process.name, f"fails: {life.failure!r}")
            return
        self.world.tell(process.name, f"has ended; starts again in {life.away_s} s")
        self.world.at(life.away_s, lambda: self._start(process))

    def _clients(self, process: Process, life: Life) -> Any:
        process.wire = Wire(life, self.log, self.groups, self.plan)
        return self.parts.clients(process.wire)

    def _ledger(self, process: Process, life: Life) -> None:
        processor = process.processor = LedgerProcessor(
            self.settings, NoReference(), self.snapshots.store
        )
        processor._reader._newest = READERS
        self.parts.loop(
            self.settings,
            processor,
            instance=process.name,
            batch_events_max=self.settings.ledger.batch_events_max,
            batch_ms_max=self.settings.ledger.batch_ms_max,
            merge_wait_ms=self.settings.ledger.merge_wait_ms,
            clock=self.world,
            clients=self._clients(process, life),
        ).run(life.stop)

    def _availability(self, process: Process, life: Life) -> None:
        clients = self._clients(process, life)
        feed = KafkaPolicyFeed(self.settings, clients)
        processor = process.processor = AvailabilityProcessor(feed, self.partitions)
        self.parts.loop(
            self.settings,
            processor,
            instance=process.name,
            batch_events_max=self.settings.availability.batch_events_max,
            batch_ms_max=self.settings.availability.batch_ms_max,
            clock=self.world,
            clients=clients,
        ).run(life.stop)

    # --- running ------------------------------------------------------------------------------

    def run(self) -> History:
        """Run it to its rest. AssertionError when a process fails or nothing ever comes to rest."""
        with logs_to_trace(self.world):
            try:
                rested = self.world.run(self._is_over, REST_S_MAX)
                self._look_at_memories()
            finally:
                self._bury()
        failures = [(p.name, error) for p in self.processes for error in p.failures]
        if failures:
            raise AssertionError(f"{failures[0][0]} fails: {failures[0][1]!r}") from failures[0][1]
        assert not self.problem, self.problem
        assert rested, f"no rest within {REST_S_MAX} s: {self._unrest()}"
        return self

    def _look_at_memories(self) -> None:
        """Keep what the living processes hold, to be compared with the log."""
        for process in self.processes:
            if process.is_up():
                for number, memory in process.processor.partitions.items():
                    self.memories.setdefault((process.kind, number), []).append(memory)

    def _bury(self) -> None:
        self.snapshots.close()
        for process in self.processes:
            if process.life is not None:
                process.life.bury()

    def _is_over(self) -> bool:
        if self.log.is_settled():
            self.problem = self._offsets_that_differ()
        failed = self.problem or any(process.failures for process in self.processes)
        return bool(failed) or not self._unrest()

    def _offsets_that_differ(self) -> str:
        """Whenever nothing is under way, the newest mark of the journal is what is committed."""
        offsets = self.log.group_offsets.get(group_id(self.settings, LedgerProcessor.name), {})
        for number in range(self.partitions):
            newest = self.log.partition((JOURNAL.name, number)).newest()
            mark = decode_entry(newest.value()).next_offsets if newest is not None else {}
            found = {place[0]: offset for place, offset in offsets.items() if place[1] == number}
            found = {topic: offset for topic, offset in found.items() if offset or topic in mark}
            if found != mark:
                return f"partition {number}: committed {found}, the journal covers {mark}"
        return ""

    def _unrest(self) -> str:
        """What is still to come; empty when there is nothing."""
        if self.sender.left:
            return f"{self.sender.left} inputs are still to be sent"
        for process in self.processes:
            if not process.is_up():
                return f"{process.name} is down"
            if process.wire is not None and process.wire.is_busy():
                return f"{process.name} has something to commit"
        for place, partition in self.log.partitions.items():
            if partition.open:
                return f"{place} has an open transaction"
        for kind, topics in (("ledger", INPUTS), ("availability", AvailabilityProcessor.inputs)):
            owned = sorted(
                number
                for process in self.processes
                if process.kind == kind
                for number in process.processor.partitions
            )
            if owned != list(range(self.partitions)):
                return f"{kind} partitions {owned} are served"
            name = group_id(self.settings, kind)
            if not self.groups[name].is_settled(sum(p.kind == kind for p in self.processes)):
                return f"group {name} is not settled"
            offsets = self.log.group_offsets.get(name, {})
            for topic in topics:
                for number in range(self.partitions):
                    place = (topic.name, number)
                    partition = self.log.partition(place)
                    records = partition.committed()
                    if records and offsets.get(place, 0) <= records[-1].offset():
                        return f"{place} is read to {offsets.get(place, 0)}"
        for process in self.processes:
            processor = process.processor
            if process.kind == "ledger":
                late_us = self.world.now_us() - LATE_EXPIRY_US
                if any(memory.is_expiry_due(late_us) for memory in processor.partitions.values()):
                    return f"{process.name} is late with an expiry"
            else:
                memories = processor.partitions.values()
                if any(memory.backlog or memory.kits.is_due for memory in memories):
                    return f"{process.name} has a backlog"
                book = processor.book.policies
                if {channel: policy.revision for channel, policy in book.items()} != self.revisions:
                    return f"{process.name} does not know the newest policies"
        return ""


class _ToTrace(logging.Handler):
    def __init__(self, world: World) -> None:
        super().__init__(logging.WARNING)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        self._world.tell("log", record.getMessage())


@contextmanager
def logs_to_trace(world: World) -> Iterator[None]:
    """What the services log goes into a verbose trace, and nowhere else: it would take long."""
    logger, before = logging.getLogger(), logging.root.manager.disable
    handler, handlers = _ToTrace(world), logger.handlers[:]
    if world.is_verbose:
        logger.handlers[:] = [handler]
    else:
        logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logger.handlers[:] = handlers
        logging.disable(before)
