"""The facts of a SKU."""

from __future__ import annotations

from typing import Any

import asyncpg
import orjson
from fastapi import APIRouter

from stockfold.contracts.topics import JOURNAL
from stockfold_services.api import inputs, models
from stockfold_services.api.freshness import as_of_sku
from stockfold_services.api.problems import not_found
from stockfold_services.api.routes.deps import Db, Wait

router = APIRouter(prefix="/v1/journal", tags=["journal"])


@router.get("/{sku:path}")
async def journal_of_sku(
    db: Db,
    wait: Wait,
    sku: inputs.SkuPath,
    after_seq: inputs.AfterSeq = 0,
    limit: inputs.Limit = 100,
    min_seq: inputs.MinSeq = None,
    wait_ms: inputs.WaitMs = 2000,
) -> models.Journal:
    """A SKU's facts in order, a page at a time."""
    await wait.for_journal(sku, min_seq, wait_ms)
    async with db.reading() as connection:
        rows = await connection.fetch(
            "SELECT * FROM journal WHERE sku = $1 AND seq > $2 ORDER BY seq LIMIT $3",
            sku,
            after_seq,
            limit,
        )
        as_of = await as_of_sku(connection, sku, JOURNAL)
    if as_of.seq is None:
        raise not_found("SKU", sku)
    facts = [models.Fact(**_fact(row)) for row in rows]
    more = facts[-1].seq if facts and facts[-1].seq < as_of.seq else None
    return models.Journal(sku=sku, facts=facts, next_after_seq=more, as_of=as_of)


def _fact(row: asyncpg.Record) -> dict[str, Any]:
    return {
        **row,
        "offset": row["record_offset"],
        "payload_hash": row["payload_hash"].hex(),
        "body": orjson.loads(row["body"]),
    }
