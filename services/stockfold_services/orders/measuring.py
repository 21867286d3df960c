"""What the orders service tells of itself: how orders stand, and how soon each comes to rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from stockfold.contracts.order_journal import Cause
from stockfold.domain.times import SECOND_US
from stockfold.orders.facts import CaseChanged, CaseOpened, Fact, Moved, OrderTold
from stockfold.orders.lifecycle import MEANINGS, SUSPENDED, WAITING
from stockfold.orders.state import OrderState
from stockfold.runtime.order_memory import OrderPartition
from stockfold.runtime.settings import Settings
from stockfold.runtime.telemetry import measures
from stockfold.runtime.telemetry.objectives import judge

LOOK_US = 5 * SECOND_US
STUCK_US = 600 * SECOND_US
OTHER = "other"
"""A channel that the settings do not name: anybody who may send orders can name one."""


class OrderMeter:
    """Of one process. What a transaction that is aborted has decided is counted once more."""

    def __init__(self, settings: Settings) -> None:
        self._channels = {channel.name for channel in settings.channels}
        self._judge = judge(settings, "order_ingestion")
        self._told_us: dict[str, int] = {}
        """When Kafka had what orders were told that have not come to rest since."""
        self._looked_us = 0

    def decided(self, state: OrderState, facts: Sequence[Fact], cause: Cause, now_us: int) -> None:
        """These facts were folded into an order."""
        for fact in facts:
            if isinstance(fact, OrderTold) and cause.caused_us:
                self._told_us.setdefault(state.key, cause.caused_us)
            elif isinstance(fact, Moved):
                measures.ORDERS_MOVES.labels(fact.target).inc()
            elif isinstance(fact, CaseOpened):
                measures.ORDERS_CASES.labels("opened").inc()
            elif isinstance(fact, CaseChanged):
                measures.ORDERS_CASES.labels(
                    "closed" if fact.state == "closed" else "changed"
                ).inc()
        if state.key in self._told_us and not _is_under_way(state):
            self._settled(state, now_us)

    def _settled(self, state: OrderState, now_us: int) -> None:
        took_s = max(now_us - self._told_us.pop(state.key), 0) / SECOND_US
        channel = state.channel if state.channel in self._channels else OTHER
        measures.ORDERS_SETTLED.labels(channel).observe(took_s)
        self._judge.took(channel, took_s)

    def dropped(self, memory: OrderPartition | None) -> None:
        """A partition is another's now, and so are its orders that are under way."""
        for state in memory.open if memory is not None else ():
            self._told_us.pop(state.key, None)

    def recovered(self, memory: OrderPartition) -> None:
        """Orders that are under way count from when the ledger was asked: that is remembered."""
        for state in memory.open:
            if _is_under_way(state) and state.asked_us:
                self._told_us[state.key] = state.asked_us

    def look(self, partitions: Iterable[OrderPartition], now_us: int) -> None:
        """Count how orders stand, every few seconds."""
        if 0 <= now_us - self._looked_us < LOOK_US:
            return
        self._looked_us = now_us
        stands: Counter[str] = Counter()
        stuck = 0
        for memory in partitions:
            for state in memory.open:
                stands[state.status] += 1
                stuck += _is_under_way(state) and now_us - state.at_us >= STUCK_US
        for status in MEANINGS:
            measures.ORDERS_OPEN.labels(status).set(stands[status])
        measures.ORDERS_STUCK.set(stuck)


def _is_under_way(state: OrderState) -> bool:
    return state.fresh or state.status in WAITING or state.status == SUSPENDED
