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


class Partition:
    """Everything the ledger holds of one partition; rebuilt by folding its journal."""

    def __init__(self, number: int, ids_max: int) -> None:
        self.number = number
        self.skus: dict[str, SkuState] = {}
        self.window = Window(ids_max)
        self.next_offsets: dict[str, int] = {}
        self.expiries: list[tuple[int, str]] = []
        """(due UTC microseconds, SKU): a hint to look, which may be out of date."""
        self.facts = 0

    def state_of(self, sku: str) -> SkuState:
        """The SKU's state, empty when it is new."""
        state = self.skus.get(sku)
        if state is None:
            state = self.skus[sku] = SkuState(sku)
        return state

    def fold(self, value: bytes | None, offset: int) -> None:
        """Fold one journal record. DefectError when a SKU's sequence has a gap."""
        entry = decode_entry(value)
        if isinstance(entry, Mark):
            self.next_offsets = entry.next_offsets
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
        self.expiries = [
            (state.next_expiry_us, sku) for sku, state in self.skus.items() if state.next_expiry_us
        ]
        heapq.heapify(self.expiries)

    def due_skus(self, now_us: int, skus_max: int) -> list[SkuState]:
        """SKUs whose hint is due, at most so many."""
        due: dict[str, SkuState] = {}
        while self.expiries and self.expiries[0][0] <= now_us and len(due) < skus_max:
            _, sku = heapq.heappop(self.expiries)
            due[sku] = self.skus[sku]
        return list(due.values())
