"""What a cutover has to tell: the positions that differ, in an outbox beside the tables.

Availability is told by one writer, the availability service. So a cutover tells it the positions
that the rebuild corrects, on the topic that it folds anyway; it then tells each channel what has
changed for it, with the next version, and nothing where nothing has. A record carries the number
of the SKU's fact that it is as of: where the ledger has told a later one, ours is passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import asyncpg
from confluent_kafka import Producer

from stockfold.contracts.topics import POSITIONS
from stockfold.runtime.kafka import confluent_config, group_id
from stockfold.runtime.settings import Settings
from stockfold_services.projector import tables
from stockfold_services.projector.tables import Table
from stockfold_services.rebuild import records
from stockfold_services.rebuild.comparing import Sides, pairs

FLUSH_S_MAX = 60.0
_PREFETCH = 1_000


class _Kind(NamedTuple):
    """How the rows of a table become records."""

    table: Table
    key: Callable[[asyncpg.Record], bytes]
    there: Callable[[asyncpg.Record, int], bytes]
    gone: Callable[[asyncpg.Record, int], bytes]


_KINDS = (
    _Kind(
        tables.POSITIONS,
        lambda row: records.key_of(row["sku"], row["location"]),
        records.position_of,
        records.nothing_at,
    ),
    _Kind(
        tables.SKU_SUMMARIES,
        lambda row: records.key_of(row["sku"]),
        records.summary_of,
        records.no_summary,
    ),
)


async def plan(connection: asyncpg.Connection, sides: Sides) -> int:
    """Put what ``sides.right`` corrects into its outbox; how many records. Needs a transaction."""
    await connection.execute(f'DELETE FROM "{sides.right}".to_publish')  # noqa: S608 - our own names
    count = 0
    for kind in _KINDS:
        rows = []
        async for row in connection.cursor(_sql(sides, kind.table), prefetch=_PREFETCH):
            make = kind.gone if row["gone"] else kind.there
            rows.append((row["partition"], kind.key(row), make(row, row["as_of"])))
        await connection.copy_records_to_table(
            "to_publish",
            schema_name=sides.right,
            records=rows,
            columns=["partition", "key", "value"],
        )
        count += len(rows)
    return count


def _sql(sides: Sides, table: Table) -> str:
    """Rows that differ, as they are on the right, as of the last fact that it has of their SKU.

    Left out is where the left side knows of a later fact: the ledger has told that one itself.
    """
    compared = next(c for c in sides.tables if c.table is table)
    key = ", ".join(table.key)
    keys = ", ".join(f"coalesce(l.{column}, r.{column}) AS {column}" for column in table.key)
    shown = ", ".join(
        f"CASE WHEN r.seq IS NULL THEN l.{column} ELSE r.{column} END AS {column}"
        for column in table.columns
        if column not in (*table.key, "seq")
    )
    as_of = f'(SELECT max(j.seq) FROM "{sides.right}".journal j WHERE j.sku = d.sku)'  # noqa: S608 - our own names
    return (
        f"SELECT * FROM (SELECT {key}, {shown}, r.seq IS NULL AS gone, l.seq AS known, "  # noqa: S608 - our own names
        f"coalesce({as_of}, l.seq) AS as_of "
        f"FROM ({pairs(sides, compared, keys, moving_too=True)}) d "
        f'LEFT JOIN "{sides.left}".{table.name} l USING ({key}) '
        f'LEFT JOIN "{sides.right}".{table.name} r USING ({key})) told '
        "WHERE coalesce(known, 0) <= as_of"
    )


async def publish(connection: asyncpg.Connection, settings: Settings, schema: str) -> int:
    """Write the outbox of a generation to Kafka in one transaction, then empty it.

    Repeating it does no harm: a position that is told again changes nothing.
    """
    rows = await connection.fetch(f'SELECT partition, key, value FROM "{schema}".to_publish')  # noqa: S608 - our own names
    if rows:
        _write(settings, rows)
        await connection.execute(f'DELETE FROM "{schema}".to_publish')  # noqa: S608 - our own names
    return len(rows)


def _write(settings: Settings, rows: list[asyncpg.Record]) -> None:
    producer = Producer(
        {
            **confluent_config(settings),
            "transactional.id": group_id(settings, "cutover"),
            "compression.type": "lz4",
            "linger.ms": 5,
        }
    )
    name = POSITIONS.full_name(settings.prefix)
    producer.init_transactions(FLUSH_S_MAX)
    producer.begin_transaction()
    for row in rows:
        while True:
            try:
                producer.produce(name, row["value"], row["key"], row["partition"])
            except BufferError:
                producer.poll(0.1)  # The queue is full: let it drain, then go on.
            else:
                break
    producer.commit_transaction(FLUSH_S_MAX)
