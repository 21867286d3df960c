"""The orders processor in memory: events in, records out, and a restart from what came out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stockfold.contracts import envelope
from stockfold.contracts.codec import decode, encode
from stockfold.contracts.order_journal import Entry, decode_order_entry
from stockfold.contracts.topics import (
    EXCEPTIONS,
    ORDER_ANSWERS,
    ORDER_JOURNAL,
    ORDERS,
    Topic,
)
from stockfold.domain.aliases import AliasBook
from stockfold.orders.facts import Asked, Cancelled, Extended, Fact, Shipped
from stockfold.orders.reading import Surroundings
from stockfold.orders.words import Terms
from stockfold.runtime.order_snapshots import OrderSnapshots
from stockfold.runtime.settings import Settings
from stockfold_services.orders.processor import OrdersProcessor
from tests.support.ledger_process import Log

START_US = 1_800_000_000_000_000
SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
PARTITION = 0


class Known:
    """What orders are read with, unchanging."""

    surroundings = Surroundings(AliasBook(), {}, lambda _: Terms(), lambda _: ("BERLIN",))

    def read_whole(self, reader: Any) -> None:
        del reader

    def poll(self, now_us: int) -> bool:
        del now_us
        return False

    def close(self) -> None:
        pass


class OrdersProcess:
    """One partition of one; ``restart`` forgets all that is not in the log or a snapshot."""

    def __init__(self, folder: Path, **orders: Any) -> None:
        self.settings = Settings(kafka={"order_partitions": 1}, orders=orders)
        self.log = Log()
        self.store = OrderSnapshots(str(folder))
        self.now_us = START_US
        self.has_stock = True
        self._read = 0
        self._facts: list[tuple[str, int, Fact]] = []
        self._heard = self._served = self._ledger_seq = 0
        self.processor = self._started()

    def _started(self) -> OrdersProcessor:
        processor = OrdersProcessor(self.settings, Known(), self.store)  # type: ignore[arg-type]
        processor.recover(PARTITION, self.log)  # type: ignore[arg-type]
        return processor

    def restart(self) -> None:
        """As after a crash."""
        self.processor = self._started()

    @property
    def memory(self) -> Any:
        return self.processor.partitions[PARTITION]

    def snapshot(self) -> None:
        """As the snapshotter makes it: of what the journal gives."""
        from stockfold.runtime.order_snapshots import recover_orders  # noqa: PLC0415

        end = self.log.stable_end(ORDER_JOURNAL, PARTITION)
        memory, _ = recover_orders(self.log, self.store, PARTITION, end)  # type: ignore[arg-type]
        self.store.save(memory, end)

    # --- what is told ---------------------------------------------------------------------------

    def tell(self, order: str, status: str = "processing", units: int = 1, **more: Any) -> None:
        """The order is now like this: one line of A."""
        body = {
            "channel": "shop",
            "order": order,
            "revision": 1,
            "occurred_at": self.now_us,
            "status": status,
            "accepted": True,
            "lines": [{"line": "1", "code": "A", "quantity": units}],
            **more,
        }
        self.event(ORDERS, order, "stockfold.OrderChanged", body)

    def review(self, order: str, verdict: str = "refused") -> None:
        """A review says so."""
        body = {
            "channel": "shop",
            "order": order,
            "verdict": verdict,
            "reason": "fraud",
            "occurred_at": self.now_us,
        }
        self.event(ORDERS, order, "stockfold.OrderReviewed", body)

    def event(self, topic: Topic, order: str, name: str, body: Any) -> None:
        """Any event, decided at once."""
        self._heard += 1
        key = f"shop|{order}".encode()
        told = envelope.Envelope(f"e-{self._heard}", "/shop", name, self.now_us)
        headers: Any = envelope.build(told)
        record = self.log.append(topic, key, encode(name, body), self.now_us // 1000, headers)
        self.processor.process(PARTITION, [record], self.log, self.now_us)
        self.serve()

    def serve(self) -> None:
        """A ledger that has enough of everything, or nothing, does what it was asked."""
        facts = self.facts()
        while self._served < len(facts):
            order, seq, fact = facts[self._served]
            self._served += 1
            match fact:
                case Asked():
                    units = fact.units if self.has_stock else 0
                    self.answer(order, fact.ledger_line, f"shop/{order}/{seq}", reserved=units)
                case Extended():
                    self.answer(order, fact.ledger_line, f"shop/{order}/{seq}", reserved=1)
                case Shipped():
                    self.answer(order, fact.ledger_line, f"shop/{order}/{seq}", shipped=fact.units)
                case Cancelled():
                    self.answer(order, fact.ledger_line, f"shop/{order}/{seq}")
            facts = self.facts()

    def answer(self, order: str, line: str, event_id: str = "", **units: int) -> None:
        """The ledger says how a line of A stands."""
        self._ledger_seq += 1
        texts = ("reservation", "status", "command", "reason", "source", "correlation_id")
        numbers = (
            *("available", "quantity", "ordered", "unordered", "reserved", "allocated"),
            *("backordered", "shipped", "cancelled", "expired", "rejected"),
        )
        body = {
            **dict.fromkeys(texts, ""),
            **dict.fromkeys(numbers, 0),
            "sku": "A",
            "seq": self._ledger_seq,
            "order": f"shop/{order}",
            "line": line,
            "channel": "shop",
            "places": [],
            "expires_at": None,
            "event_id": event_id,
            "recorded_at": self.now_us,
            "caused_at": self.now_us,
            **units,
        }
        self.event(ORDER_ANSWERS, order, "stockfold.ReservationStatus", body)

    # --- what is seen ---------------------------------------------------------------------------

    def wait(self, seconds: float) -> int:
        """Time passes; how many facts that brought."""
        self.now_us += int(seconds * SECOND_US)
        before = len(self.facts())
        while self.processor.tick_due(self.now_us):
            self.processor.tick(self.log, self.now_us)
            self.serve()
        return len(self.facts()) - before

    def facts(self) -> list[tuple[str, int, Fact]]:
        """(order, number, fact) of the journal."""
        records = self.log.records.get(ORDER_JOURNAL.name, [])
        for message in records:
            if message.offset() >= self._read:
                self._read = message.offset() + 1
                entry = decode_order_entry(message.value())
                if isinstance(entry, Entry):
                    self._facts.append((entry.order, entry.seq, entry.fact))
        return list(self._facts)

    def exceptions(self) -> list[str]:
        """Their kinds."""
        return [decode(m.value())[1]["kind"] for m in self.log.records.get(EXCEPTIONS.name, ())]
