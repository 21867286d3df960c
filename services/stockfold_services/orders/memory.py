"""The orders of one partition: the fold of its journal."""

from __future__ import annotations

import heapq

from stockfold.contracts.journal import Mark
from stockfold.contracts.order_journal import decode_order_entry
from stockfold.contracts.topics import ORDER_JOURNAL
from stockfold.domain.errors import DefectError
from stockfold.orders.evolve import evolve
from stockfold.orders.state import OrderState
from stockfold.runtime.partition_reader import PartitionReader


class PartitionMemory:
    """Everything that is held of a partition."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.orders: dict[str, OrderState] = {}
        self.next_offsets: dict[str, int] = {}
        self.suspended: set[str] = set()
        """Orders that were suspended when they were looked at last."""
        self._due: list[tuple[int, str]] = []
        """(due UTC microseconds, key): a hint to look, which may be out of date."""

    @classmethod
    def recover(cls, number: int, reader: PartitionReader) -> PartitionMemory:
        """Fold the partition's journal. DefectError when an order's sequence has a gap."""
        memory = cls(number)
        for batch in reader.read(ORDER_JOURNAL, number):
            for record in batch:
                memory.fold(record.value(), record.offset())
        return memory

    def fold(self, value: bytes | None, offset: int) -> None:
        """Fold one journal record."""
        entry = decode_order_entry(value)
        if isinstance(entry, Mark):
            self.next_offsets = entry.next_offsets
            return
        state = self.of(entry.channel, entry.order)
        if entry.seq != state.seq + 1:
            raise DefectError(
                f"order {state.key} has fact {entry.seq} after fact {state.seq}",
                where=f"{ORDER_JOURNAL.name} partition {self.number} offset {offset}",
                remedy="The journal was changed, or written by two: restore it from a copy.",
            )
        evolve(state, entry.fact, entry.recorded_us)

    def of(self, channel: str, order: str) -> OrderState:
        """The order's state, empty when it is new."""
        key = f"{channel}|{order}"
        state = self.orders.get(key)
        if state is None:
            state = self.orders[key] = OrderState(channel, order)
        return state

    def leave(self, state: OrderState | None) -> None:
        """Forget an order that nothing was ever decided about."""
        if state is not None and not state.seq:
            del self.orders[state.key]

    def watch(self, state: OrderState, due_us: int) -> None:
        """Note when the order wants to be looked at again, and whether it is suspended."""
        if due_us:
            heapq.heappush(self._due, (due_us, state.key))
        if state.suspended:
            self.suspended.add(state.key)
        else:
            self.suspended.discard(state.key)

    def is_due(self, now_us: int) -> bool:
        """Whether some hint is due."""
        return bool(self._due) and self._due[0][0] <= now_us

    def take_due(self, now_us: int, orders_max: int) -> list[OrderState]:
        """Orders whose hint is due, at most so many."""
        due: dict[str, OrderState] = {}
        while self.is_due(now_us) and len(due) < orders_max:
            _, key = heapq.heappop(self._due)
            due[key] = self.orders[key]
        return list(due.values())
