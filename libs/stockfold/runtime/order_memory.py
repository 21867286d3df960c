"""The orders of one partition: the fold of its journal.

Orders that are over rest as bytes, which take a part of the space, until they are told again or
forgotten. Of forgotten ones 24 bytes stay.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from stockfold.contracts.journal import Mark
from stockfold.contracts.order_journal import decode_order_entry
from stockfold.contracts.order_rows import pack, unpack
from stockfold.contracts.topics import ORDER_JOURNAL
from stockfold.domain.errors import DefectError
from stockfold.orders.evolve import evolve
from stockfold.orders.facts import Forgotten
from stockfold.orders.forgotten import ForgottenOrders
from stockfold.orders.resting import is_finished
from stockfold.orders.state import OrderState


class OrderPartition:
    """Everything that is held of a partition."""

    def __init__(self, number: int, forgotten: ForgottenOrders | None = None) -> None:
        self.number = number
        self.next_offsets: dict[str, int] = {}
        self.forgotten = forgotten or ForgottenOrders()
        self.suspended: set[str] = set()
        """Orders that were suspended when they were looked at last."""
        self.last: tuple[int, bytes] | None = None
        """Offset and value of the last journal record that ``fold`` took."""
        self._open: dict[str, OrderState] = {}
        self._finished: dict[str, bytes] = {}
        self._touched: set[str] = set()
        """Orders that facts were folded into since the last mark."""
        self._ages: list[tuple[int, str]] = []
        """(last fact in UTC microseconds, key) of finished orders: a hint, perhaps out of date."""
        self._due: list[tuple[int, str]] = []
        """(due UTC microseconds, key): a hint to look, which may be out of date."""

    def __len__(self) -> int:
        return len(self._open) + len(self._finished)

    @property
    def open(self) -> Iterable[OrderState]:
        """Orders that are not over."""
        return self._open.values()

    def rows(self) -> Iterator[bytes]:
        """Every order as a row, by key: the same orders always give the same rows."""
        self.rest()
        for key in sorted(self._open.keys() | self._finished.keys()):
            state = self._open.get(key)
            yield self._finished[key] if state is None else pack(state)

    def put_back(self, row: bytes) -> None:
        """Take an order of a snapshot."""
        state = unpack(row)
        if is_finished(state):
            self._finished[state.key] = row
            heapq.heappush(self._ages, (state.at_us, state.key))
        else:
            self._open[state.key] = state

    def fold(self, value: bytes | None, offset: int) -> None:
        """Fold one journal record. DefectError when an order's sequence has a gap."""
        entry = decode_order_entry(value)
        self.last = (offset, value or b"")
        if isinstance(entry, Mark):
            self.next_offsets = entry.next_offsets
            self.rest()
            return
        state = self.of(entry.channel, entry.order)
        if entry.seq != state.seq + 1:
            raise DefectError(
                f"order {state.key} has fact {entry.seq} after fact {state.seq}",
                where=f"{ORDER_JOURNAL.name} partition {self.number} offset {offset}",
                remedy="The journal was changed, or written by two: restore it from a copy.",
            )
        evolve(state, entry.fact, entry.recorded_us)
        if isinstance(entry.fact, Forgotten):
            self.let_go(state, entry.fact)

    def get(self, key: str) -> OrderState | None:
        """The order's state, to be changed; None when it is new or forgotten."""
        state = self._open.get(key)
        if state is None and (row := self._finished.pop(key, None)) is not None:
            state = self._open[key] = unpack(row)
        if state is not None:
            self._touched.add(key)
        return state

    def of(self, channel: str, order: str) -> OrderState:
        """The order's state, to be changed; empty when it is new."""
        key = f"{channel}|{order}"
        state = self.get(key)
        if state is None:
            state = self._open[key] = OrderState(channel, order)
            self._touched.add(key)
        return state

    def leave(self, state: OrderState | None) -> None:
        """Forget an order that nothing was ever decided about."""
        if state is not None and not state.seq:
            del self._open[state.key]
            self._touched.discard(state.key)

    def let_go(self, state: OrderState, fact: Forgotten) -> None:
        """Have a finished order leave memory."""
        del self._open[state.key]
        self._touched.discard(state.key)
        self.forgotten.add(state.key, fact)

    def rest(self) -> None:
        """Pack what was touched and is over."""
        for key in self._touched:
            state = self._open.get(key)
            if state is not None and is_finished(state):
                self._finished[key] = pack(state)
                del self._open[key]
                heapq.heappush(self._ages, (state.at_us, key))
        self._touched.clear()

    # --- time ---------------------------------------------------------------------------------

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
            if (state := self.get(key)) is not None:
                due[key] = state
        return list(due.values())

    def is_old(self, floor_us: int) -> bool:
        """Whether some order may have been over since the floor or longer."""
        return bool(self._ages) and self._ages[0][0] <= floor_us

    def take_old(self, floor_us: int, orders_max: int) -> list[OrderState]:
        """Finished orders whose last fact is at or before the floor, at most so many."""
        old: list[OrderState] = []
        while self.is_old(floor_us) and len(old) < orders_max:
            _, key = heapq.heappop(self._ages)
            if key not in self._finished:
                continue  # Told again since: it has, or will have, another hint.
            state = self.get(key)
            assert state is not None
            if state.at_us <= floor_us:
                old.append(state)
        return old
