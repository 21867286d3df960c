"""What the api sees of everybody else, as metrics: of services that are dead, too.

From Kafka how far the consumer groups are, from the read model what is wrong with stock and orders.
It looks only where somebody may ask: when metrics have a port.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from confluent_kafka import KafkaException

from stockfold.domain.errors import StockfoldError
from stockfold.domain.times import SECOND_US
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.group_lags import GroupLags
from stockfold.runtime.settings import Settings
from stockfold.runtime.telemetry import measures
from stockfold_services.api.database import Database
from stockfold_services.api.overview import projector_state

log = logging.getLogger(__name__)

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
async def observing(settings: Settings, database: Database) -> AsyncIterator[None]:
    """Look now and then while the context is open."""
    if settings.metrics.port is None:
        yield
        return
    tasks = [
        asyncio.create_task(_watch_groups(settings)),
        asyncio.create_task(_watch_tables(database)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _watch_groups(settings: Settings) -> None:
    lags = await asyncio.to_thread(GroupLags, settings)
    while True:
        try:
            found = await asyncio.to_thread(lags.look)
        except (KafkaException, StockfoldError) as error:
            log.warning("how far the consumer groups are was not seen: %s", error)
        else:
            for (group, topic), lag in found.items():
                measures.GROUP_LAG.labels(group, topic).set(lag)
            measures.GROUPS_SEEN.set(_now_s())
        await asyncio.sleep(LOOK_S)


async def _watch_tables(database: Database) -> None:
    looks = 0
    while True:
        with contextlib.suppress(StockfoldError):  # Questions are answered with 503 meanwhile.
            async with database.reading() as connection:
                await look_at_projector(connection)
                if looks % TABLES_EVERY_LOOKS == 0:
                    await look_at_tables(connection)
            measures.READ_MODEL_SEEN.set(_now_s())
            looks += 1
        await asyncio.sleep(LOOK_S)


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
