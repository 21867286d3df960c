"""How the read model stands: counts, freshness and the projector's pulse."""

from __future__ import annotations

from datetime import UTC, datetime

import asyncpg
from pydantic import BaseModel, Field

COUNT_MAX = 100_000
STALE_MS = 15_000
"""Without a beat of any projector for so long, it is down or hangs."""

TABLES = (
    "positions",
    "sku_summaries",
    "availability",
    "journal",
    "demand_lines",
    "reservation_status",
    "exceptions",
    "deliveries",
    "unreadable",
)


class TopicState(BaseModel):
    """How far one topic is in the tables."""

    topic: str
    partitions: int
    records: int = Field(description="Sum of next offsets; transaction markers included.")
    lag: int = Field(description="Records known to be unread at the last look.")
    age_ms: int | None = Field(
        description="All that was committed this long ago is in; null: unknown."
    )


class ProjectorState(BaseModel):
    """The projector as its tables show it."""

    alive: bool = Field(description=f"A projector has beaten within {STALE_MS} ms.")
    beat_age_ms: int | None
    lag: int
    age_ms: int | None
    topics: list[TopicState]


class Count(BaseModel):
    """Rows of a table; beyond 100,000 PostgreSQL's own estimate."""

    table: str
    rows: int
    exact: bool


_TOPICS = """
SELECT o.topic, count(*) AS partitions, sum(o.next_offset)::bigint AS records,
    coalesce(sum(f.lag), 0)::bigint AS lag, count(f.complete_until) AS known,
    min(f.complete_until) AS complete_until
FROM offsets o LEFT JOIN freshness f USING (topic, partition) GROUP BY o.topic ORDER BY o.topic
"""


async def projector_state(connection: asyncpg.Connection) -> ProjectorState:
    """Lag and age of the read model, by topic and all in all."""
    now = datetime.now(UTC)
    beat_at = await connection.fetchval("SELECT max(beat_at) FROM projectors")
    topics = [
        TopicState(
            topic=row["topic"],
            partitions=row["partitions"],
            records=row["records"],
            lag=row["lag"],
            age_ms=_age_ms(now, row["complete_until"])
            if row["known"] == row["partitions"]
            else None,
        )
        for row in await connection.fetch(_TOPICS)
    ]
    ages = [topic.age_ms for topic in topics]
    known = [age for age in ages if age is not None]
    beat_age_ms = _age_ms(now, beat_at)
    return ProjectorState(
        alive=beat_age_ms is not None and beat_age_ms <= STALE_MS,
        beat_age_ms=beat_age_ms,
        lag=sum(topic.lag for topic in topics),
        age_ms=max(known) if known and len(known) == len(ages) else None,
        topics=topics,
    )


def _age_ms(now: datetime, then: datetime | None) -> int | None:
    return None if then is None else max(int((now - then).total_seconds() * 1000), 0)


async def counts(connection: asyncpg.Connection) -> list[Count]:
    """How many rows the tables have."""
    found = []
    for table in TABLES:
        rows = await connection.fetchval(
            f"SELECT count(*) FROM (SELECT FROM {table} LIMIT $1) AS counted",  # noqa: S608 - our own names
            COUNT_MAX + 1,
        )
        exact = rows <= COUNT_MAX
        if not exact:
            estimate = await connection.fetchval(
                "SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass($1)", table
            )
            rows = max(estimate or 0, rows)
        found.append(Count(table=table, rows=rows, exact=exact))
    return found
