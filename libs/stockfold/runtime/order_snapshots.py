"""The snapshots of the order journal, and a partition's orders from the newest that is whole.

The journal is the truth, as for the ledger's (``recovery``): a snapshot that is damaged, or of
another journal, is passed over for the one before it, at worst for the whole journal.
"""

from __future__ import annotations

import logging
from typing import Any

import msgspec

from stockfold.contracts import order_snapshots
from stockfold.contracts.frames import SnapshotError
from stockfold.contracts.order_journal import recorded_us_of
from stockfold.contracts.order_snapshots import OrderHead
from stockfold.contracts.topics import ORDER_JOURNAL
from stockfold.domain.errors import DefectError, UnavailableError
from stockfold.domain.times import format_us
from stockfold.orders.forgotten import ForgottenOrders
from stockfold.runtime.order_memory import OrderPartition
from stockfold.runtime.recovery import Batches, Reader, behind
from stockfold.runtime.settings import Settings
from stockfold.runtime.snapshot_folder import SnapshotFolder, told, url_of

log = logging.getLogger(__name__)


class OrderSnapshots(SnapshotFolder):
    """The store of one order journal."""

    def save(self, memory: OrderPartition, next_offset: int) -> OrderHead:
        """Write the orders as they stand before the journal offset. UnavailableError."""
        if memory.last is None or memory.last[0] >= next_offset:
            raise DefectError(
                f"orders that were folded up to {memory.last and memory.last[0]} do not stand "
                f"before {next_offset}",
                where=f"{ORDER_JOURNAL.name} partition {memory.number}",
                remedy="Save what was folded from the journal, at the offset behind it.",
            )
        offset, value = memory.last
        forgotten = memory.forgotten.columns()
        head = OrderHead(
            memory.number,
            next_offset,
            offset,
            value,
            recorded_us_of(value),
            len(memory),
            len(memory.forgotten),
            dict(memory.next_offsets),
        )

        def write(file: Any) -> None:
            order_snapshots.write(file, head, memory.rows(), forgotten)

        about = {
            "partition": head.partition,
            "next_offset": next_offset,
            "orders": head.orders,
            "forgotten": head.forgotten,
            "recorded_at": format_us(head.recorded_us),
            "format_version": order_snapshots.VERSION,
        }
        self.put(memory.number, next_offset, write, msgspec.json.encode(about))
        return head

    def load(self, partition: int, offset: int) -> tuple[OrderHead, OrderPartition]:
        """What a snapshot holds. SnapshotError when it is damaged, UnavailableError."""
        path = self.path(partition, offset)
        with told(path):
            with self.files.open(path, "rb") as file:
                head, rows, forgotten = order_snapshots.read(file)
            if (head.partition, head.next_offset) != (partition, offset):
                raise SnapshotError(
                    f"it is of partition {head.partition} at offset {head.next_offset}"
                )
            memory = OrderPartition(partition, ForgottenOrders(forgotten))
            try:
                for row in rows:
                    memory.put_back(row)
            except msgspec.MsgspecError as error:
                raise SnapshotError(f"an order in it makes no sense: {error}") from error
        memory.next_offsets = dict(head.next_offsets)
        memory.last = (head.last_offset, head.last_value)
        return head, memory


def open_order_snapshots(settings: Settings) -> OrderSnapshots:
    """The store of this environment's order journal. SettingsError when its URL will not do."""
    return OrderSnapshots(url_of(settings, ORDER_JOURNAL), keep=settings.snapshots.keep)


def recover_orders(
    reader: Reader, store: OrderSnapshots, partition: int, end: int, *, needs_store: bool = False
) -> tuple[OrderPartition, OrderHead | None]:
    """The orders as the journal before ``end`` makes them, and the snapshot that they came from.

    DefectError when the journal itself has a gap; with ``needs_store`` UnavailableError when the
    store does not answer, which otherwise is told in the log.
    """
    try:
        offsets = store.offsets(partition)
    except UnavailableError as error:
        if needs_store:
            raise
        log.error("partition %d: no snapshots of orders: %s", partition, error)  # noqa: TRY400
        offsets = []
    for offset in reversed([offset for offset in offsets if offset <= end]):
        try:
            head, memory = store.load(partition, offset)
            _fold(memory, behind(reader, ORDER_JOURNAL, head, end))
        except (SnapshotError, DefectError, UnavailableError) as error:
            if needs_store and isinstance(error, UnavailableError):
                raise
            log.error("snapshot of orders passed over: %s", error)  # noqa: TRY400
        else:
            return memory, head
    memory = OrderPartition(partition)
    _fold(memory, reader.read(ORDER_JOURNAL, partition, None, end))
    return memory, None


def _fold(memory: OrderPartition, batches: Batches) -> None:
    for batch in batches:
        for record in batch:
            memory.fold(record.value(), record.offset())
    memory.rest()
