"""The proof: what must be true (``expected.py``) against what the running service says."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import polars as pl
from infra.demo import expected
from infra.demo.derivation import World

from stockfold.runtime.postgres import connection_options
from stockfold.runtime.settings import Settings

LISTED_MAX = 10
QUERY_S_MAX = 300.0

# Nothing while a place has shown nothing yet: ``min`` would pass over it.
COMPLETE_UNTIL_SQL = """
    SELECT CASE WHEN bool_and(complete_until IS NOT NULL)
           THEN extract(epoch FROM min(complete_until))::float8 || '' END
    FROM offsets LEFT JOIN freshness USING (topic, partition)
"""
POSITIONS_SQL = """
    SELECT sku, location, on_hand, quality_hold, damaged, in_transit, reserved, allocated, atp,
           (SELECT coalesce(sum((e->>'quantity')::bigint), 0)::bigint
            FROM jsonb_array_elements(expected) e WHERE e->>'inbound' LIKE 'PO-%') AS expected
    FROM positions"""
LINES_SQL = """
    SELECT sku, order_id, line, reserved, allocated, backordered, shipped, cancelled, rejected
    FROM demand_lines"""
ANSWERS_SQL = "SELECT reservation, status FROM reservation_status WHERE command = 'ReserveStock'"
# An event that a killed feed sent once more is refused once more; it is one exception here.
EXCEPTIONS_SQL = """
    SELECT kind, count(DISTINCT (source, event_id)) AS count FROM exceptions GROUP BY kind
    UNION ALL
    SELECT 'unreadable by the read model', count(*) FROM unreadable HAVING count(*) > 0"""
FACTS_SQL = "SELECT kind, count(*) AS count FROM journal GROUP BY kind"
BACKORDERED_SQL = "SELECT sku, backordered FROM sku_summaries"
AVAILABILITY_SQL = "SELECT channel, sku, quantity FROM availability"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rows compared, how many of them differ, and the first of those in words."""

    what: str
    compared: int
    differ: int
    first: list[str] = field(default_factory=list)


def compare(
    what: str, keys: Sequence[str], wanted: pl.DataFrame, found: pl.DataFrame
) -> Comparison:
    """Compare every column of every row; a row that only one side has differs too."""
    values = [name for name in wanted.columns if name not in keys]
    # A key that is there twice must differ, so its rows are numbered and the number is joined on.
    nth = pl.int_range(pl.len()).over(keys)
    both = wanted.with_columns(in_wanted=True, nth=nth).join(
        found.select(wanted.columns).with_columns(in_found=True, nth=nth),
        on=[*keys, "nth"],
        how="full",
        coalesce=True,
        suffix="_found",
    )
    differs = pl.any_horizontal(
        pl.col(name).ne_missing(pl.col(f"{name}_found")) for name in values
    ) | (pl.col("in_wanted").is_null() | pl.col("in_found").is_null())
    different = both.filter(differs).sort([*keys, "nth"])
    lines = [
        _sentence(row, keys, values) for row in different.head(LISTED_MAX).iter_rows(named=True)
    ]
    return Comparison(what, both.height, different.height, lines)


def _sentence(row: Mapping[str, Any], keys: Sequence[str], values: Sequence[str]) -> str:
    name = ", ".join(f"{key} {row[key]}" for key in keys)
    if row["in_found"] is None:
        return f"{name}: is missing"
    if row["in_wanted"] is None:
        shown = ", ".join(f"{value} {row[value + '_found']}" for value in values)
        return f"{name}: should not be there ({shown})"
    wrong = [
        f"{value} must be {row[value]}, is {row[value + '_found']}"
        for value in values
        if row[value] != row[value + "_found"]
    ]
    return f"{name}: {', '.join(wrong)}"


class ReadModel:
    """The read model's tables, as frames."""

    def __init__(self, settings: Settings) -> None:
        self._options = connection_options(settings, "demo") | {"command_timeout": QUERY_S_MAX}

    def rows(self, sql: str, like: pl.DataFrame) -> pl.DataFrame:
        """What a query answers, with the columns and types of ``like``."""
        answer = io.BytesIO()
        asyncio.run(self._copy(sql, answer))
        answer.seek(0)
        if not answer.getbuffer().nbytes:
            return like.clear()
        return pl.read_csv(answer, has_header=False, schema=like.schema)

    def value(self, sql: str) -> Any:
        """The first value that a query answers; None when it answers nothing.

        None too while the projector has not made the table: it may start after the ledger is done.
        """
        try:
            return asyncio.run(self._value(sql))
        except asyncpg.UndefinedTableError:
            return None

    async def _copy(self, sql: str, answer: io.BytesIO) -> None:
        connection = await asyncpg.connect(**self._options)
        try:
            await connection.copy_from_query(sql, output=answer, format="csv", timeout=QUERY_S_MAX)
        finally:
            await connection.close()

    async def _value(self, sql: str) -> Any:
        connection = await asyncpg.connect(**self._options)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()


def _counts(counts: Mapping[str, int]) -> pl.DataFrame:
    return pl.DataFrame(
        {"kind": list(counts), "count": list(counts.values())},
        schema={"kind": pl.String, "count": pl.Int64},
    )


class Proof:
    """What must be true of a world, worked out once, and compared with a running service."""

    def __init__(self, world: World, channels: Sequence[expected.Channel]) -> None:
        self.positions = expected.positions(world)
        self.lines = expected.order_lines(world)
        self.answers = expected.answers(world)
        self.backordered = expected.waiting_units(world)
        self.facts = _counts(expected.facts(world))
        self.exceptions = _counts(expected.exceptions(world))
        self.availability = expected.availability(self.positions, self.backordered, channels)

    @property
    def skus(self) -> list[str]:
        """Every SKU that channels are told of."""
        return self.availability["sku"].unique().sort().to_list()

    def numbers(self, model: ReadModel) -> list[Comparison]:
        """Everything that follows from the ledger alone."""
        return [
            compare(what, keys, wanted, model.rows(sql, wanted))
            for what, keys, wanted, sql in (
                ("positions (SKU, location)", ("sku", "location"), self.positions, POSITIONS_SQL),
                ("order lines", ("sku", "order_id", "line"), self.lines, LINES_SQL),
                ("answers to reservations", ("reservation",), self.answers, ANSWERS_SQL),
                ("backordered units (SKU)", ("sku",), self.backordered, BACKORDERED_SQL),
                ("facts in the journal, by kind", ("kind",), self.facts, FACTS_SQL),
                ("exceptions, by kind", ("kind",), self.exceptions, EXCEPTIONS_SQL),
            )
        ]

    def published(self, model: ReadModel) -> Comparison:
        """Availability per channel."""
        wanted = self.availability
        found = model.rows(AVAILABILITY_SQL, wanted)
        return compare("availability (channel, SKU)", ("channel", "sku"), wanted, found)

    def shown(self, stocks: Mapping[str, Mapping[str, int | None]]) -> Comparison:
        """What the shops show; ``stocks`` is channel → SKU → units."""
        rows = [(name, sku, units) for name, shop in stocks.items() for sku, units in shop.items()]
        found = pl.DataFrame(rows, schema=self.availability.schema, orient="row")
        return compare("stock in the shops", ("channel", "sku"), self.availability, found)
