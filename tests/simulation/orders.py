"""A history of orders: the orders service's two loops and the ledger, over the same torn transport.

What is expected is worked out from what was told alone, as in ``make faults``; the checks are its.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from random import Random
from typing import Any

import fsspec

from stockfold.contracts import codec, envelope
from stockfold.contracts.order_journal import decode_order_entry
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import INPUT_OF, ORDER_JOURNAL, ORDERS
from stockfold.orders.decide import due_us
from stockfold.runtime.exactly_once import ExactlyOnceLoop
from stockfold.runtime.kafka import group_id
from stockfold.runtime.order_memory import OrderPartition
from stockfold.runtime.order_snapshots import OrderSnapshots, recover_orders
from stockfold.runtime.settings import Settings
from stockfold_services.ledger.processor import LedgerProcessor
from stockfold_services.orders.processor import OrdersProcessor, rules_of
from stockfold_services.orders.router import AnswerRouter
from tests.faults.order_checks import TOPICS, Bodies, OrderEvidence, judge_orders
from tests.faults.order_stream import (
    CHANNEL,
    LOCATION,
    PLENTY,
    PLENTY_UNITS,
    SCARCE,
    SCARCE_UNITS,
    Lines,
    OrderStream,
    Wanted,
)
from tests.support.orders_process import Known

from . import faults
from .history import READERS, NoReference, Process, logs_to_trace
from .kafka_clients import SimulatedClients
from .kafka_group import Group
from .kafka_log import Log
from .snapshots import CommittedJournal
from .wire import Wire
from .world import Life, World

REST_S_MAX = 900.0
GAPS_S = (0.0, 0.0, 0.02, 0.3, 1.5)
LATE_S = (0.1, 2.0, 9.0, 30.0)
CLOCK_S_MAX = 60.0
DAMAGED_CHANCE = 0.2
_numbers = count()


@dataclass(frozen=True)
class OrderParts:
    """What the processes are made of; tests put broken ones in."""

    loop: type[ExactlyOnceLoop] = ExactlyOnceLoop
    clients: Callable[[Wire], Any] = SimulatedClients
    orders: type[OrdersProcessor] = OrdersProcessor


@dataclass
class Told:
    """The stream of a history, as the checks know one."""

    wanted: dict[str, Wanted] = field(default_factory=dict)

    def units(self, statuses: dict[str, str], status: str) -> Counter[tuple[str, str]]:
        """See ``OrderStream.units``."""
        return OrderStream.units(self, statuses, status)  # type: ignore[arg-type]


def _too_wrong(fault: faults.Fault) -> bool:
    """A clock that is set ahead and back leaves orders waiting for as long: no history is so long.

    What is decided by it is right nevertheless.
    """
    return fault.kind == "clock" and abs(fault.amount) > CLOCK_S_MAX


@cache
def settings_of(skus: int, orders: int, batch: int, finished_s: int) -> Settings:
    """Settings, made once: they are checked at length."""
    return Settings(
        environment={"stall_limit_s": 15.0},
        kafka={"bootstrap": "memory:9092", "sku_partitions": skus, "order_partitions": orders},
        ledger={"batch_events_max": batch},
        orders={
            "batch_events_max": batch,
            "attempts_max": 50,
            "retry_s": 0.2,
            "answer_s": 20,
            "finished_s": finished_s,
        },
    )


class OrderHistory:
    """Everything of one seed; ``run`` it, then ``judge`` it."""

    def __init__(self, seed: int, parts: OrderParts | None = None) -> None:
        self.seed, self.parts = seed, parts or OrderParts()
        self.world = world = World(seed)
        random = world.random
        self.settings = settings_of(
            random.choice((1, 2)),
            random.choice((1, 2)),
            random.choice((1, 3, 500)),
            random.choice((2, 10, 86_400)),
        )
        self.log = Log(world)
        self.groups = {group.name: group for group in self._groups()}
        names = ["ledger-1", "orders-1", "order-answers-1"]
        names += [f"{kind}-2" for kind in ("ledger", "orders") if random.random() < 0.5]
        self.processes = [Process(name, name.rpartition("-")[0]) for name in names]
        drawn = [*names, *(name for name in names if name.startswith("orders"))]
        chosen = [fault for fault in faults.draw(random, drawn) if not _too_wrong(fault)]
        self.plan = faults.Plan(chosen)
        self.told, self.left = Told(), 0
        self._path = f"/orders/{next(_numbers)}"
        self.store = OrderSnapshots(f"memory:/{self._path}")
        self._stock()
        self._tell_all(random)
        if seed % 2 == 0:
            for at_s in random.sample((2.0, 4.0, 9.0, 20.0), 3):
                world.at(at_s, self._snapshot)
        for process in self.processes:
            world.at(random.choice((0.0, 0.0, 2.0, 7.0)), lambda p=process: self._start(p))

    def _groups(self) -> Iterator[Group]:
        kafka = self.settings.kafka
        for work, partitions in (
            (LedgerProcessor, kafka.sku_partitions),
            (OrdersProcessor, kafka.order_partitions),
            (AnswerRouter, kafka.sku_partitions),
        ):
            topics = [topic.name for topic in work.inputs]
            yield Group(self.world, group_id(self.settings, work.name), topics, partitions)

    # --- what is told ---------------------------------------------------------------------------

    def _stock(self) -> None:
        for sku, units in (*((sku, PLENTY_UNITS) for sku in PLENTY), (SCARCE, SCARCE_UNITS)):
            body = {
                "sku": sku,
                "location": LOCATION,
                "bucket": "on_hand",
                "delta": units,
                "reason": "count",
            }
            name = "stockfold.StockAdjusted"
            about = envelope.Envelope(f"f-{sku}", "/floor", name, self.world.now_us())
            place = (INPUT_OF[name].name, partition_of(sku.encode(), self._sku_partitions))
            headers: Any = [*envelope.build(about)]
            self.log.append(place, sku.encode(), codec.encode(name, body), headers)

    @property
    def _sku_partitions(self) -> int:
        return self.settings.kafka.sku_partitions

    def _tell_all(self, random: Random) -> None:
        at_s = 0.0
        for number in range(1, random.randint(3, 9)):
            skus = random.sample(PLENTY, random.randint(1, 3))
            lines: Lines = {str(n): (sku, random.randint(1, 4)) for n, sku in enumerate(skus, 1)}
            tellings = [(1, "processing", lines)]
            if random.random() < 0.4:
                lines = {**lines, "1": (lines["1"][0], random.randint(1, 5))}
                tellings.append((2, "processing", lines))
            end = random.choice(("processing", "completed", "completed", "cancelled"))
            tellings.append((3, end, lines))
            order = str(number)
            self.told.wanted[order] = Wanted(end, lines)
            for telling in tellings:
                at_s += random.choice(GAPS_S)
                late_s = random.choice(LATE_S) if random.random() < 0.2 else 0.0
                self._later(at_s + late_s, order, *telling)
                if random.random() < 0.3:
                    self._later(at_s + random.choice(LATE_S), order, *telling)

    def _later(self, at_s: float, order: str, revision: int, status: str, lines: Lines) -> None:
        self.left += 1

        def act() -> None:
            self.left -= 1
            body = {
                "channel": CHANNEL,
                "order": order,
                "revision": revision,
                "occurred_at": self.world.true_us(),
                "status": status,
                "accepted": False,
                "lines": [
                    {"line": line, "code": sku, "quantity": units}
                    for line, (sku, units) in lines.items()
                ],
            }
            key = f"{CHANNEL}|{order}".encode()
            name = "stockfold.OrderChanged"
            about = envelope.Envelope(f"{order}/{revision}", "/shop", name, self.world.true_us())
            place = (ORDERS.name, partition_of(key, self.settings.kafka.order_partitions))
            self.log.append(place, key, codec.encode(name, body), [*envelope.build(about)])

        self.world.at(at_s, act)

    # --- processes ----------------------------------------------------------------------------

    def _start(self, process: Process) -> None:
        process.lives += 1
        self.world.tell(process.name, "starts")
        process.life = Life(
            self.world,
            process.name,
            lambda life: self._run(process, life),
            lambda life: self._ended(process, life),
        )

    def _ended(self, process: Process, life: Life) -> None:
        process.processor = None
        if life.failure is not None:
            process.failures.append(life.failure)
            return
        self.world.at(life.away_s, lambda: self._start(process))

    def _run(self, process: Process, life: Life) -> None:
        section = self.settings.ledger if process.kind == "ledger" else self.settings.orders
        process.wire = Wire(life, self.log, self.groups, self.plan)
        process.processor = self._processor(process.kind)
        self.parts.loop(
            self.settings,
            process.processor,
            instance=process.name,
            batch_events_max=section.batch_events_max,
            batch_ms_max=section.batch_ms_max,
            clock=self.world,
            clients=self.parts.clients(process.wire),
        ).run(life.stop)

    def _processor(self, kind: str) -> Any:
        if kind == "orders":
            return self.parts.orders(self.settings, Known(), self.store)  # type: ignore[arg-type]
        if kind == "order-answers":
            return AnswerRouter(self.settings.kafka.order_partitions)
        processor = LedgerProcessor(self.settings, NoReference(), None)
        processor._reader._newest = READERS
        return processor

    def _snapshot(self) -> None:
        """As the snapshotter makes them; some are damaged afterwards."""
        journal = CommittedJournal(self.log, ORDER_JOURNAL)
        ends = journal.committed_ends(ORDER_JOURNAL, range(self.settings.kafka.order_partitions))
        for number, end in ends.items():
            memory, head = recover_orders(journal, self.store, number, end)
            if memory.last is not None and (head is None or memory.last[0] > head.last_offset):
                self.store.save(memory, end)
                if self.world.random.random() < DAMAGED_CHANCE:
                    path = self.store.path(number, end)
                    self.store.files.pipe_file(path, self.store.files.cat_file(path)[:-9])

    # --- running ------------------------------------------------------------------------------

    def run(self) -> OrderHistory:
        """Run it to its rest, and judge it. AssertionError says what differs."""
        with logs_to_trace(self.world):
            try:
                rested = self.world.run(self._is_over, REST_S_MAX)
                unrest = "" if rested else self._unrest()
                memories = [
                    (number, list(memory.rows()), memory.forgotten.columns())
                    for process in self.processes
                    if process.kind == "orders" and process.is_up()
                    for number, memory in process.processor.partitions.items()
                ]
            finally:
                for process in self.processes:
                    if process.life is not None:
                        process.life.bury()
        failures = [(p.name, error) for p in self.processes for error in p.failures]
        if failures:
            raise AssertionError(f"{failures[0][0]} fails: {failures[0][1]!r}") from failures[0][1]
        assert rested, f"no rest within {REST_S_MAX} s: {unrest}"
        self._judge(memories)
        files = fsspec.filesystem("memory")
        if files.exists(self._path):
            files.rm(self._path, recursive=True)
        return self

    def _judge(self, memories: list[tuple[int, list[bytes], Any]]) -> None:
        log: dict[str, Bodies] = {topic.name: [] for topic in TOPICS}
        folded: dict[int, OrderPartition] = {}
        for (topic, number), partition in sorted(self.log.partitions.items()):
            for entry in partition.committed() if topic in log else ():
                schema, body = codec.decode(entry.value())
                log[topic].append((schema.name.removeprefix("stockfold."), body))
                if topic == ORDER_JOURNAL.name:
                    decode_order_entry(entry.value())
                    memory = folded.setdefault(number, OrderPartition(number))
                    memory.fold(entry.value(), entry.offset())
        evidence = OrderEvidence(self.told, log)  # type: ignore[arg-type]
        found = {check: wrong for check, wrong in judge_orders(evidence).items() if wrong}
        assert not found, found
        for number, rows, forgotten in memories:
            whole = folded.get(number, OrderPartition(number))
            assert rows == list(whole.rows()), f"partition {number} remembers other orders"
            assert forgotten == whole.forgotten.columns(), f"partition {number} forgot others"

    def _forgotten(self, number: int) -> int:
        """Orders that the committed journal says were forgotten."""
        entries = self.log.partition((ORDER_JOURNAL.name, number)).committed()
        return sum(b'"type":"Forgotten"' in (entry.value() or b"") for entry in entries)

    def _is_over(self) -> bool:
        return any(process.failures for process in self.processes) or not self._unrest()

    def _unrest(self) -> str:
        """What is still to come; empty when there is nothing."""
        if self.left:
            return f"{self.left} tellings are still to be sent"
        for process in self.processes:
            if not process.is_up():
                return f"{process.name} is down"
            if process.wire is not None and process.wire.is_busy():
                return f"{process.name} is in a transaction"
        if any(partition.open for partition in self.log.partitions.values()):
            return "a transaction is open"
        return next((found for found in map(self._unread, self.processes) if found), "")

    def _unread(self, process: Process) -> str:
        processor = process.processor
        group = group_id(self.settings, processor.name)
        members = sum(p.kind == process.kind for p in self.processes)
        if not self.groups[group].is_settled(members):
            return f"group {group} is not settled"
        offsets = self.log.group_offsets.get(group, {})
        for topic in processor.inputs:
            for place, partition in self.log.partitions.items():
                records = partition.committed() if place[0] == topic.name else []
                if records and offsets.get(place, 0) <= records[-1].offset():
                    return f"{place} is read to {offsets.get(place, 0)}"
        if process.kind == "orders":
            rules = rules_of(self.settings)
            for number, memory in processor.partitions.items():
                if len(memory.forgotten) != self._forgotten(number):
                    return f"{process.name} has not yet written what it forgot"
                if any(due_us(state, rules) for state in memory.open):
                    return f"{process.name} has orders that wait"
                floor_us = self.world.now_us() - self.settings.orders.finished_s * 1_000_000
                if memory.is_old(floor_us):
                    return f"{process.name} has orders to forget"
        return ""
