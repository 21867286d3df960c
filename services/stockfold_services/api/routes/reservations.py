"""Reservations and order lines, and what became of them."""

from __future__ import annotations

from typing import Annotated, Any

import asyncpg
from fastapi import APIRouter, Path, Query

from stockfold.contracts.topics import JOURNAL
from stockfold_services.api import inputs, models
from stockfold_services.api.freshness import as_of_all
from stockfold_services.api.problems import not_found
from stockfold_services.api.routes.deps import Db

router = APIRouter(prefix="/v1", tags=["reservations"])

LINES_MAX = 1000
_ID: dict[str, Any] = {
    "min_length": 1,
    "max_length": inputs.ID_CHARACTERS_MAX,
    "pattern": r"^[^\x00]*$",
}

_LINES_OF_RESERVATION = """
SELECT * FROM demand_lines WHERE reservation = $1
UNION SELECT l.* FROM reservation_status s
JOIN demand_lines l ON l.sku = s.sku AND l.order_id = s.order_id AND l.line = s.line
WHERE s.reservation = $1 ORDER BY sku, order_id, line LIMIT $2
"""
_HISTORY = """
SELECT * FROM reservation_status WHERE reservation = $1 ORDER BY recorded_at DESC, seq DESC LIMIT $2
"""
_LINES_OF_ORDER = "SELECT * FROM demand_lines WHERE order_id = $1 ORDER BY line, sku LIMIT $2"


@router.get("/reservations/{reservation:path}")
async def reservation_status(
    db: Db,
    reservation: Annotated[str, Path(**_ID, description="Reservation.")],
    limit: Annotated[int, Query(ge=1, le=1000, description="Answers, newest first.")] = 100,
) -> models.Reservation:
    """A reservation's demand lines as they are, and what it was answered."""
    async with db.reading() as connection:
        lines = await connection.fetch(_LINES_OF_RESERVATION, reservation, LINES_MAX)
        history = await connection.fetch(_HISTORY, reservation, limit)
        as_of = await as_of_all(connection, JOURNAL)
    if not lines and not history:
        raise not_found("reservation", reservation)
    return models.Reservation(
        reservation=reservation,
        lines=[_line(row) for row in lines],
        history=[models.Status(**{**row, "order": row["order_id"]}) for row in history],
        as_of=as_of,
    )


@router.get("/orders/{order:path}")
async def order_lines(
    db: Db, order: Annotated[str, Path(**_ID, description="Order.")]
) -> models.OrderLines:
    """The demand lines of an order, at most 1000."""
    async with db.reading() as connection:
        lines = await connection.fetch(_LINES_OF_ORDER, order, LINES_MAX)
        as_of = await as_of_all(connection, JOURNAL)
    if not lines:
        raise not_found("order", order)
    return models.OrderLines(order=order, lines=[_line(row) for row in lines], as_of=as_of)


def _line(row: asyncpg.Record) -> models.DemandLine:
    return models.DemandLine(**{**row, "order": row["order_id"]})
