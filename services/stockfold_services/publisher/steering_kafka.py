"""The steering of a connection, put together from its settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stockfold.domain.errors import UnavailableError
from stockfold.runtime.beside import beside
from stockfold.runtime.channel_control import publish_control, read_baselines
from stockfold.runtime.clock import Clock
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold_services.publisher.baselines import Baselines, BaselineStore
from stockfold_services.publisher.gate import Gate, follow_controls
from stockfold_services.publisher.guards import Guards
from stockfold_services.publisher.mode import Mode
from stockfold_services.publisher.steering import Steering
from stockfold_services.publisher.upstream import watch_upstream


@asynccontextmanager
async def steering_of(
    settings: Settings,
    channel: ChannelSettings,
    mode: Mode,
    store: BaselineStore,
    clock: Clock,
    stop: asyncio.Event,
) -> AsyncIterator[Steering]:
    """How one connection is steered, once its control was read, while the context is open.

    UnavailableError when it is to stop before that.
    """
    gate = Gate(channel.name)
    async with (
        follow_controls(settings, gate.apply, f"publisher.{channel.name}") as followed,
        watch_upstream(settings, channel.guards.upstream_minutes, clock) as upstream,
    ):
        known = asyncio.Event()
        await _either(known, followed.known, stop)
        if not followed.known.is_set():
            raise UnavailableError(
                "stopped before it was read what the channel shall do",
                where=f"channel {channel.name}",
                remedy="None needed.",
            )
        yield Steering(
            gate,
            Guards(channel.guards),
            Baselines(channel.name, lambda told: read_baselines(settings, told), store, clock),
            mode,
            lambda control: asyncio.to_thread(publish_control, settings, control),
            clock,
            upstream.stale_s,
        )


@asynccontextmanager
async def until_turned(stop: asyncio.Event, steering: Steering) -> AsyncIterator[asyncio.Event]:
    """Gives an event that is set at ``stop``, and when the connection has to start anew."""
    ended = asyncio.Event()
    async with beside(_either(ended, stop, steering.turned)):
        yield ended


async def _either(ended: asyncio.Event, *events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        ended.set()
    finally:
        for wait in waits:
            wait.cancel()
