"""Questions about one SKU that its journal answers."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from stockfold.contracts.topics import JOURNAL
from stockfold.explain.explanation import LAST, Explanation, explain
from stockfold.explain.numbers import NUMBERS, NumberName
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold_services.api import inputs, models
from stockfold_services.api.freshness import as_of_sku
from stockfold_services.api.history import FACTS_MAX, history_of
from stockfold_services.api.routes.deps import Db, Wait

router = APIRouter(prefix="/v1/skus", tags=["questions"])


class Explained(BaseModel):
    """An explanation, and which state it shows."""

    explanation: Explanation
    as_of: models.AsOf


@router.get("/{sku:path}/explain")
async def explain_sku(
    db: Db,
    wait: Wait,
    sku: inputs.SkuPath,
    location: inputs.LocationQuery = None,
    number: Annotated[
        list[NumberName] | None,
        Query(description="Unfold only these numbers; may be repeated."),
    ] = None,
    last: Annotated[
        int, Query(ge=0, le=FACTS_MAX, description="Facts shown per number, the newest ones.")
    ] = LAST,
    min_seq: inputs.MinSeq = None,
    wait_ms: inputs.WaitMs = 2000,
) -> Explained:
    """Why the numbers of a SKU are what they are: a paragraph to send as it is, what is wrong, the
    facts that make up each number, and the conservation proof.
    """
    await wait.for_journal(sku, min_seq, wait_ms)
    async with db.reading() as connection:
        history = await history_of(connection, sku)
        as_of = await as_of_sku(connection, sku, JOURNAL)
    found = await asyncio.to_thread(
        explain, sku, history, SYSTEM_CLOCK.now_us(), location, number or NUMBERS, last
    )
    return Explained(explanation=found, as_of=as_of)
