"""Snapshots of the order journal, as of the ledger's: one partition at a time."""

from __future__ import annotations

import logging
import threading

from stockfold.contracts.topics import ORDER_JOURNAL
from stockfold.domain.errors import DefectError
from stockfold.runtime.clock import SYSTEM_CLOCK, Clock
from stockfold.runtime.order_snapshots import OrderSnapshots, recover_orders
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold.runtime.telemetry import measures
from stockfold_services.snapshotter.due import Due, Journal

log = logging.getLogger(__name__)


class OrderSnapshotter:
    """Makes the snapshots of the partitions that it is given."""

    def __init__(
        self,
        settings: Settings,
        store: OrderSnapshots,
        stop: threading.Event,
        *,
        journal: Journal | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._store = store
        self._stop = stop
        self._clock = clock
        self._journal: Journal = journal or PartitionReader(settings)
        self._due = Due(settings, ORDER_JOURNAL, self._journal, store, clock)

    def look(self, partitions: list[int]) -> None:
        """Make the snapshots that are due. KafkaException or UnavailableError (the store)."""
        for partition, end in self._due.look(partitions):
            if self._stop.is_set():
                return
            try:
                self._make(partition, end)
            except DefectError as error:
                # Orders will not serve such a partition; we go on with the others.
                log.error("partition %d has no new snapshot: %s", partition, error)  # noqa: TRY400
            self._due.done(partition, end)

    def _make(self, partition: int, end: int) -> None:
        memory, head = recover_orders(self._journal, self._store, partition, end, needs_store=True)
        folded_to = memory.last[0] if memory.last is not None else -1
        if folded_to > (head.last_offset if head is not None else -1):
            began_s = self._clock.monotonic_s()
            said = self._store.save(memory, end)
            measures.SNAPSHOT_MADE.labels("orders").observe(self._clock.monotonic_s() - began_s)
            log.info(
                "partition %d: snapshot of %d orders at %d, %d forgotten",
                partition,
                said.orders,
                said.next_offset,
                said.forgotten,
            )
