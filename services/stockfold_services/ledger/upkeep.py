"""What time and age bring to the ledger: expiries, forgotten entities, commands that wait too long.

Everything is decided here once and journalled, so that no replay asks a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from stockfold.domain.times import SECOND_US
from stockfold.ledger.decide import tick, tidy
from stockfold.ledger.facts import Fact
from stockfold.ledger.state import SkuState
from stockfold.runtime.partition_memory import Partition
from stockfold.runtime.settings import LedgerSettings

DUE_SKUS_MAX = 1000
"""SKUs that one tick of a partition looks at, so that a transaction stays short."""
PARKED_LOOK_US = 10 * SECOND_US


class Batch(Protocol):
    """Where the facts of one partition go."""

    def facts(self, state: SkuState, facts: list[Fact]) -> None:
        """Write the facts of one decision."""
        ...

    def finish(self, next_offsets: dict[str, int]) -> None:
        """Write what changed, and the mark."""
        ...


class Upkeep:
    """When the ledger looks by itself, and at what."""

    def __init__(self, settings: LedgerSettings) -> None:
        self._tick_us = settings.expiry_tick_ms * 1000
        self._parking_us = settings.parking_limit_s * SECOND_US
        self._movements_us = settings.movement_horizon_s * SECOND_US
        self._next_tick_us = 0
        self._next_parked_us = 0

    def due(self, partitions: Iterable[Partition], now_us: int) -> bool:
        """Whether there is anything to look at."""
        if _is_ahead(self._next_tick_us, now_us, self._tick_us):
            return False
        look_at_parked = not _is_ahead(self._next_parked_us, now_us, PARKED_LOOK_US)
        return any(
            memory.is_expiry_due(now_us)
            or memory.wants_sweep()
            or (look_at_parked and memory.parked)
            for memory in partitions
        )

    def run(
        self,
        partitions: Iterable[Partition],
        batch_of: Callable[[int], Batch],
        now_us: int,
    ) -> None:
        """Look at a bounded number of SKUs of every partition."""
        more = False
        look_at_parked = not _is_ahead(self._next_parked_us, now_us, PARKED_LOOK_US)
        for memory in partitions:
            batch = batch_of(memory.number)
            decided = False
            for state in memory.due_skus(now_us, DUE_SKUS_MAX):
                facts = tick(state, now_us)
                memory.watch_expiry(state)
                decided |= self._write(batch, state, facts)
            aged = memory.next_to_sweep(DUE_SKUS_MAX)
            if look_at_parked:
                aged += memory.states_with_parked()
            for state in aged:
                floor_us = memory.window.floor_us
                facts = tidy(
                    state, now_us, floor_us, now_us - self._parking_us, now_us - self._movements_us
                )
                decided |= self._write(batch, state, facts)
            if decided:
                batch.finish(memory.next_offsets)
            memory.skus.rest()
            more = more or memory.is_expiry_due(now_us) or memory.wants_sweep()
        if look_at_parked:
            self._next_parked_us = now_us + PARKED_LOOK_US
        self._next_tick_us = now_us if more else now_us + self._tick_us

    @staticmethod
    def _write(batch: Batch, state: SkuState, facts: list[Fact]) -> bool:
        if facts:
            batch.facts(state, facts)
        return bool(facts)


def _is_ahead(next_us: int, now_us: int, period_us: int) -> bool:
    """Whether the next look is still to come. Further ahead than a period: the clock was set."""
    return now_us < next_us <= now_us + period_us
