"""Where two generations part: the first fact of a SKU after which they are no longer equal."""

from __future__ import annotations

from typing import Any

import asyncpg
import msgspec
import orjson

from stockfold.ledger.accounts import NAMES, STRIDE
from stockfold_services.projector import tables
from stockfold_services.rebuild.canonical import COMPARED, Compared
from stockfold_services.rebuild.comparing import Sides

_NUMBERS = NAMES[:STRIDE]
_FACT = "seq, partition, record_offset, kind, source, event_id, correlation_id, recorded_at"


class Divergence(msgspec.Struct):
    """The first divergent fact, with its place in the journal. ``how`` says what is different."""

    sku: str
    how: str
    seq: int | None = None
    partition: int | None = None
    record_offset: int | None = None
    kind: str = ""
    source: str = ""
    event_id: str = ""
    correlation_id: str = ""
    recorded_at: str = ""


async def first_divergence(connection: asyncpg.Connection, sides: Sides, sku: str) -> Divergence:
    """The first fact of the SKU by which the sides differ, else the one a row should show."""
    seq = await _first_other_fact(connection, sides, sku)
    if seq is not None:
        return await _told(connection, sides, sku, seq, "the facts themselves differ from here on")
    for location in await _other_positions(connection, sides, sku):
        seq, how = await _first_missed(connection, sides, sku, location)
        if seq is not None:
            return await _told(connection, sides, sku, seq, how)
    for table in (
        tables.SKU_SUMMARIES,
        tables.DEMAND_LINES,
        tables.TRANSFERS,
        tables.RESERVATION_STATUS,
    ):
        seq = await _other_row(connection, sides, sku, table)
        if seq is not None:
            how = f"the facts are equal; the row of {table.name} as of this fact is not"
            return await _told(connection, sides, sku, seq, how)
    return Divergence(sku, "no fact tells it: the rows differ that do not come from the journal")


async def _first_other_fact(connection: asyncpg.Connection, sides: Sides, sku: str) -> int | None:
    journal = next(c for c in sides.tables if c.table is tables.JOURNAL)
    left, right = (
        ", ".join(f"{side}.{column}" for column in journal.columns) for side in ("l", "r")
    )
    only = "t.sku = $1"
    seq: int | None = await connection.fetchval(
        f"SELECT min(coalesce(l.seq, r.seq)) FROM ({journal.select(sides.left, only)}) l "  # noqa: S608 - our own names
        f"FULL JOIN ({journal.select(sides.right, only)}) r ON l.seq = r.seq "
        f"WHERE (ROW({left}) IS DISTINCT FROM ROW({right}))",
        sku,
    )
    return seq


async def _other_positions(connection: asyncpg.Connection, sides: Sides, sku: str) -> list[str]:
    rows = await connection.fetch(_other_sql(sides, tables.POSITIONS, "location"), sku)
    return sorted(row["found"] for row in rows)


async def _other_row(
    connection: asyncpg.Connection, sides: Sides, sku: str, table: tables.Table
) -> int | None:
    """The number of the fact of which one side's row is not as the other's."""
    if table is not tables.SKU_SUMMARIES:
        rows = await connection.fetch(_other_sql(sides, table, "seq"), sku)
        return min((row["found"] for row in rows), default=None)
    if not await connection.fetch(_other_sql(sides, table, "sku"), sku):
        return None
    seq: int | None = await connection.fetchval(
        f"SELECT max(seq) FROM \"{sides.right}\".journal WHERE sku = $1 AND '' = ANY(places)",  # noqa: S608 - our own names
        sku,
    )
    return seq


def _other_sql(sides: Sides, table: tables.Table, shown: str) -> str:
    """SQL of one column of the SKU's rows that differ, as the right side has it if it does."""
    compared: Compared = next(c for c in COMPARED if c.table is table)
    joined = " AND ".join(f"l.{column} = r.{column}" for column in table.key)
    left, right = (
        ", ".join(f"{side}.{column}" for column in compared.columns) for side in ("l", "r")
    )
    only = "t.sku = $1"
    return (
        f"SELECT coalesce(r.{shown}, l.{shown}) AS found "  # noqa: S608 - our own names
        f"FROM ({compared.select(sides.left, only)}) l "
        f"FULL JOIN ({compared.select(sides.right, only)}) r ON {joined} "
        f"WHERE (ROW({left}) IS DISTINCT FROM ROW({right}))"
    )


async def _first_missed(
    connection: asyncpg.Connection, sides: Sides, sku: str, location: str
) -> tuple[int | None, str]:
    """The fact that the left side's row misses: it equals the sums up to the one before."""
    row = await connection.fetchrow(
        f'SELECT {", ".join(_NUMBERS)} FROM "{sides.left}".positions '  # noqa: S608 - our own names
        "WHERE sku = $1 AND location = $2",
        sku,
        location,
    )
    facts = await connection.fetch(
        f'SELECT seq, deltas FROM "{sides.right}".journal '  # noqa: S608 - our own names
        "WHERE sku = $1 AND $2 = ANY(places) ORDER BY seq",
        sku,
        location,
    )
    if not facts:
        return None, ""
    if row is None:
        return facts[0]["seq"], f"the facts are equal; the position at {location} is missing"
    shown = tuple(row)
    numbers = dict.fromkeys(_NUMBERS, 0)
    equal_after = -1
    for index, fact in enumerate(facts):
        _add(numbers, location, orjson.loads(fact["deltas"]))
        if tuple(numbers.values()) == shown:
            equal_after = index
    if 0 <= equal_after < len(facts) - 1:
        how = f"the facts are equal; the position at {location} stopped before this one"
        return facts[equal_after + 1]["seq"], how
    how = f"the facts are equal; the position at {location} is not what they add up to"
    return facts[-1]["seq"], how


def _add(numbers: dict[str, int], location: str, deltas: list[dict[str, Any]]) -> None:
    for delta in deltas:
        if delta["location"] == location and delta["account"] in numbers:
            numbers[delta["account"]] += delta["quantity"]


async def _told(
    connection: asyncpg.Connection, sides: Sides, sku: str, seq: int, how: str
) -> Divergence:
    for schema in (sides.right, sides.left):
        row = await connection.fetchrow(
            f'SELECT {_FACT} FROM "{schema}".journal WHERE sku = $1 AND seq = $2',  # noqa: S608 - our own names
            sku,
            seq,
        )
        if row is not None:
            given = {**dict(row), "recorded_at": row["recorded_at"].isoformat()}
            return Divergence(sku, how, **given)
    return Divergence(sku, how, seq)
