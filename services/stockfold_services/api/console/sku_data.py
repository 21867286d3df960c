"""What the page of a SKU shows, read in one snapshot, as far as the caller may see it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from stockfold.contracts.topics import JOURNAL, POSITIONS
from stockfold.explain.entry import Evidence, evidence
from stockfold.explain.listing_states import ListingState
from stockfold_services.api.console.demands import Asked, Demand, open_demands
from stockfold_services.api.freshness import as_of_sku
from stockfold_services.api.history import COLUMNS, entry_of
from stockfold_services.api.models import AsOf
from stockfold_services.api.routes.listings import listing_states
from stockfold_services.api.scope import Reach

CHANNELS_MAX = 200
DEMANDS_MAX = 25
EXCEPTIONS_MAX = 10
FACTS_PER_PAGE = 15

_POSITIONS = """
SELECT location, on_hand, quality_hold, damaged, in_transit, reserved, allocated, atp, expected
FROM positions WHERE sku = $1 AND ($2::text[] IS NULL OR location = ANY($2)) ORDER BY location
"""
_SUMMARY = "SELECT backordered, fences, limits FROM sku_summaries WHERE sku = $1"
_ITEM = "SELECT name, category, base_unit, active, kit FROM items WHERE sku = $1"
_ALIASES = "SELECT scope, code FROM aliases WHERE sku = $1 AND active ORDER BY scope, code LIMIT 50"
_EXCEPTIONS = """
SELECT partition || '-' || record_offset AS id, kind, folded, reason, remedy, recorded_at,
    correlation_id
FROM exceptions WHERE sku = $1
ORDER BY recorded_at DESC, partition DESC, record_offset DESC LIMIT $2
"""
_FACTS = f"""
SELECT {COLUMNS} FROM journal WHERE sku = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3
"""  # noqa: S608 - our own names
_NUMBERS = ("on_hand", "quality_hold", "damaged", "in_transit", "reserved", "allocated")


class Standing(NamedTuple):
    """A SKU as it is. Positions and what follows from them are None where they may not be seen."""

    sku: str
    item: asyncpg.Record | None
    aliases: list[asyncpg.Record]
    positions: list[asyncpg.Record] | None
    totals: dict[str, int]
    summary: asyncpg.Record | None
    channels: list[ListingState] | None
    demands: list[Demand] | None
    more_demands: bool
    exceptions: list[asyncpg.Record] | None
    as_of: AsOf

    @property
    def is_known(self) -> bool:
        """Whether there is anything to show."""
        return bool(
            self.as_of.seq is not None
            or self.positions
            or self.channels
            or self.summary
            or self.exceptions
            or (self.item is not None and self.item["active"])
        )


class Facts(NamedTuple):
    """A page of a SKU's journal, the newest first; ``before`` is where the next page begins."""

    facts: list[Evidence]
    before: int | None


async def standing(connection: asyncpg.Connection, sku: str, reach: Reach) -> Standing:
    """Read a SKU as it is."""
    whole = reach.is_whole
    positions: list[asyncpg.Record] | None = None
    if reach.locations is None or reach.locations:
        positions = await connection.fetch(_POSITIONS, sku, reach.locations)
    channels = await _channels(connection, sku, reach)
    demands, more = await _demands(connection, sku, reach)
    return Standing(
        sku,
        await connection.fetchrow(_ITEM, sku) if whole else None,
        await connection.fetch(_ALIASES, sku) if whole else [],
        positions,
        _totals(positions or []),
        await connection.fetchrow(_SUMMARY, sku) if whole else None,
        channels,
        demands,
        more,
        await connection.fetch(_EXCEPTIONS, sku, EXCEPTIONS_MAX) if whole else None,
        await as_of_sku(connection, sku, POSITIONS, JOURNAL) if whole else AsOf(),
    )


async def _channels(
    connection: asyncpg.Connection, sku: str, reach: Reach
) -> list[ListingState] | None:
    if reach.channels is None:
        return await listing_states(connection, None, sku, None, (None, None), CHANNELS_MAX)
    if not reach.channels:
        return None
    found: list[ListingState] = []
    for channel in reach.channels[:CHANNELS_MAX]:
        found += await listing_states(connection, channel, sku, None, (None, None), 1)
    return found


async def _demands(
    connection: asyncpg.Connection, sku: str, reach: Reach
) -> tuple[list[Demand] | None, bool]:
    if reach.channels is not None and not reach.channels:
        return None, False
    asked = Asked(sku=sku, channels=reach.channels)
    found, more = await open_demands(connection, asked, None, DEMANDS_MAX)
    return found, more is not None


def _totals(positions: Sequence[asyncpg.Record]) -> dict[str, int]:
    totals = {name: sum(row[name] for row in positions) for name in _NUMBERS}
    totals["atp"] = sum(max(row["atp"], 0) for row in positions)
    totals["deficit"] = sum(max(-row["atp"], 0) for row in positions)
    totals["expected"] = sum(line["quantity"] for row in positions for line in row["expected"])
    return totals


async def facts_before(connection: asyncpg.Connection, sku: str, before: int) -> Facts:
    """The facts below number ``before``, the newest first."""
    rows = await connection.fetch(_FACTS, sku, before, FACTS_PER_PAGE)
    facts = [evidence(entry_of(row)) for row in rows]
    return Facts(facts, facts[-1].seq if facts and facts[-1].seq > 1 else None)


async def recorded_at(connection: asyncpg.Connection, sku: str, seq: int) -> datetime | None:
    """When the fact of this number was recorded; None when there is none."""
    moment: Any = await connection.fetchval(
        "SELECT recorded_at FROM journal WHERE sku = $1 AND seq = $2", sku, seq
    )
    return moment if isinstance(moment, datetime) else None
