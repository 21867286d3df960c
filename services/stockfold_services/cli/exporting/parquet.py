"""Writing a table's rows as Parquet: a file per partition, a bounded number of rows at a time.

Needs pyarrow: ``pip install 'stockfold[export]'``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stockfold.domain.errors import SettingsError
from stockfold.runtime.kafka import partitions_of
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings
from stockfold_services.cli.exporting.tables import Column, Json, Row, Table, rows
from stockfold_services.cli.place import Place

ROWS_PER_GROUP = 50_000
Told = Callable[[str, int], None]
"""Is told a table and how many more of its rows are written."""


def export(settings: Settings, place: Place, table: Table, told: Told) -> int:
    """Write a table below its name; how many rows. SettingsError when it is there already."""
    refuse_existing(place, table)
    reader, count = PartitionReader(settings), 0
    for partition in range(partitions_of(settings, table.topic)):
        records = _records(reader, table, partition)
        with (
            place.create(f"{table.name}/{partition:05d}.parquet") as file,
            pq.ParquetWriter(file, arrow_schema(table), compression="zstd") as writer,
        ):
            for group in _groups(rows(table, records)):
                writer.write_batch(pa.RecordBatch.from_pylist(group, schema=arrow_schema(table)))
                count += len(group)
                told(table.name, len(group))
    return count


def refuse_existing(place: Place, table: Table) -> None:
    """SettingsError when the table is there already."""
    if place.exists(table.name):
        raise SettingsError(
            f"there is a table {table.name} already",
            where=place.where(table.name),
            remedy="Export to a new folder, such as one named by the day.",
        )


def offsets(settings: Settings, table: Table) -> int:
    """How many offsets of its topic a table would be read from."""
    reader = PartitionReader(settings)
    return sum(
        reader.settled_end(table.topic, partition) - reader.earliest(table.topic, partition)
        for partition in range(partitions_of(settings, table.topic))
    )


def arrow_schema(table: Table) -> pa.Schema:
    """The columns as Arrow types; each carries its meaning as the field's metadata ``doc``."""
    return pa.schema([_field(column) for column in table.columns], metadata={"doc": table.doc})


def _records(reader: PartitionReader, table: Table, partition: int) -> Iterator[Record]:
    end = reader.settled_end(table.topic, partition)
    batches = reader.read(table.topic, partition, None, end)
    if not table.latest:
        for batch in batches:
            yield from batch
        return
    newest: dict[bytes | None, Record] = {}
    for batch in batches:
        for record in batch:
            if record.value() is None:
                newest.pop(record.key(), None)
            else:
                newest[record.key()] = record
    yield from newest.values()


def _groups(found: Iterator[Row]) -> Iterator[list[Row]]:
    while group := list(islice(found, ROWS_PER_GROUP)):
        yield group


def _field(column: Column) -> pa.Field:
    return pa.field(
        column.name, _type(column.avro), nullable=column.nullable, metadata={"doc": column.doc}
    )


def _type(node: Json) -> Any:
    if isinstance(node, list):
        return _type(next(branch for branch in node if branch != "null"))
    kind = node if isinstance(node, str) else node.get("logicalType", node["type"])
    match kind:
        case "timestamp-micros":
            return pa.timestamp("us", "UTC")
        case "array":
            return pa.list_(_type(node["items"]))
        case "record":
            return pa.struct([(f["name"], _type(f["type"])) for f in node["fields"]])
        case _:
            return _PLAIN[kind]


_PLAIN = {
    "string": pa.string(),
    "enum": pa.string(),
    "int": pa.int32(),
    "long": pa.int64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "bytes": pa.binary(),
}
