"""Bills of materials by the newest records of the catalogue, for whoever asks about few SKUs."""

from __future__ import annotations

import logging

from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.reference import decode_item
from stockfold.contracts.topics import CATALOG
from stockfold.domain.bills import PARTS_MAX, Bill, Tree, bill_of, bills_within, grow
from stockfold.domain.errors import ContractError
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings

log = logging.getLogger(__name__)


class BillBook:
    """Reads the partitions that are asked about, and at each question what is new of them.

    Only bills are kept. Not for several threads.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reader: PartitionReader | None = None
        self.bills: dict[str, Bill] = {}
        self._nexts: dict[int, int] = {}

    def tree_of(self, sku: str) -> Tree | None:
        """What a SKU is made of with all that is nested in it; None when it is no kit.

        ContractError when its bill makes no sense; KafkaException or UnavailableError without the
        broker.
        """
        fresh: set[int] = set()
        found: dict[str, Bill] = {}
        seen, waiting = {sku}, [sku]
        while waiting and len(seen) <= PARTS_MAX + 1:
            name = waiting.pop()
            self.read(partition_of(name.encode(), self._settings.kafka.sku_partitions), fresh)
            bill = self.bills.get(name)
            if bill is None:
                continue
            found[name] = bill
            for part, _ in bill.components:
                if part not in seen:
                    seen.add(part)
                    waiting.append(part)
        return grow(sku, found) if found else None

    def read(self, partition: int, fresh: set[int]) -> None:
        """Read a partition on to its end, unless it is ``fresh`` already."""
        if partition in fresh:
            return
        fresh.add(partition)
        if self._reader is None:
            self._reader = PartitionReader(self._settings)
        end = self._reader.committed_ends(CATALOG, [partition])[partition]
        start = self._nexts.get(partition)
        for batch in self._reader.read(CATALOG, partition, start, end):
            for record in batch:
                self._take(record)
        self._nexts[partition] = end

    def _take(self, record: Record) -> None:
        if record.value() is None:
            self.bills.pop((record.key() or b"").decode("utf-8", "replace"), None)
            return
        try:
            item = decode_item(record.value(), record.key())
        except ContractError as error:
            log.warning("%s The record before stays in force.", error)
            return
        bill = bill_of(item)
        if bill is None:
            self.bills.pop(item.sku, None)
        else:
            self.bills[item.sku] = bill


def trees_now(settings: Settings) -> dict[str, Tree]:
    """Every kit of the catalogue with what it is made of; those whose bill is unfit are left out.

    KafkaException or UnavailableError without the broker.
    """
    book = BillBook(settings)
    fresh: set[int] = set()
    for partition in range(settings.kafka.sku_partitions):
        book.read(partition, fresh)
    found: dict[str, Tree] = {}
    for sku in book.bills:
        try:
            found[sku] = grow(sku, bills_within(sku, book.bills))
        except ContractError as error:
            log.warning("%s It is counted by its own stock.", error)
    return found
