"""The memory of one partition: positions, what the catalogue says, and what was last told.

All are folds of compacted topics.
"""

from __future__ import annotations

import logging
from sys import intern

from stockfold.availability.positions import LocationNumbers, SkuPositions, Summary
from stockfold.contracts.reference import decode_item
from stockfold.contracts.topics import AVAILABILITY, CATALOG, POSITIONS
from stockfold.domain.errors import ContractError
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record
from stockfold_services.availability.backlog import Backlog
from stockfold_services.availability.kits.memory import Kit, KitMemory
from stockfold_services.availability.records import (
    Cause,
    Published,
    read_position,
    read_published,
    sku_of_key,
)

log = logging.getLogger(__name__)

_NO_CAUSE = Cause()


_NOTHING_ASKED: dict[tuple[str, str], tuple[int, int | None, int]] = {}
"""Stands for what most SKUs have not got; never written to."""


class SkuMemory:
    """One SKU: its positions, why they last changed, and what each channel was last told.

    ``kit`` is what it is made of, None when it never was a kit. ``asked`` is what the ledger was
    told of fences and limits in this process, by (channel, event type): revision, units, priority.
    ``settled`` is what it was when the ledger knew all: changes of policies, category, summary.
    """

    __slots__ = ("asked", "category", "cause", "kit", "positions", "published", "settled")

    def __init__(self, sku: str) -> None:
        self.positions = SkuPositions(sku)
        self.cause = _NO_CAUSE
        self.category = ""
        self.published: dict[str, Published] = {}
        self.asked = _NOTHING_ASKED
        self.settled: tuple[int, str, Summary] | None = None
        self.kit: Kit | None = None


class PartitionMemory:
    """Everything availability holds of one partition."""

    def __init__(self, number: int, partitions: int) -> None:
        self.number = number
        self.kits = KitMemory(number, partitions)
        self.skus: dict[str, SkuMemory] = {}
        self.backlog = Backlog()
        self._folded_to = 0
        """Positions before this offset are in memory already, and so are all newer ones of
        theirs: folding them again would bring back old numbers for a moment."""
        self._items_to = 0
        """The same of the catalogue."""

    @classmethod
    def recover(cls, number: int, partitions: int, reader: PartitionReader) -> PartitionMemory:
        """Fold the topics of the partition to their ends."""
        memory = cls(number, partitions)
        memory.kits.recover(reader)
        for batch in reader.read(CATALOG, number):
            for record in batch:
                try:
                    memory.fold_item(record)
                except ContractError as error:
                    # The ledger has it as an exception.
                    log.warning("%s/%d/%d: %s", CATALOG.name, number, record.offset(), error)
                memory._items_to = record.offset() + 1
        for batch in reader.read(AVAILABILITY, number):
            for record in batch:
                memory._fold_published(record)
        for batch in reader.read(POSITIONS, number):
            for record in batch:
                try:
                    memory.fold(record)
                except ContractError as error:
                    # It was an exception when it came; here it is only passed over again.
                    log.warning("%s/%d/%d: %s", POSITIONS.name, number, record.offset(), error)
                memory._folded_to = record.offset() + 1
        for kit in memory.kits.put_in_force():
            memory.of_kit(kit)
        return memory

    def of_kit(self, kit: Kit) -> SkuMemory:
        """The SKU of a kit."""
        memory = self._sku(kit.sku)
        memory.kit = kit
        return memory

    def _sku(self, sku: str) -> SkuMemory:
        memory = self.skus.get(sku)
        if memory is None:
            memory = self.skus[sku] = SkuMemory(sku)
        return memory

    def fold(self, record: Record) -> SkuMemory:
        """Take a record of the positions topic; the SKU that it is about. ContractError."""
        value = record.value()
        if value is None:
            location, sku = sku_of_key(record.key())
            memory = self._sku(sku)
            if record.offset() >= self._folded_to:
                at_us = record.timestamp()[1] * 1000
                memory.positions.remove(location)
                memory.cause = Cause(at_us, "", at_us)
            return memory
        read = read_position(value)
        memory = self._sku(read.sku)
        if record.offset() >= self._folded_to:
            numbers = read.numbers
            if isinstance(numbers, LocationNumbers):
                taken = memory.positions.put(read.location, numbers, read.seq)
            else:
                taken = memory.positions.put_summary(numbers, read.seq)
            if taken:
                memory.cause = read.cause
        return memory

    def fold_item(self, record: Record) -> SkuMemory | None:
        """Take a record of the catalogue; the SKU, or None when nothing changes here.

        ContractError when it cannot be read. The newest record rules, whatever its revision: so
        compaction keeps it.
        """
        if record.offset() < self._items_to:
            return None
        item = None
        sku, category = (record.key() or b"").decode("utf-8", "replace"), ""
        if record.value() is not None:
            item = decode_item(record.value(), record.key())
            sku, category = item.sku, intern(item.category)
        kit = self.kits.take_item(sku, item, record)
        known = self.skus.get(sku) if kit is None else self.of_kit(kit)
        if known is None and not category:
            return None
        memory = known or self._sku(sku)
        if kit is None and memory.category == category:
            return None
        if kit is not None:
            memory.cause = kit.cause
        memory.category = category
        return memory

    def _fold_published(self, record: Record) -> None:
        if record.value() is None:
            channel, sku = sku_of_key(record.key())
            self._sku(sku).published.pop(channel, None)
            return
        channel, sku, published = read_published(record.value())
        self._sku(sku).published[channel] = published
