"""What the ledger needs of the catalogue: one partition of SKUs with their units.

Most SKUs have the same units, and equal terms are shared: a SKU costs its key and a reference.
"""

from __future__ import annotations

import logging

import msgspec

from stockfold.contracts.partitioner import refuse_misrouted
from stockfold.contracts.reference import decode_item
from stockfold.contracts.topics import CATALOG
from stockfold.domain.errors import ContractError
from stockfold.domain.reference import CatalogItem, UnitOfMeasure
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record

log = logging.getLogger(__name__)


class Terms(msgspec.Struct, frozen=True, gc=False):
    """How a SKU is counted, and whether it is still sold."""

    base_unit: str
    units: tuple[UnitOfMeasure, ...]
    active: bool


class Catalogue:
    """The SKUs of one partition. The order of the topic rules, as compaction keeps it."""

    def __init__(self, partition: int, partitions: int) -> None:
        self._partition = partition
        self._partitions = partitions
        self.skus: dict[str, Terms] = {}
        self._shared: dict[Terms, Terms] = {}

    def take(self, record: Record) -> None:
        """Take a record of the catalogue topic; ContractError when it cannot be one."""
        if record.value() is None:
            self.skus.pop((record.key() or b"").decode("utf-8", "replace"), None)
        else:
            self._put(self._item(record))

    def _item(self, record: Record) -> CatalogItem:
        item = decode_item(record.value(), record.key())
        refuse_misrouted(item.sku, self._partition, self._partitions)
        return item

    def _put(self, item: CatalogItem) -> None:
        terms = Terms(item.base_unit, item.units, item.active)
        self.skus[item.sku] = self._shared.setdefault(terms, terms)

    def recover(self, reader: PartitionReader, mark: int) -> None:
        """Read the partition as it was at the mark: the next offset to take as an input.

        Compaction may have taken away what a SKU was before the mark. Its first record behind it
        then stands in, and a revision above 1 tells that there was one.
        """
        if not mark:
            return
        for batch in reader.read(CATALOG, self._partition):
            for record in batch:
                try:
                    if record.offset() < mark:
                        self.take(record)
                    elif record.value() is not None:
                        self._stand_in(self._item(record))
                except ContractError as error:
                    # It was an exception when it came, or will be one when it is read as an input.
                    log.warning(
                        "%s/%d/%d: %s", CATALOG.name, self._partition, record.offset(), error
                    )

    def _stand_in(self, item: CatalogItem) -> None:
        if item.revision > 1 and item.sku not in self.skus:
            self._put(item)
