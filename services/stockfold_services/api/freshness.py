"""Which state an answer shows, how old it is, and waiting for one's own writes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

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
FROM freshness WHERE topic = ANY($1) AND ($2::int IS NULL OR partition = $2)
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
    head = await connection.fetchrow(
        "SELECT partition, record_offset, seq FROM journal WHERE sku = $1 "
        "ORDER BY seq DESC LIMIT 1",
        sku,
    )
    partition = None if head is None else head["partition"]
    age_ms, lag = await _age(connection, partition, topics)
    if head is None:
        return AsOf(age_ms=age_ms, lag=lag)
    return AsOf(
        partition=partition,
        offset=head["record_offset"],
        seq=head["seq"],
        age_ms=age_ms,
        lag=lag,
    )


async def as_of_all(connection: asyncpg.Connection, *topics: Topic) -> AsOf:
    """The state of an answer about many SKUs."""
    rows = await connection.fetch(
        "SELECT partition, next_offset FROM offsets WHERE topic = $1 ORDER BY partition",
        JOURNAL.name,
    )
    age_ms, lag = await _age(connection, None, topics)
    return AsOf(offsets={r["partition"]: r["next_offset"] for r in rows}, age_ms=age_ms, lag=lag)


async def _age(
    connection: asyncpg.Connection, partition: int | None, topics: tuple[Topic, ...]
) -> tuple[int | None, int]:
    row = await connection.fetchrow(_FRESHNESS, [topic.name for topic in topics], partition)
    if not row["places"] or row["known"] < row["places"]:
        return None, row["lag"]
    age = datetime.now(UTC) - row["complete_until"]
    return max(int(age.total_seconds() * 1000), 0), row["lag"]


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
