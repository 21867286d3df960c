"""Comparing two generations of the read model: every row that differs, and where it began.

SKUs whose facts one generation has read and the other has not are left out: they would differ
because of time, not because of content.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import msgspec
import orjson

from stockfold.contracts.topics import JOURNAL
from stockfold_services.rebuild import generations
from stockfold_services.rebuild.canonical import (
    COMPARED,
    DECIDED_ANEW,
    FROM_JOURNAL,
    Compared,
)

_PREFETCH = 500


class Difference(msgspec.Struct):
    """One column of one row; a row that only one side has is told as a whole, column ``*``."""

    table: str
    key: dict[str, Any]
    column: str
    left: Any
    right: Any


class Sides(msgspec.Struct):
    """The two schemas, and the tables in which they can be compared."""

    left: str
    right: str
    tables: tuple[Compared, ...]
    moving_skus: int = 0
    """SKUs that are left out, because only one side has read their last facts."""


async def prepare(connection: asyncpg.Connection, left: str, right: str) -> Sides:
    """Note how far both sides have read, and which SKUs have moved on since."""
    tables = COMPARED
    for schema in (left, right):
        known = await generations.about(connection, schema)
        if known is not None and known.source == "redecide":
            tables = DECIDED_ANEW
        elif known is not None and known.until and tables is COMPARED:
            tables = FROM_JOURNAL
    await _note_ends(connection, left, right)
    moving = 0
    for schema in (left, right):
        about = await generations.about(connection, schema)
        if about is None or about.source != "redecide":
            answer = await connection.execute(
                f'INSERT INTO pg_temp.moving SELECT DISTINCT j.sku FROM "{schema}".journal j '  # noqa: S608 - our own names
                "JOIN pg_temp.ends e ON e.topic = $1 AND e.partition = j.partition "
                "AND j.record_offset >= e.next_offset WHERE e.uneven ON CONFLICT DO NOTHING",
                JOURNAL.name,
            )
            moving += int(answer.rsplit(" ", 1)[1])
    return Sides(left, right, tables, moving)


async def _note_ends(connection: asyncpg.Connection, left: str, right: str) -> None:
    await connection.execute(
        'CREATE TEMP TABLE IF NOT EXISTS moving (sku text COLLATE "C" PRIMARY KEY);'
        "CREATE TEMP TABLE IF NOT EXISTS ends (topic text, partition int, next_offset bigint, "
        "uneven boolean, PRIMARY KEY (topic, partition));"
        "TRUNCATE pg_temp.moving, pg_temp.ends"
    )
    await connection.execute(
        "INSERT INTO pg_temp.ends SELECT topic, partition, min(next_offset), "  # noqa: S608 - our own names
        "count(DISTINCT next_offset) > 1 OR count(*) < 2 FROM ("
        f"{await _ends_sql(connection, left)} UNION ALL {await _ends_sql(connection, right)}"
        ") both_sides GROUP BY topic, partition"
    )


async def _ends_sql(connection: asyncpg.Connection, schema: str) -> str:
    """How far a side has read. Facts decided anew are numbered by what they were decided from."""
    about = await generations.about(connection, schema)
    if about is not None and about.source == "redecide":
        return (
            f"SELECT '{JOURNAL.name}' AS topic, partition, next_offset "  # noqa: S608 - our own names
            f'FROM "{schema}".rebuilt_partitions'
        )
    return f'SELECT topic, partition, next_offset FROM "{schema}".offsets'  # noqa: S608 - our own names


def pairs(sides: Sides, compared: Compared, shown: str, *, moving_too: bool = False) -> str:
    """SQL over the pairs of rows that differ."""
    left_out = compared.from_journal and not moving_too
    moving = "t.sku NOT IN (SELECT sku FROM pg_temp.moving)" if left_out else ""
    key = compared.table.key
    joined = " AND ".join(f"l.{column} = r.{column}" for column in key)
    left, right = (
        ", ".join(f"{side}.{column}" for column in compared.columns) for side in ("l", "r")
    )
    sql = (
        f"SELECT {shown} FROM ({compared.select(sides.left, moving)}) l "  # noqa: S608 - our own names
        f"FULL JOIN ({compared.select(sides.right, moving)}) r ON {joined} "
        f"WHERE (ROW({left}) IS DISTINCT FROM ROW({right}))"
    )
    if not compared.from_journal:
        sql += (
            " AND greatest(l.at_record_offset, r.at_record_offset) < (SELECT e.next_offset "  # noqa: S608 - our own names
            f"FROM pg_temp.ends e WHERE e.topic = '{compared.topic}' "
            "AND e.partition = coalesce(l.at_partition, r.at_partition))"
        )
    return sql


async def count_differences(connection: asyncpg.Connection, sides: Sides) -> dict[str, int]:
    """How many rows differ, by table; only tables in which some do."""
    found = {}
    for compared in sides.tables:
        count = await connection.fetchval(pairs(sides, compared, "count(*)"))
        if count:
            found[compared.table.name] = count
    return found


async def differences(
    connection: asyncpg.Connection, sides: Sides, only: Sequence[str] = ()
) -> AsyncIterator[Difference]:
    """Every difference, by table and key. Needs an open transaction."""
    for compared in sides.tables:
        if only and compared.table.name not in only:
            continue
        names = compared.table.key
        keys = ", ".join(f"coalesce(l.{name}, r.{name}) AS {name}" for name in names)
        order = ", ".join(str(index) for index in range(1, len(names) + 1))
        sql = pairs(sides, compared, f"{keys}, to_jsonb(l) AS l, to_jsonb(r) AS r")
        async for row in connection.cursor(f"{sql} ORDER BY {order}", prefetch=_PREFETCH):
            key = {name: row[name] for name in names}
            left = None if row["l"] is None else orjson.loads(row["l"])
            right = None if row["r"] is None else orjson.loads(row["r"])
            for difference in _columns(compared, key, left, right):
                yield difference


def _columns(
    compared: Compared,
    key: dict[str, Any],
    left: dict[str, Any] | None,
    right: dict[str, Any] | None,
) -> list[Difference]:
    name = compared.table.name
    if left is None or right is None:
        return [Difference(name, key, "*", _shown(compared, left), _shown(compared, right))]
    return [
        Difference(name, key, column, left[column], right[column])
        for column in compared.columns
        if left[column] != right[column]
    ]


def _shown(compared: Compared, row: dict[str, Any] | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {column: row[column] for column in compared.columns if column not in compared.table.key}


async def first_divergent_sku(connection: asyncpg.Connection, sides: Sides) -> str | None:
    """The first SKU, by its name's bytes, of which a row differs."""
    found = []
    for compared in sides.tables:
        if "sku" in compared.columns:
            first = 'min(coalesce(l.sku, r.sku) COLLATE "C")'
            sku = await connection.fetchval(pairs(sides, compared, first))
            if sku is not None:
                found.append(sku)
    return min(found, key=str.encode, default=None)
