"""How a connection stands, told every few seconds: what is in its memory alone, and people ask for.

It goes to a compacted topic, so that a console on any machine has it, and has the last of it after
the publisher is gone. Losing one changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from aiokafka.errors import KafkaError

from stockfold.contracts.connections import ConnectionState
from stockfold.domain.times import SECOND_US
from stockfold.runtime.beside import beside
from stockfold.runtime.clock import Clock
from stockfold_services.publisher.connection import Connection
from stockfold_services.publisher.guards import Counts

log = logging.getLogger(__name__)

TELL_EVERY_S = 5.0


class Standings(Protocol):
    """Where it is told: ``KafkaDeliveries``, or a fake."""

    async def tell_connection(self, state: ConnectionState) -> None:
        """Return once it is on record."""
        ...


@asynccontextmanager
async def telling(
    connection: Connection, mode: str, standings: Standings, clock: Clock
) -> AsyncIterator[None]:
    """Tell how a connection stands while the context is open, whenever it has partitions."""
    async with beside(_tell(connection, mode, standings, clock)):
        yield


async def _tell(connection: Connection, mode: str, standings: Standings, clock: Clock) -> None:
    since_us = clock.now_us()
    while True:
        # Of two processes only the one with the partitions knows what waits.
        if connection.owns.watermarks:
            try:
                state = state_of(connection, mode, since_us, clock)
                connection.meter.waiting(state)
                await standings.tell_connection(state)
            except KafkaError as error:
                log.warning("channel %s: how it stands was not told: %r", connection.name, error)
        await asyncio.sleep(TELL_EVERY_S)


def state_of(connection: Connection, mode: str, since_us: int, clock: Clock) -> ConnectionState:
    """A connection as it stands now. Counts its listings."""
    now_us, now_s = clock.now_us(), clock.monotonic_s()
    backlog, pace, breaker = connection.backlog.standing(), connection.pace, connection.breaker
    steering = connection.steering
    counts = Counts() if steering is None else steering.counts()
    trouble, limits = breaker.trouble, pace.limits

    def at(then_s: float) -> int:
        return now_us + round((then_s - now_s) * SECOND_US)

    return ConnectionState(
        channel=connection.name,
        instance=f"{socket.gethostname()}/{os.getpid()}",
        since=since_us,
        told_at=now_us,
        mode=mode,
        settled=connection.owns.is_settled,
        owner=connection.lease.holds,
        listings=backlog.listings,
        waiting=backlog.waiting,
        zeros=backlog.zeros,
        delayed=backlog.delayed,
        held=backlog.held,
        accepted=backlog.accepted,
        oldest_at=backlog.oldest_us,
        outcomes=connection.done_count(),
        in_flight=connection.in_flight,
        at_once=pace.in_flight,
        at_once_max=limits.in_flight_max,
        requests_last_minute=pace.last_minute(now_s),
        requests_per_minute_max=_per_minute(limits.requests_per_s),
        item_us=None if pace.item_s is None else round(pace.item_s * SECOND_US),
        trouble="" if trouble is None else trouble.kind.value,
        trouble_code="" if trouble is None else trouble.code,
        trouble_detail="" if trouble is None else trouble.detail,
        trouble_since=None if trouble is None else at(breaker.troubled_since_s),
        rests_until=None if trouble is None else at(breaker.rests_until_s),
        zeros_counted=counts.zeros,
        zeros_limit=counts.zeros_limit,
        zeros_minutes=counts.zeros_minutes,
        changes_counted=counts.changes,
        changes_limit=counts.changes_limit,
        changes_minutes=counts.changes_minutes,
        stale_s=counts.stale_s,
        stale_minutes_max=counts.stale_minutes_max,
    )


def _per_minute(requests_per_s: float | None) -> int | None:
    return None if requests_per_s is None else round(requests_per_s * 60)
