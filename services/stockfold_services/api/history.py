"""The facts of a SKU as the read model's journal table holds them."""

from __future__ import annotations

import asyncpg

from stockfold.domain.times import to_us
from stockfold.explain.entry import Entry
from stockfold.ledger.accounts import CODES
from stockfold.ledger.entities import decode_change
from stockfold.ledger.facts import Fact, Input
from stockfold_services.api.problems import Problem, not_found

FACTS_MAX = 20_000
"""Facts of one SKU that one request may fold; more are for the command line."""

COLUMNS = (
    "sku, seq, partition, record_offset, kind, source, event_id, correlation_id, cause_topic, "
    "cause_partition, cause_offset, schema_id, occurred_at, recorded_at, caused_at, deltas, flags, "
    "body"
)
_FACTS = f"SELECT {COLUMNS} FROM journal WHERE sku = $1 ORDER BY seq LIMIT $2"  # noqa: S608 - our own names


async def history_of(connection: asyncpg.Connection, sku: str) -> list[Entry]:
    """Every fact of a SKU, in order; Problem 404 without any, 422 when they are too many."""
    rows = await connection.fetch(_FACTS, sku, FACTS_MAX + 1)
    if not rows:
        raise not_found("SKU", sku)
    if len(rows) > FACTS_MAX:
        raise Problem(
            422,
            "Too long a history",
            f"SKU {sku!r} has more than {FACTS_MAX} facts. Ask on the command line, which reads "
            "the journal itself: stockfold explain, as-of, oversell.",
        )
    return [entry_of(row) for row in rows]


def entry_of(row: asyncpg.Record) -> Entry:
    """A row of the journal table as the fact that it was."""
    body = row["body"]
    fact = Fact(
        row["kind"],
        [(CODES[d["account"]], d["location"], d["channel"], d["quantity"]) for d in row["deltas"]],
        decode_change(body) if len(body) > 2 else None,
        tuple(row["flags"]),
    )
    fact.seq = row["seq"]
    fact.occurred_us = to_us(row["occurred_at"])
    fact.recorded_us = to_us(row["recorded_at"])
    fact.cause = Input(
        "",
        row["sku"],
        {},
        row["source"],
        row["event_id"],
        fact.occurred_us,
        to_us(row["caused_at"]) if row["caused_at"] is not None else 0,
        row["correlation_id"],
        row["cause_topic"],
        row["cause_partition"],
        row["cause_offset"],
        row["schema_id"],
    )
    return Entry(fact, row["partition"], row["record_offset"])
