"""Orders as the read model has them, and everything about one."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from stockfold.orders.lifecycle import MEANINGS
from stockfold_services.api import inputs

OVERSOLD = "oversold"
"""Among the states of the filter: orders with an open case, whatever state they are in."""
STATES = (OVERSOLD, *MEANINGS)
CASES_MAX = 10
HISTORY_MAX = 100

_CASES_OF = "order_cases c WHERE c.channel = o.channel AND c.order_id = o.order_id"
_PAGE = f"""
SELECT o.channel, o.order_id, o.status, o.reason, o.told, o.lines, o.recorded_at,
    EXISTS (SELECT FROM {_CASES_OF} AND c.state = 'open') AS has_case
FROM orders o
WHERE ($1::text IS NULL OR o.status = $1) AND ($2::text[] IS NULL OR o.channel = ANY($2))
AND ($4::timestamptz IS NULL OR (o.recorded_at, o.channel, o.order_id) < ($4, $5::text, $6::text))
AND $3::text IS NOT DISTINCT FROM $3{{narrowed}}
ORDER BY o.recorded_at DESC, o.channel DESC, o.order_id DESC LIMIT $7
"""  # noqa: S608 - our own names
# By index: the number or its beginning, or a SKU that the ledger was asked for.
_BY_NAME = """(o.channel, o.order_id) IN (
    SELECT channel, order_id FROM orders
    WHERE order_id >= $3 AND order_id < $3 || chr(1114111)
    UNION SELECT d.channel, substr(d.order_id, length(d.channel) + 2) FROM demand_lines d
    WHERE d.sku = $3)"""
# Order by order: a part of the number in any case, or a SKU that was ordered, kits too.
_BY_PART = """(strpos(lower(o.order_id), lower($3)) > 0
    OR EXISTS (SELECT FROM jsonb_array_elements(o.lines) l WHERE l ->> 'sku' = $3))"""
_WITH_CASE = """(o.channel, o.order_id) IN (
    SELECT channel, order_id FROM order_cases WHERE state = 'open')"""
_OPEN_CASES = """
SELECT case_id, channel, order_id, line, owner, sku, missing, reason, opened_at FROM order_cases
WHERE state = 'open' AND ($1::text[] IS NULL OR channel = ANY($1))
AND ($2::text IS NULL OR strpos(lower(order_id), lower($2)) > 0 OR sku = $2)
ORDER BY opened_at, case_id LIMIT $3
"""
_CHANNELS = """
WITH RECURSIVE named AS (
    (SELECT channel FROM {0} ORDER BY channel LIMIT 1)
    UNION ALL SELECT (SELECT t.channel FROM {0} t WHERE t.channel > n.channel
        ORDER BY t.channel LIMIT 1) FROM named n WHERE n.channel IS NOT NULL
) SELECT channel FROM named WHERE channel IS NOT NULL LIMIT 200
"""
_ONE = "SELECT * FROM orders WHERE channel = $1 AND order_id = $2"
_HISTORY = """
SELECT version, status, reason, told, source, event_id, recorded_at, correlation_id
FROM order_history WHERE channel = $1 AND order_id = $2
ORDER BY version DESC, record_offset DESC LIMIT $3
"""
_PARCELS = """
SELECT * FROM parcels WHERE channel = $1 AND order_id = $2 ORDER BY shipped_at, shipment LIMIT 100
"""
_CASES = """
SELECT * FROM order_cases WHERE channel = $1 AND order_id = $2
ORDER BY state DESC, opened_at, case_id LIMIT 100
"""
_DEMANDS = "SELECT * FROM demand_lines WHERE order_id = $1 ORDER BY line, sku LIMIT 1000"
_ANSWERS = """
SELECT sku, seq, line, status, command, quantity, reason, available, recorded_at
FROM reservation_status WHERE order_id = $1 ORDER BY recorded_at DESC, sku, seq DESC LIMIT $2
"""


class Asked(NamedTuple):
    """Which orders are wanted; None: all."""

    state: str | None = None
    channels: tuple[str, ...] | None = None
    text: str | None = None


class Listed(NamedTuple):
    """An order of the list."""

    channel: str
    order_id: str
    status: str
    reason: str
    told: str
    lines: list[dict[str, Any]]
    recorded_at: datetime
    has_case: bool

    @property
    def skus(self) -> list[str]:
        """What was ordered, once each."""
        return list(dict.fromkeys(line["sku"] for line in self.lines))


class Order(NamedTuple):
    """One order. ``demands`` and ``answers`` are the ledger's; None where they may not be seen."""

    row: asyncpg.Record | None
    history: list[asyncpg.Record]
    parcels: list[asyncpg.Record]
    cases: list[asyncpg.Record]
    demands: list[asyncpg.Record] | None
    answers: list[asyncpg.Record] | None

    @property
    def is_known(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.row or self.history or self.parcels or self.cases or self.demands)

    @property
    def open_cases(self) -> list[asyncpg.Record]:
        """What a person must settle."""
        return [case for case in self.cases if case["state"] == "open"]


async def orders_page(
    connection: asyncpg.Connection, asked: Asked, after: str | None, limit: int
) -> tuple[list[Listed], str | None]:
    """A page of orders, the newest first, and where it ended; Problem 422 for a bad cursor.

    A text is the number of an order, its beginning, or a SKU; a part of a number only where no
    order is found so.
    """
    found = await _found(connection, asked, after, limit, _BY_NAME)
    if not found and asked.text:
        found = await _found(connection, asked, after, limit, _BY_PART)
    more = None
    if len(found) == limit:
        end = found[-1]
        more = inputs.cursor(end.recorded_at.isoformat(), end.channel, end.order_id)
    return found, more


async def _found(
    connection: asyncpg.Connection, asked: Asked, after: str | None, limit: int, by_text: str
) -> list[Listed]:
    at, *last = inputs.read_cursor(after, str, str, str) or (None,) * 3
    is_oversold = asked.state == OVERSOLD
    narrowed = [by_text] if asked.text else []
    narrowed += [_WITH_CASE] if is_oversold else []
    rows = await connection.fetch(
        _PAGE.format(narrowed="".join(f" AND {one}" for one in narrowed)),
        None if is_oversold else asked.state,
        asked.channels,
        asked.text,
        None if at is None else inputs.read_moment(at),
        *last,
        limit,
    )
    return [Listed(**row) for row in rows]


async def open_cases(connection: asyncpg.Connection, asked: Asked) -> list[asyncpg.Record]:
    """What was sold and cannot be served, the oldest first; one more than are shown."""
    found: list[asyncpg.Record] = await connection.fetch(
        _OPEN_CASES, asked.channels, asked.text, CASES_MAX + 1
    )
    return found


async def known_channels(connection: asyncpg.Connection) -> list[str]:
    """The channels of orders and of availability, by name; a look at each, not at each row."""
    found: set[str] = set()
    for table in ("orders", "availability"):
        rows = await connection.fetch(_CHANNELS.format(table))
        found.update(row["channel"] for row in rows)
    return sorted(found)


async def order_of(
    connection: asyncpg.Connection, channel: str, order: str, *, with_ledger: bool
) -> Order:
    """Everything about one order; of the ledger's side only ``with_ledger``."""
    row = await connection.fetchrow(_ONE, channel, order)
    name = f"{channel}/{order}" if row is None else row["ledger_order"]
    return Order(
        row,
        await connection.fetch(_HISTORY, channel, order, HISTORY_MAX),
        await connection.fetch(_PARCELS, channel, order),
        await connection.fetch(_CASES, channel, order),
        await connection.fetch(_DEMANDS, name) if with_ledger else None,
        await connection.fetch(_ANSWERS, name, HISTORY_MAX) if with_ledger else None,
    )
