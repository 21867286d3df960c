"""Consumed records as one batch of rows by table: the last one per key where only that counts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from stockfold.contracts.codec import schema_of
from stockfold.contracts.shipments import read_body
from stockfold.contracts.topics import CATALOG, REFERENCE, SHIPMENTS
from stockfold.domain.errors import ContractError
from stockfold_services.projector import named_rows, order_rows, rows
from stockfold_services.projector.reading import read
from stockfold_services.projector.rows import Record, Row
from stockfold_services.projector.tables import (
    ALIASES,
    AVAILABILITY,
    AVAILABILITY_HISTORY,
    DELIVERIES,
    DELIVERY_HISTORY,
    DEMAND_LINES,
    EXCEPTIONS,
    ITEMS,
    JOURNAL,
    LISTINGS,
    ORDER_CASES,
    ORDER_HISTORY,
    ORDERS,
    PARCELS,
    POSITIONS,
    REEVALUATION,
    RESERVATION_STATUS,
    SKU_SUMMARIES,
    TABLES,
    TRANSFERS,
    UNREADABLE,
    Table,
)

log = logging.getLogger(__name__)

Place = tuple[str, int]
"""Topic without its environment prefix, and partition."""


class Consumed(NamedTuple):
    """A record as read; ``topic`` is without the environment prefix."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    traceparent: str = ""
    """Of the trace that it belongs to, when that is sampled and we trace."""

    @property
    def place(self) -> Place:
        """Topic and partition."""
        return self.topic, self.partition


class Batch:
    """Rows by table, and the range of offsets per place that they cover."""

    def __init__(self, starts: dict[Place, int]) -> None:
        """``starts`` are the offsets from which the records of each place were read."""
        self._added: dict[str, list[Row]] = {}
        self._latest: dict[str, dict[Any, Row]] = {}
        self._starts = starts
        self.expected: dict[Place, int] = {}
        self.next_offsets: dict[Place, int] = {}
        self.newest_ms: dict[Place, int] = {}
        """When the broker took the last record of each place."""
        self.records = 0
        self._taken_ms = 0
        """When the broker took the record that is being read."""

    def add(self, record: Consumed) -> None:
        """Take a record over. One that does not fit is kept with its bytes, as unreadable."""
        self._pass(record)
        self._taken_ms = record.timestamp_ms
        try:
            self._read(record)
        except ContractError as error:
            self._refuse(record, f"{error.kind}: {error.what}")
        except (KeyError, TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
            self._refuse(record, f"{type(error).__name__}: {error}")

    def quarantine(self, record: Consumed, reason: str) -> None:
        """Keep a record that PostgreSQL refused as unreadable, and go on behind it."""
        self._pass(record)
        self._refuse(record, reason)

    def tables(self) -> list[tuple[Table, list[Row]]]:
        """Each table that has rows, with them."""
        found = []
        for table in TABLES:
            given = self._added.get(table.name) or list(self._latest.get(table.name, {}).values())
            if given:
                found.append((table, given))
        return found

    def _pass(self, record: Consumed) -> None:
        place = record.place
        if place not in self.expected:
            self.expected[place] = self._starts[place]
        self.next_offsets[place] = record.offset + 1
        self.newest_ms[place] = record.timestamp_ms
        self.records += 1

    def _read(self, record: Consumed) -> None:
        if record.value is None and record.topic in _WITHDRAWING:
            self._withdraw(record)
            return
        if record.topic == SHIPMENTS.name and record.value is not None:
            # Told by others, as Avro or as JSON.
            self._parcel(read_body(record.value), record.partition, record.offset)
            return
        name = schema_of(record.value).name
        if name == "stockfold.InputsRead":
            return
        take = _TAKERS.get(name)
        if take is None:
            raise ContractError("wrong_topic", f"{name} does not belong on {record.topic}")
        assert record.value is not None, "schema_of has seen it"
        take(self, read(record.value), record.partition, record.offset)

    def _refuse(self, record: Consumed, reason: str) -> None:
        log.error(
            "%s partition %d offset %d is kept as unreadable: %s",
            record.topic,
            record.partition,
            record.offset,
            reason,
        )
        row = (
            record.topic,
            record.partition,
            record.offset,
            rows.text(reason)[:2000],
            record.key,
            record.value,
        )
        self._add(UNREADABLE, row)

    def _add(self, table: Table, row: Row) -> None:
        self._added.setdefault(table.name, []).append(row)

    def _put(self, table: Table, key: Any, row: Row) -> None:
        self._latest.setdefault(table.name, {})[key] = row

    def _position(self, record: Record, partition: int, offset: int) -> None:
        row = rows.position_row(record, partition, offset)
        self._put(POSITIONS, row[:2], row)

    def _summary(self, record: Record, partition: int, offset: int) -> None:
        self._put(SKU_SUMMARIES, record["sku"], rows.summary_row(record, partition, offset))

    def _availability(self, record: Record, partition: int, offset: int) -> None:
        row = rows.availability_row(record, partition, offset)
        history = rows.availability_history_row(record, partition, offset, self._taken_ms * 1000)
        self._add(AVAILABILITY_HISTORY, history)
        self._put(AVAILABILITY, row[:2], row)

    def _delivery(self, record: Record, partition: int, offset: int) -> None:
        row = rows.delivery_row(record)
        self._add(DELIVERY_HISTORY, (partition, offset, *row))
        # Outcomes of one listing need not come in the order of their versions.
        known = self._latest.get(DELIVERIES.name, {}).get(row[:2])
        if known is None or known[2] <= row[2]:
            self._put(DELIVERIES, row[:2], (*row, partition, offset))

    def _listing(self, record: Record, partition: int, offset: int) -> None:
        row = rows.listing_row(record, partition, offset)
        known = self._latest.get(LISTINGS.name, {}).get(row[:2])
        if known is not None:
            row = tuple(
                old if new is None and column in LISTINGS.kept else new
                for column, old, new in zip(LISTINGS.columns, known, row, strict=True)
            )
        self._put(LISTINGS, row[:2], row)

    def _reevaluation(self, record: Record, partition: int, offset: int) -> None:
        del partition, offset
        self._put(REEVALUATION, record["instance"], rows.reevaluation_row(record))

    def _order_case(self, record: Record, partition: int, offset: int) -> None:
        self._put(ORDER_CASES, record["case"], order_rows.order_case_row(record, partition, offset))

    def _order(self, record: Record, partition: int, offset: int) -> None:
        row = order_rows.order_row(record, partition, offset)
        self._add(ORDER_HISTORY, order_rows.order_history_row(record, partition, offset))
        self._put(ORDERS, row[:2], row)

    def _parcel(self, record: Record, partition: int, offset: int) -> None:
        self._add(PARCELS, order_rows.parcel_row(record, partition, offset))

    def _item(self, record: Record, partition: int, offset: int) -> None:
        row = named_rows.item_row(record, partition, offset)
        self._put(ITEMS, row[0], row)

    def _alias(self, record: Record, partition: int, offset: int) -> None:
        row = named_rows.alias_row(record, partition, offset)
        if row is not None:
            self._put(ALIASES, row[:2], row)

    def _withdraw(self, record: Consumed) -> None:
        key, place = record.key, (record.partition, record.offset)
        if record.topic == CATALOG.name:
            item = named_rows.withdrawn_item_row(key, *place)
            self._put(ITEMS, item[0], item)
            return
        alias = named_rows.withdrawn_alias_row(key, *place)
        if alias is not None:
            self._put(ALIASES, alias[:2], alias)

    def _about_no_sku(self, record: Record, partition: int, offset: int) -> None:
        """Locations and authorities have no table."""

    def _exception(self, record: Record, partition: int, offset: int) -> None:
        self._add(EXCEPTIONS, rows.exception_row(record, partition, offset))

    def _fact(self, record: Record, partition: int, offset: int) -> None:
        change = rows.change_of(record)
        fact = rows.journal_row(record, change, partition, offset)
        status = None if change is None else rows.status_row(record, change, partition)
        line = change.line if change is not None else None
        demand = None if line is None else rows.line_row(record, line, partition)
        transfer = change.transfer if change is not None else None
        moved = None if transfer is None else rows.transfer_row(record, transfer, partition)
        # Rows are made first and added then: a fact is in all its tables or in none.
        self._add(JOURNAL, fact)
        if status is not None:
            self._add(RESERVATION_STATUS, status)
        if demand is not None:
            self._put(DEMAND_LINES, demand[:3], demand)
        if moved is not None:
            self._put(TRANSFERS, moved[:2], moved)


_WITHDRAWING = (CATALOG.name, REFERENCE.name)
"""Topics on which a record without a value withdraws what its key names."""
_TAKERS: dict[str, Callable[[Batch, Record, int, int], None]] = {
    "stockfold.Position": Batch._position,  # noqa: SLF001 - its own methods, by schema
    "stockfold.SkuSummary": Batch._summary,  # noqa: SLF001
    "stockfold.Availability": Batch._availability,  # noqa: SLF001
    "stockfold.Delivery": Batch._delivery,  # noqa: SLF001
    "stockfold.ListingState": Batch._listing,  # noqa: SLF001
    "stockfold.ReevaluationProgress": Batch._reevaluation,  # noqa: SLF001
    "stockfold.OrderCase": Batch._order_case,  # noqa: SLF001
    "stockfold.OrderStatus": Batch._order,  # noqa: SLF001
    "stockfold.CatalogItem": Batch._item,  # noqa: SLF001
    "stockfold.Alias": Batch._alias,  # noqa: SLF001
    "stockfold.Location": Batch._about_no_sku,  # noqa: SLF001
    "stockfold.Authority": Batch._about_no_sku,  # noqa: SLF001
    "stockfold.ExceptionRaised": Batch._exception,  # noqa: SLF001
    "stockfold.JournalFact": Batch._fact,  # noqa: SLF001
}
