"""What the api sees of everybody else, as metrics: of services that are dead, too.

From Kafka how far the consumer groups are, from the read model what is wrong with stock and orders.
It looks only where metrics are told: to Prometheus or to a collector.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from stockfold.domain.errors import StockfoldError
from stockfold.domain.times import SECOND_US
from stockfold.runtime.beside import beside
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.settings import Settings
from stockfold.runtime.telemetry import measures
from stockfold.runtime.telemetry.declare import are_told
from stockfold_services.api.console.queues import Queues
from stockfold_services.api.console.rebuilds import all_generations
from stockfold_services.api.database import Database
from stockfold_services.api.overview import projector_state

LOOK_S = 15.0
TABLES_EVERY_LOOKS = 4
"""Two of the questions about the read model step through all positions."""

_NEGATIVE = "SELECT count(*) FROM positions WHERE on_hand < 0"
_OVERSOLD = "SELECT count(*) FROM positions WHERE atp < 0 AND reserved + allocated > 0"
_CASES = """
SELECT kind, count(*) AS cases, max(extract(epoch FROM now() - opened_at))::float8 AS oldest_s
FROM order_cases WHERE state = 'open' GROUP BY kind
"""
_LISTINGS = """
SELECT channel, outcome, count(*) AS listings FROM listings WHERE outcome <> 'applied'
GROUP BY channel, outcome
"""


@asynccontextmanager
async def observing(settings: Settings, database: Database, queues: Queues) -> AsyncIterator[None]:
    """Look now and then while the context is open."""
    if not are_told(settings):
        yield
        return
    async with beside(_watch(settings, database, queues)):
        yield


async def _watch(settings: Settings, database: Database, queues: Queues) -> None:
    looks = 0
    while True:
        look_at_groups(queues)
        with contextlib.suppress(StockfoldError):  # Questions are answered with 503 meanwhile.
            async with database.reading() as connection:
                await look_at_projector(connection)
                if looks % TABLES_EVERY_LOOKS == 0:
                    await look_at_tables(connection)
                ends = {} if queues.now is None else queues.now.ends
                found = await all_generations(connection, settings, ends)
                building = [one for one in found if one.state == "building"]
                measures.REBUILDS.set(len(building))
                measures.REBUILD_PART.set(min((one.part for one in building), default=1.0))
            measures.READ_MODEL_SEEN.set(_now_s())
            looks += 1
        await asyncio.sleep(LOOK_S)


def look_at_groups(queues: Queues) -> None:
    """Tell how far every consumer group was when Kafka was asked last."""
    sample = queues.now
    if sample is None:
        return
    measures.GROUP_LAG.clear()
    for group, topics in sample.behind.items():
        for topic, lag in topics.items():
            measures.GROUP_LAG.labels(group, topic).set(lag)
    measures.GROUPS_SEEN.set(_now_s() - (time.monotonic() - sample.at_s))


async def look_at_projector(connection: asyncpg.Connection) -> None:
    """Tell how fresh the tables are."""
    state = await projector_state(connection)
    measures.PROJECTOR_ALIVE.set(state.alive)
    if state.age_ms is not None:
        measures.READ_MODEL_AGE.set(state.age_ms / 1000)


async def look_at_tables(connection: asyncpg.Connection) -> None:
    """Tell what is wrong with stock, orders and listings."""
    measures.STOCK_NEGATIVE.set(await connection.fetchval(_NEGATIVE))
    measures.STOCK_OVERSOLD.set(await connection.fetchval(_OVERSOLD))
    cases = await connection.fetch(_CASES)
    measures.CASES_OPEN.clear()
    for row in cases:
        measures.CASES_OPEN.labels(row["kind"]).set(row["cases"])
    measures.CASES_OLDEST.set(max((row["oldest_s"] for row in cases), default=0))
    listings = await connection.fetch(_LISTINGS)
    measures.LISTINGS_OPEN.clear()
    for row in listings:
        measures.LISTINGS_OPEN.labels(row["channel"], row["outcome"]).set(row["listings"])


def _now_s() -> float:
    return SYSTEM_CLOCK.now_us() / SECOND_US
