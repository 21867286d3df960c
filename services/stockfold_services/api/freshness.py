"""Which state an answer shows, how old it is, and waiting for one's own writes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import asyncpg

from stockfold.contracts.topics import JOURNAL, Topic
from stockfold_services.api.database import Database
from stockfold_services.api.models import AsOf
from stockfold_services.api.problems import Problem

POLL_S_MIN = 0.02
POLL_S_MAX = 0.25
WAITERS_MAX = 64
LEDGER_BATCH_FACTS_MAX = 20_000
"""Facts of one SKU that one transaction of the ledger may hold, generously."""

_FRESHNESS = """
SELECT count(*) AS places, count(complete_until) AS known, min(complete_until) AS complete_until,
       coalesce(sum(lag), 0)::bigint AS lag
FROM freshness WHERE topic = ANY($1)
"""

# One row, whatever is known; others join their tables to it, and ask once for both.
AS_OF_SKU = """
SELECT head.partition AS head_partition, head.record_offset AS head_offset, head.seq AS head_seq,
    fresh.*
FROM (SELECT) AS one
LEFT JOIN LATERAL (
    SELECT partition, record_offset, seq FROM journal WHERE sku = $1 ORDER BY seq DESC LIMIT 1
) AS head ON true
CROSS JOIN LATERAL (
    SELECT count(*) AS places, count(complete_until) AS known,
        min(complete_until) AS complete_until, coalesce(sum(lag), 0)::bigint AS lag
    FROM freshness
    WHERE topic = ANY($2) AND (head.partition IS NULL OR partition = head.partition)
) AS fresh
"""

# A ledger batch journals facts and then writes each position that they changed, once, numbered by
# the SKU's last fact of the batch. So positions hold every fact up to $2 when the journal has it
# and no place it names stands behind a fact that changed it: looking from the newest number that
# positions have, and into the batch of that number, whose positions may have come in part.
_POSITIONS_HOLD = """
WITH known AS (
    SELECT seq, recorded_at FROM positions WHERE sku = $1
    UNION ALL SELECT seq, recorded_at FROM sku_summaries WHERE sku = $1
), newest AS (
    SELECT coalesce(max(seq), 0) AS seq, max(recorded_at) AS recorded_at FROM known
    WHERE seq = (SELECT max(seq) FROM known)
)
SELECT EXISTS (SELECT FROM journal WHERE sku = $1 AND seq >= $2) AND NOT EXISTS (
    SELECT FROM newest n, journal j CROSS JOIN LATERAL unnest(j.places) AS place
    LEFT JOIN positions p ON place <> '' AND p.sku = j.sku AND p.location = place
    LEFT JOIN sku_summaries s ON place = '' AND s.sku = j.sku
    WHERE j.sku = $1 AND j.seq <= $2 AND j.seq > n.seq - $3
    AND (j.seq > n.seq OR j.recorded_at = n.recorded_at)
    AND coalesce(p.seq, s.seq, 0) < j.seq
)
"""
_JOURNAL_HOLDS = "SELECT EXISTS (SELECT FROM journal WHERE sku = $1 AND seq >= $2)"


async def as_of_sku(connection: asyncpg.Connection, sku: str, *topics: Topic) -> AsOf:
    """The state of one SKU's answer, read from the tables of ``topics``."""
    row = await connection.fetchrow(AS_OF_SKU, sku, [topic.name for topic in topics])
    return AsOf(**as_of_row(row))


def as_of_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """The state that a row with the columns of ``AS_OF_SKU`` tells, as ``AsOf`` shows it."""
    return {
        "partition": row["head_partition"],
        "offset": row["head_offset"],
        "seq": row["head_seq"],
        "offsets": None,
        "age_ms": _age_ms(row),
        "lag": row["lag"],
    }


async def as_of_all(connection: asyncpg.Connection, *topics: Topic) -> AsOf:
    """The state of an answer about many SKUs."""
    rows = await connection.fetch(
        "SELECT partition, next_offset FROM offsets WHERE topic = $1 ORDER BY partition",
        JOURNAL.name,
    )
    fresh = await connection.fetchrow(_FRESHNESS, [topic.name for topic in topics])
    offsets = {row["partition"]: row["next_offset"] for row in rows}
    return AsOf(offsets=offsets, age_ms=_age_ms(fresh), lag=fresh["lag"])


def _age_ms(row: Mapping[str, Any]) -> int | None:
    """How old the tables are; None while that of a place is not known."""
    if not row["places"] or row["known"] < row["places"]:
        return None
    age = datetime.now(UTC) - row["complete_until"]
    return max(int(age.total_seconds() * 1000), 0)


class Waiting:
    """Holds answers back until the read model has what the caller wrote."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting = 0

    async def for_positions(self, sku: str, min_seq: int | None, wait_ms: int) -> None:
        """Until positions hold the SKU's facts up to ``min_seq``; Problem 503 when not in time."""

        async def holds(connection: asyncpg.Connection, number: int) -> bool:
            return bool(
                await connection.fetchval(_POSITIONS_HOLD, sku, number, LEDGER_BATCH_FACTS_MAX)
            )

        await self._until(holds, sku, min_seq, wait_ms)

    async def for_journal(self, sku: str, min_seq: int | None, wait_ms: int) -> None:
        """Until the journal holds the SKU's fact ``min_seq``; Problem 503 when not in time."""

        async def holds(connection: asyncpg.Connection, number: int) -> bool:
            return bool(await connection.fetchval(_JOURNAL_HOLDS, sku, number))

        await self._until(holds, sku, min_seq, wait_ms)

    async def _until(
        self,
        holds: Callable[[asyncpg.Connection, int], Awaitable[bool]],
        sku: str,
        min_seq: int | None,
        wait_ms: int,
    ) -> None:
        if min_seq is None:
            return
        if self._waiting >= WAITERS_MAX:
            raise Problem(503, "Too many wait", f"{WAITERS_MAX} requests wait already.")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_ms / 1000
        pause_s = POLL_S_MIN
        self._waiting += 1
        try:
            while True:
                async with self._database.reading() as connection:
                    if await holds(connection, min_seq):
                        return
                left_s = deadline - loop.time()
                if left_s <= 0:
                    raise Problem(
                        503,
                        "Not there yet",
                        f"The read model does not hold fact {min_seq} of SKU {sku!r} yet.",
                        min_seq=min_seq,
                    )
                await asyncio.sleep(min(pause_s, left_s))
                pause_s = min(pause_s * 1.5, POLL_S_MAX)
        finally:
            self._waiting -= 1
