"""The overview's figures out of the read model: what the last while brought, and what is open."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

import asyncpg

from stockfold.runtime.metrics_settings import ObjectivesSettings

WHILE = timedelta(minutes=15)
"""How far back figures about pace and failures look."""
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ROWS_MAX = 200_000
"""Rows that a figure looks at: of more, the latest."""

_CHANNELS = """
SELECT channel, count(*) AS sent,
    count(*) FILTER (WHERE outcome = 'applied') AS applied,
    count(*) FILTER (WHERE outcome IN ('rejected', 'unmapped', 'gave_up')) AS failed,
    coalesce(sum(greatest(attempts - 2, 0)), 0)::bigint AS retries,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY took_us) / 1000.0 AS typical_ms,
    percentile_disc(0.95) WITHIN GROUP (ORDER BY took_us) / 1000.0 AS slow_ms
FROM (
    SELECT * FROM delivery_history WHERE finished_at > now() - $1::interval
    ORDER BY finished_at DESC LIMIT $2
) AS late GROUP BY channel
"""
_WAITING = """
SELECT channel, count(*) AS waiting FROM listings WHERE outcome <> 'applied' GROUP BY channel
"""
_EXCEPTIONS = """
SELECT kind, count(*) AS raised, max(recorded_at) AS last_at FROM (
    SELECT kind, recorded_at FROM exceptions WHERE recorded_at > now() - $1::interval
    ORDER BY recorded_at DESC LIMIT $2
) AS late GROUP BY kind ORDER BY raised DESC, kind
"""
_CASES = """
SELECT kind, count(*) AS open, coalesce(sum(missing), 0)::bigint AS missing, min(opened_at) AS since
FROM order_cases WHERE state = 'open' GROUP BY kind ORDER BY open DESC, kind
"""
_SHORT = "SELECT count(*) FROM (SELECT FROM positions WHERE atp < 0 LIMIT $1) AS short"
_PROPAGATED = """
SELECT count(*) AS told, count(*) FILTER (
    WHERE outcome <> 'gave_up' AND finished_at - caused_at <= make_interval(secs => $3)
) AS good FROM (
    SELECT outcome, finished_at, caused_at FROM delivery_history
    WHERE finished_at > now() - $1::interval AND caused_at IS NOT NULL
    AND outcome IN ('applied', 'gave_up')
    ORDER BY finished_at DESC LIMIT $2
) AS late
"""
_INGESTED = """
SELECT count(*) AS told, count(*) FILTER (
    WHERE recorded_at - caused_at <= make_interval(secs => $3)
) AS good FROM (
    SELECT recorded_at, caused_at FROM orders
    WHERE recorded_at > now() - $1::interval AND caused_at IS NOT NULL
    ORDER BY recorded_at DESC LIMIT $2
) AS late
"""


class ChannelPace(NamedTuple):
    """What a channel was sent in the last while. Times are of one request, in milliseconds.

    ``retries`` are requests beyond two for a listing: the first look-up and the write are none.
    """

    channel: str
    sent: int
    applied: int
    failed: int
    retries: int
    typical_ms: float | None
    slow_ms: float | None
    waiting: int


class Raised(NamedTuple):
    """Exceptions of a kind within a day."""

    kind: str
    raised: int
    last_at: object


class Cases(NamedTuple):
    """Open order cases of a kind, with the units that are missing."""

    kind: str
    open: int
    missing: int
    since: object


class Kept(NamedTuple):
    """How much of what was promised was kept: ``good`` of ``told`` in the last hour."""

    name: str
    within_s: float
    percent: float
    told: int
    good: int

    @property
    def reached(self) -> float | None:
        """What part was in time, in percent; None when there was nothing."""
        return 100 * self.good / self.told if self.told else None

    @property
    def holds(self) -> bool:
        """Whether that is as much as was promised."""
        return self.reached is None or self.reached >= self.percent


class Figures(NamedTuple):
    """Everything of the read model that the overview shows."""

    channels: list[ChannelPace]
    exceptions: list[Raised]
    cases: list[Cases]
    short: int


async def kept(connection: asyncpg.Connection, objectives: ObjectivesSettings) -> list[Kept]:
    """How the objectives were kept within the last hour, as far as the read model can say."""
    found = []
    for name, sql, objective in (
        ("Orders taken in", _INGESTED, objectives.order_ingestion),
        ("Stock shown in the shops", _PROPAGATED, objectives.inventory_propagation),
    ):
        row = await connection.fetchrow(sql, HOUR, ROWS_MAX, objective.within_s)
        found.append(Kept(name, objective.within_s, objective.percent, row["told"], row["good"]))
    return found


async def figures(connection: asyncpg.Connection) -> Figures:
    """The figures as of one snapshot of the read model."""
    waiting = {row["channel"]: row["waiting"] for row in await connection.fetch(_WAITING)}
    paces = {row["channel"]: row for row in await connection.fetch(_CHANNELS, WHILE, ROWS_MAX)}
    return Figures(
        channels=[
            ChannelPace(**dict(paces[name]), waiting=waiting.get(name, 0))
            if name in paces
            else ChannelPace(name, 0, 0, 0, 0, None, None, waiting[name])
            for name in sorted(paces.keys() | waiting.keys())
        ],
        exceptions=[Raised(**dict(r)) for r in await connection.fetch(_EXCEPTIONS, DAY, ROWS_MAX)],
        cases=[Cases(**dict(row)) for row in await connection.fetch(_CASES)],
        short=await connection.fetchval(_SHORT, ROWS_MAX),
    )
