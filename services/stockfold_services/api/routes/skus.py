"""A SKU over all its locations, with the audit's proof."""

from __future__ import annotations

from typing import Annotated, Any

import asyncpg
from fastapi import APIRouter, Query

from stockfold.contracts.topics import JOURNAL, POSITIONS
from stockfold.ledger.accounts import CODES, FIRST_OUTSIDE, RESERVED
from stockfold_services.api import inputs, models
from stockfold_services.api.database import Database
from stockfold_services.api.freshness import Waiting, as_of_sku
from stockfold_services.api.problems import Problem, not_found
from stockfold_services.api.routes.deps import Db, Wait

router = APIRouter(prefix="/v1/skus", tags=["skus"])

Prove = Annotated[bool, Query(description="Whether to prove the numbers from the journal.")]
_PHYSICAL = {name for name, code in CODES.items() if code < RESERVED or code >= FIRST_OUTSIDE}
_COLUMNS = ("on_hand", "quality_hold", "damaged", "in_transit", "reserved", "allocated")
DIFFERENCES_MAX = 100

_TOTALS = """
SELECT count(*) AS locations, coalesce(sum(on_hand), 0)::bigint AS on_hand,
    coalesce(sum(quality_hold), 0)::bigint AS quality_hold,
    coalesce(sum(damaged), 0)::bigint AS damaged,
    coalesce(sum(in_transit), 0)::bigint AS in_transit,
    coalesce(sum(reserved), 0)::bigint AS reserved,
    coalesce(sum(allocated), 0)::bigint AS allocated,
    coalesce(sum(greatest(atp, 0)), 0)::bigint AS atp,
    coalesce(sum(greatest(-atp, 0)), 0)::bigint AS deficit
FROM positions WHERE sku = $1
"""
_SUMMARY = """
SELECT backordered, backordered_by_channel, fences, limits FROM sku_summaries WHERE sku = $1
"""
_SUMS = """
SELECT d.location, d.account, sum(d.quantity)::bigint AS total,
    coalesce(sum(d.quantity) FILTER (WHERE j.seq <= p.seq), 0)::bigint AS at_position
FROM journal j
CROSS JOIN LATERAL jsonb_to_recordset(j.deltas) AS d(account text, location text, quantity bigint)
LEFT JOIN positions p ON p.sku = j.sku AND p.location = d.location
WHERE j.sku = $1 GROUP BY d.location, d.account
"""


@router.get("")
async def sku_by_query(
    db: Db,
    wait: Wait,
    sku: Annotated[
        str, Query(min_length=1, max_length=inputs.ID_CHARACTERS_MAX, pattern=r"^[^\x00]*$")
    ],
    min_seq: inputs.MinSeq = None,
    wait_ms: inputs.WaitMs = 2000,
    prove: Prove = True,
) -> models.Sku:
    """The same as /v1/skus/{sku}, for SKUs that are awkward in a path."""
    return await _answer(db, wait, sku, min_seq, wait_ms, prove)


@router.get("/{sku:path}")
async def sku_totals(
    db: Db,
    wait: Wait,
    sku: inputs.SkuPath,
    min_seq: inputs.MinSeq = None,
    wait_ms: inputs.WaitMs = 2000,
    prove: Prove = True,
) -> models.Sku:
    """ATP and deficit of a SKU, what waits for it, and the proof of its numbers."""
    return await _answer(db, wait, sku, min_seq, wait_ms, prove)


async def _answer(
    db: Database, wait: Waiting, sku: str, min_seq: int | None, wait_ms: int, prove: bool
) -> models.Sku:
    await wait.for_positions(sku, min_seq, wait_ms)
    async with db.reading() as connection:
        totals = await connection.fetchrow(_TOTALS, sku)
        summary = await connection.fetchrow(_SUMMARY, sku)
        as_of = await as_of_sku(connection, sku, POSITIONS, JOURNAL)
        if not totals["locations"] and summary is None and as_of.seq is None:
            raise not_found("SKU", sku)
        proof = await conservation(connection, sku) if prove else None
    waiting: dict[str, Any] = dict(summary) if summary is not None else {}
    return models.Sku(
        sku=sku,
        **totals,
        backordered=waiting.get("backordered", 0),
        backordered_by_channel=waiting.get("backordered_by_channel", []),
        fences=waiting.get("fences", []),
        limits=waiting.get("limits", []),
        conservation=proof,
        as_of=as_of,
    )


async def conservation(connection: asyncpg.Connection, sku: str) -> models.Conservation:
    """Sum the journal's deltas, and compare each position with the sums up to its own number."""
    sums = await connection.fetch(_SUMS, sku)
    head = await connection.fetchrow(
        "SELECT count(*) AS facts, coalesce(max(seq), 0) AS last FROM journal WHERE sku = $1", sku
    )
    # A position that is ahead of the journal's table is compared when the journal has come.
    rows = await connection.fetch(
        "SELECT * FROM positions WHERE sku = $1 AND seq <= $2", sku, head["last"]
    )
    accounts: dict[str, int] = {}
    at_position: dict[tuple[str, str], int] = {}
    for row in sums:
        accounts[row["account"]] = accounts.get(row["account"], 0) + row["total"]
        at_position[row["location"], row["account"]] = row["at_position"]
    unknown = sorted(accounts.keys() - CODES.keys())
    if unknown:
        raise Problem(500, "Failed", f"The journal has unknown accounts: {', '.join(unknown)}.")
    physical = sum(total for account, total in accounts.items() if account in _PHYSICAL)
    differences = [
        models.Difference(
            location=row["location"], account=name, position=row[name], journal=journal
        )
        for row in rows
        for name in _COLUMNS
        if row[name] != (journal := at_position.get((row["location"], name), 0))
    ]
    return models.Conservation(
        holds=physical == 0 and head["facts"] == head["last"] and not differences,
        physical_sum=physical,
        accounts=accounts,
        facts=head["facts"],
        last_seq=head["last"],
        differences=differences[:DIFFERENCES_MAX],
        compared=len(rows),
    )
