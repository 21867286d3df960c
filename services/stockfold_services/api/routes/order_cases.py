"""What a person must settle about orders."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from stockfold.contracts.topics import ORDER_CASES
from stockfold_services.api import inputs, models
from stockfold_services.api.freshness import as_of_all
from stockfold_services.api.routes.deps import Db

router = APIRouter(prefix="/v1/order-cases", tags=["orders"])

_PAGE = """
SELECT * FROM order_cases
WHERE ($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR owner = $2)
AND ($3::text IS NULL OR channel = $3)
AND ($4::timestamptz IS NULL OR (opened_at, case_id) > ($4, $5::text))
ORDER BY opened_at, case_id LIMIT $6
"""
State = Annotated[str | None, Query(pattern="^(open|closed)$", description="Only in this state.")]
Owner = Annotated[str | None, Query(max_length=256, description="Only of this owner.")]


@router.get("")
async def order_cases(
    db: Db,
    state: State = None,
    owner: Owner = None,
    channel: inputs.ChannelQuery = None,
    after: inputs.After = None,
    limit: inputs.Limit = 100,
) -> models.OrderCasePage:
    """Orders that were sold and cannot be served, the oldest case first, a page at a time."""
    at, case = inputs.read_cursor(after, str, str) or (None, None)
    since = None if at is None else inputs.read_moment(at)
    async with db.reading() as connection:
        rows = await connection.fetch(_PAGE, state, owner, channel, since, case, limit)
        as_of = await as_of_all(connection, ORDER_CASES)
    found = [models.OrderCase(**row) for row in rows]
    more = None
    if len(found) == limit:
        more = inputs.cursor(found[-1].opened_at.isoformat(), found[-1].case_id)
    return models.OrderCasePage(cases=found, next=more, as_of=as_of)
