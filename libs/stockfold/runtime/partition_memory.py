"""The memory of one partition: its SKUs, the events it has seen, and when an expiry is due."""

from __future__ import annotations

import heapq

from stockfold.contracts.inputs import event_hash
from stockfold.contracts.journal import Mark, decode_entry
from stockfold.domain.errors import DefectError
from stockfold.ledger.dedupe import Window
from stockfold.ledger.evolve import evolve
from stockfold.ledger.facts import Fact
from stockfold.ledger.state import SkuState
from stockfold.runtime.resting_skus import Skus


class Partition:
    """Everything the ledger holds of one partition; rebuilt by folding its journal."""

    def __init__(self, number: int, ids_max: int) -> None:
        self.number = number
        self.skus = Skus()
        self.window = Window(ids_max)
        self.next_offsets: dict[str, int] = {}
        self.expiries: list[tuple[int, str]] = []
        """(due UTC microseconds, SKU): a hint to look, which may be out of date."""
        self.parked: set[str] = set()
        """SKUs in which a command waited when we last looked."""
        self._to_sweep: list[str] = []
        self._swept_floor_us = 0
        self.facts = 0
        self.last: tuple[int, bytes] | None = None
        """Offset and value of the last journal record that ``fold`` took."""

    def state_of(self, sku: str) -> SkuState:
        """The SKU's state, empty when it is new."""
        state = self.skus.get(sku)
        if state is None:
            state = self.skus[sku] = SkuState(sku)
        return state

    def fold(self, value: bytes | None, offset: int) -> None:
        """Fold one journal record. DefectError when a SKU's sequence has a gap."""
        entry = decode_entry(value)
        self.last = (offset, value or b"")
        if isinstance(entry, Mark):
            self.next_offsets = entry.next_offsets
            self.skus.rest()
            return
        state = self.state_of(entry.cause.sku)
        if entry.seq != state.seq + 1:
            raise DefectError(
                f"SKU {state.sku} has fact {entry.seq} after fact {state.seq}",
                where=f"journal partition {self.number} offset {offset}",
                remedy="The journal was changed, or written by two ledgers: rebuild from a copy.",
            )
        evolve(state, entry)
        self.facts += 1
        self.remember(entry)

    def remember(self, fact: Fact) -> None:
        """Remember the event that caused a fact."""
        cause = fact.cause
        if cause.event_id:
            event = event_hash(cause.source, cause.event_id)
            self.window.remember(event, cause.payload_hash, fact.recorded_us)

    def watch_expiry(self, state: SkuState) -> None:
        """Note when the SKU wants to be looked at again."""
        if state.next_expiry_us:
            heapq.heappush(self.expiries, (state.next_expiry_us, state.sku))

    def watch_all(self) -> None:
        """After a fold: note every SKU's next expiry."""
        waiting = list(self.skus.waiting())
        self.expiries = [(due_us, sku) for sku, due_us, _ in waiting if due_us]
        heapq.heapify(self.expiries)
        self.parked = {sku for sku, _, parked in waiting if parked}

    def due_skus(self, now_us: int, skus_max: int) -> list[SkuState]:
        """SKUs whose hint is due, at most so many."""
        due: dict[str, SkuState] = {}
        while self.expiries and self.expiries[0][0] <= now_us and len(due) < skus_max:
            _, sku = heapq.heappop(self.expiries)
            due[sku] = self.skus[sku]
        return list(due.values())

    def is_expiry_due(self, now_us: int) -> bool:
        """Whether some hint is due."""
        return bool(self.expiries) and self.expiries[0][0] <= now_us

    def wants_sweep(self) -> bool:
        """Whether finished entities may have fallen below the floor of the memory for repeats."""
        return bool(self._to_sweep) or self.window.floor_us > self._swept_floor_us

    def next_to_sweep(self, skus_max: int) -> list[SkuState]:
        """The next SKUs of a sweep through all of them, which a risen floor begins."""
        if not self._to_sweep and self.window.floor_us > self._swept_floor_us:
            self._swept_floor_us = self.window.floor_us
            self._to_sweep = list(self.skus)
        chosen = self._to_sweep[-skus_max:]
        del self._to_sweep[-skus_max:]
        skus = self.skus
        return [skus[sku] for sku in chosen if sku in skus and not skus.has_nothing_to_forget(sku)]

    def states_with_parked(self) -> list[SkuState]:
        """SKUs in which commands wait."""
        self.parked = {sku for sku in self.parked if self.skus[sku].parked}
        return [self.skus[sku] for sku in self.parked]
