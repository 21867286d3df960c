"""Demand lines that are open: what is reserved, allocated or waits, and until when."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from stockfold_services.api import inputs

_OPEN = "(d.reserved <> 0 OR d.allocated <> 0 OR d.backordered <> 0)"
_COLUMNS = """
d.sku, d.order_id, d.line, d.reservation, d.channel, d.ordered, d.reserved, d.allocated,
d.backordered, d.shipped, d.places, d.allocations, d.expires_at, d.recorded_at, d.priority
"""
_CHOSEN = f"""
SELECT {_COLUMNS} FROM demand_lines d WHERE {_OPEN}
AND ($1::text IS NULL OR d.sku = $1) AND ($2::text[] IS NULL OR d.channel = ANY($2))
AND ($3::text[] IS NULL OR d.order_id = ANY($3))
"""  # noqa: S608 - our own names
_BY_NAME = f"""
{_CHOSEN} AND ($4::text IS NULL OR (d.sku, d.order_id, d.line) > ($4, $5::text, $6::text))
ORDER BY d.sku, d.order_id, d.line LIMIT $7
"""
_BY_EXPIRY = f"""
{_CHOSEN} AND d.expires_at IS NOT NULL
AND ($4::text IS NULL OR (d.expires_at, d.sku, d.order_id, d.line)
    > ($8::timestamptz, $4, $5::text, $6::text))
ORDER BY d.expires_at, d.sku, d.order_id, d.line LIMIT $7
"""


class Asked(NamedTuple):
    """Which open lines are wanted; None: all. ``orders`` as the ledger names them."""

    sku: str | None = None
    channels: tuple[str, ...] | None = None
    orders: tuple[str, ...] | None = None
    by_expiry: bool = False


class Demand(NamedTuple):
    """An order line with open units."""

    sku: str
    order_id: str
    line: str
    reservation: str
    channel: str
    ordered: int
    reserved: int
    allocated: int
    backordered: int
    shipped: int
    places: list[dict[str, Any]]
    allocations: list[dict[str, Any]]
    expires_at: datetime | None
    recorded_at: datetime
    priority: int

    @property
    def locations(self) -> str:
        """Where its units are held, in words."""
        held: dict[str, int] = {}
        for place in self.places:
            held[place["location"]] = held.get(place["location"], 0) + place["quantity"]
        for one in self.allocations:
            held[one["location"]] = held.get(one["location"], 0) + one["open"]
        return ", ".join(f"{units:,} at {place}" for place, units in held.items() if units)

    @property
    def order_name(self) -> str:
        """The order as its channel calls it."""
        return self.order_id.removeprefix(f"{self.channel}/")


async def open_demands(
    connection: asyncpg.Connection, asked: Asked, after: str | None, limit: int
) -> tuple[list[Demand], str | None]:
    """A page of open lines, and where it ended; None at the end. Problem 422 for a bad cursor."""
    chosen = (asked.sku, asked.channels, asked.orders)
    if asked.by_expiry:
        at, *last = inputs.read_cursor(after, str, str, str, str) or (None,) * 4
        since = None if at is None else inputs.read_moment(at)
        rows = await connection.fetch(_BY_EXPIRY, *chosen, *last, limit, since)
    else:
        last = list(inputs.read_cursor(after, str, str, str) or (None,) * 3)
        rows = await connection.fetch(_BY_NAME, *chosen, *last, limit)
    found = [Demand(**row) for row in rows]
    return found, _next(found[-1], asked) if len(found) == limit else None


def _next(last: Demand, asked: Asked) -> str:
    name = (last.sku, last.order_id, last.line)
    if asked.by_expiry and last.expires_at is not None:
        return inputs.cursor(last.expires_at.isoformat(), *name)
    return inputs.cursor(*name)
