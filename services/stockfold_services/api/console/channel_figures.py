"""Everything that is known of a channel, gathered from where each is: Kafka, or the read model.

What cannot be told is None, and the page says so; the rest is shown all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import msgspec
from fastapi import Request

from stockfold.contracts.channel_proofs import Standing
from stockfold.contracts.connections import ConnectionState
from stockfold.domain.errors import StockfoldError
from stockfold.runtime.channel_checks import read_checks
from stockfold.runtime.channel_control import Control, read_controls
from stockfold.runtime.channel_coverage import Admission, Waiver, read_coverage
from stockfold.runtime.channel_modes import ChannelMode
from stockfold.runtime.connections import read_connections
from stockfold.runtime.kafka_errors import kafka_errors
from stockfold.runtime.reconciliations import last
from stockfold.runtime.settings import Settings
from stockfold.runtime.shadow_reports import ShadowReport, newest_reports
from stockfold_services.api.channels import Channels
from stockfold_services.api.console.bounded import Bounded
from stockfold_services.api.database import Database
from stockfold_services.api.problems import Problem
from stockfold_services.api.proofs import Proofs
from stockfold_services.api.routes.listings import DIFFERS

_OUTCOMES = """
SELECT channel, outcome, count(*) AS count FROM delivery_history
WHERE finished_at > now() - interval '1 hour' AND ($1::text IS NULL OR channel = $1)
GROUP BY 1, 2 ORDER BY 1, 3 DESC
"""
_TIMES = """
SELECT count(*) AS applied,
percentile_disc(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY took_us) AS at
FROM delivery_history
WHERE finished_at > now() - interval '1 hour' AND took_us IS NOT NULL AND attempts > 0
AND channel = $1
"""
_DRIFT = f"""
SELECT channel, differs, count(*) AS count FROM (
    SELECT a.channel, {DIFFERS} AS differs
    FROM availability a LEFT JOIN listings l USING (channel, sku)
    WHERE $1::text IS NULL OR a.channel = $1
) AS listing GROUP BY 1, 2
"""  # noqa: S608 - our own names
_TROUBLED = """
SELECT sku, version, quantity, outcome, attempts, detail, finished_at, correlation_id
FROM deliveries
WHERE channel = $1 AND outcome NOT IN ('applied', 'superseded', 'shadow')
ORDER BY finished_at DESC LIMIT 20
"""
_DIFFERING = f"""
SELECT * FROM (
    SELECT a.sku, a.version, a.quantity, l.observed_quantity, l.applied_quantity, l.detail,
    {DIFFERS} AS differs
    FROM availability a LEFT JOIN listings l USING (channel, sku) WHERE a.channel = $1
) AS listing WHERE differs <> '' AND differs <> 'shadow' ORDER BY sku LIMIT 20
"""  # noqa: S608 - our own names
_NEWEST = """
SELECT sku, version, quantity, outcome, took_us, finished_at, correlation_id
FROM delivery_history
WHERE channel = $1 AND outcome = 'applied' AND attempts > 0
ORDER BY finished_at DESC LIMIT 10
"""


class OnKafka(msgspec.Struct, frozen=True):
    """What the topics tell of all channels."""

    controls: Mapping[str, Control]
    told: Mapping[str, Sequence[ConnectionState]]
    waivers: Mapping[str, Mapping[str, Waiver]]
    admissions: Mapping[str, Admission | None]
    reports: Mapping[str, ShadowReport]
    checks: Mapping[str, Mapping[str, Any]]


class InTables(msgspec.Struct, frozen=True):
    """What the read model tells of a channel; counts of the last hour."""

    outcomes: dict[str, int]
    drift: dict[str, int]
    applied: int
    times_us: tuple[int, ...]
    troubled: list[dict[str, Any]]
    differing: list[dict[str, Any]]
    newest: list[dict[str, Any]]


class Figures(msgspec.Struct, frozen=True):
    """A channel."""

    mode: ChannelMode | None
    kafka: OnKafka | None
    tables: InTables | None
    proof: Standing | None
    reconciled: Mapping[str, Any] | None
    troubles: list[str]


async def figures_of(request: Request, channel: str) -> Figures:
    """Everything of one channel. Raises nothing: ``troubles`` say what could not be told."""
    settings: Settings = request.app.state.settings
    bounded: Bounded = request.app.state.bounded
    modes: Channels = request.app.state.modes
    proofs: Proofs = request.app.state.proofs
    found = await asyncio.gather(
        modes.all(),
        bounded.look(on_kafka, settings),
        _in_tables(request, channel),
        proofs.all(),
        bounded.look(_reconciled, settings, channel),
        return_exceptions=True,
    )
    troubles = []
    for one in found:
        if isinstance(one, (StockfoldError, Problem)):
            troubles.append(str(one))
        elif isinstance(one, BaseException):
            raise one
    known, kafka, tables, standings, reconciled = (
        None if isinstance(one, BaseException) else one for one in found
    )
    return Figures(
        next((one for one in known or () if one.channel == channel), None),
        kafka,
        tables,
        next((one for one in standings or () if one.channel == channel), None),
        reconciled,
        list(dict.fromkeys(troubles)),
    )


def on_kafka(settings: Settings) -> OnKafka:
    """Of all channels. UnavailableError; for a thread."""
    names = [channel.name for channel in settings.channels]
    with kafka_errors(
        "what the channels shall do was not read",
        where=f"Kafka at {settings.kafka.bootstrap}",
        remedy="Check the broker, then try again.",
    ):
        controls, coverage = read_controls(settings), read_coverage(settings)
        return OnKafka(
            {name: controls.of(name) for name in names},
            read_connections(settings),
            {name: coverage.waivers(name) for name in names},
            {name: coverage.admission(name) for name in names},
            newest_reports(settings),
            read_checks(settings),
        )


def _reconciled(settings: Settings, channel: str) -> Mapping[str, Any] | None:
    with kafka_errors(
        f"the last reconciliation of {channel} was not read",
        where=f"Kafka at {settings.kafka.bootstrap}",
        remedy="Check the broker, then try again.",
    ):
        return last(settings, channel)


async def _in_tables(request: Request, channel: str) -> InTables:
    database: Database = request.app.state.database
    async with database.reading() as connection:
        outcomes = await connection.fetch(_OUTCOMES, channel)
        drift = await connection.fetch(_DRIFT, channel)
        times = await connection.fetchrow(_TIMES, channel)
        return InTables(
            {row["outcome"]: row["count"] for row in outcomes},
            {row["differs"]: row["count"] for row in drift},
            times["applied"],
            tuple(times["at"] or ()),
            _rows(await connection.fetch(_TROUBLED, channel)),
            _rows(await connection.fetch(_DIFFERING, channel)),
            _rows(await connection.fetch(_NEWEST, channel)),
        )


def _rows(rows: Sequence[asyncpg.Record]) -> list[dict[str, Any]]:
    return [dict(row) for row in rows]


async def drift_of_all(request: Request) -> dict[str, dict[str, int]]:
    """By channel, how many listings differ and how. UnavailableError."""
    database: Database = request.app.state.database
    found: dict[str, dict[str, int]] = {}
    async with database.reading() as connection:
        for row in await connection.fetch(_DRIFT, None):
            found.setdefault(row["channel"], {})[row["differs"]] = row["count"]
    return found
