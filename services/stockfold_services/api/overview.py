"""How the read model stands: counts, freshness and the projector's pulse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from pydantic import BaseModel, Field

COUNT_MAX = 100_000
STALE_MS = 15_000
"""Without a beat of any projector for so long, it is down or hangs."""
SILENT_MS = 60_000
"""An instance of availability that has not said for so long how far it is, is not at it."""

TABLES = (
    "positions",
    "sku_summaries",
    "availability",
    "journal",
    "demand_lines",
    "reservation_status",
    "exceptions",
    "deliveries",
    "listings",
    "order_cases",
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


class Reevaluation(BaseModel):
    """An instance of availability that looks at listings again: policies or time have changed."""

    instance: str
    channels: list[str] = Field(description="The channels that it is about.")
    began_at: datetime
    age_ms: int = Field(description="How long ago it said so; it says so every two seconds.")
    listings: int = Field(description="Channels and SKUs that it has had to look at, at the least.")
    left: int = Field(description="Those to be looked at, or told.")
    unseen: int = Field(
        description="Those to be looked at. What falls to zero is told as it is seen: at 0, all of "
        "that is told."
    )
    zeros: int = Field(description="Those told by now that fell to zero: they come first.")
    per_s: float = Field(description="Listings done in a second, since it began.")
    left_s: int | None = Field(description="Seconds that it lasts still at that rate.")


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


_REEVALUATION = """
SELECT instance, channels, began_at, recorded_at, listings, unseen, unseen + untold AS left, zeros
FROM reevaluation WHERE unseen + untold > 0 AND recorded_at > $1 ORDER BY instance
"""


async def reevaluations(connection: asyncpg.Connection) -> list[Reevaluation]:
    """The instances of availability that are at it now; one that has fallen silent is not."""
    now = datetime.now(UTC)
    rows = await connection.fetch(_REEVALUATION, now - timedelta(milliseconds=SILENT_MS))
    return [_reevaluation(dict(row), now) for row in rows]


def _reevaluation(row: dict[str, Any], now: datetime) -> Reevaluation:
    recorded_at = row.pop("recorded_at")
    lasted_s = (recorded_at - row["began_at"]).total_seconds()
    per_s = (row["listings"] - row["left"]) / lasted_s if lasted_s > 0 else 0.0
    return Reevaluation(
        **row,
        age_ms=max(int((now - recorded_at).total_seconds() * 1000), 0),
        per_s=round(per_s, 1),
        left_s=round(row["left"] / per_s) if per_s > 0 else None,
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
