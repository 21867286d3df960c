"""The sweeper process: for every shop, what its webhooks missed.

Webhooks are hints: a shop tries none of them twice, and gives them up after seven failures. So
each shop's changed orders are asked for every few minutes, its webhooks are kept alive, orders that
it called gone, or shows no more, are looked up, those that nobody can serve are put on hold there,
and parcels are written to theirs. Beside that a canary proves the path from stock event to shop,
and every shop is asked daily what it runs on.
Several sweepers do no harm: what they tell is the same. Of Shopify, orders are swept and nothing is
written.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random

from stockfold.domain.errors import UnavailableError
from stockfold.runtime.acknowledged import AcknowledgedProducer
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.serve import serve_async
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold.runtime.shop_http import Transport, access_of, can_be_asked
from stockfold.runtime.telemetry.tracing import traces_of
from stockfold.runtime.watchdog import Pulse, restarted_when_stalled
from stockfold_services.sweeper.monitor import watch
from stockfold_services.sweeper.notebook import Writer
from stockfold_services.sweeper.rounds import Rounds
from stockfold_services.sweeper.situation import Situation
from stockfold_services.sweeper.sweeping import ShopSweeper
from stockfold_services.sweeper.versions import watch_versions

log = logging.getLogger(__name__)

LOOK_S = 1.0
RETRY_FIRST_S = 2.0
RETRY_S_MAX = 300.0
KAFKA_RETRY_S = 2.0


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Sweep every shop that can be asked until ``stop``. SettingsError when a secret is missing."""
    shops = [channel for channel in settings.channels if can_be_asked(channel)]
    adapters = {channel.name: access_of(channel) for channel in shops}
    for channel in shops:
        _ = channel.orders.secrets  # A missing one ends the process at once.
    async with (
        AcknowledgedProducer(settings, traces=traces_of(settings, "sweeper")) as producer,
        Situation(settings) as situation,
        asyncio.TaskGroup() as group,
    ):
        for channel in shops:
            shop = Transport(channel, adapters[channel.name], SYSTEM_CLOCK)
            group.create_task(_supervise(settings, channel, shop, producer, situation, stop))
            eye = Transport(channel, adapters[channel.name], SYSTEM_CLOCK)
            group.create_task(watch(settings, channel, eye, producer, situation, stop))
            asker = Transport(channel, adapters[channel.name], SYSTEM_CLOCK)
            group.create_task(watch_versions(settings, channel, asker, stop))
        group.create_task(_wait(stop))


async def _wait(stop: asyncio.Event) -> None:
    await stop.wait()


async def _supervise(
    settings: Settings,
    channel: ChannelSettings,
    shop: Transport,
    producer: AcknowledgedProducer,
    situation: Situation,
    stop: asyncio.Event,
) -> None:
    """Sweep a shop; when Kafka is lost, start anew from what was noted."""
    limit_s = max(settings.environment.stall_limit_s, 3 * channel.request_timeout_s)
    async with shop:
        while not stop.is_set():
            pulse = Pulse(f"channel {channel.name}, sweeper")
            writer = Writer(settings, producer)
            sweeper = ShopSweeper(settings, channel, shop, writer, SYSTEM_CLOCK, pulse)
            rounds = Rounds(settings, channel, sweeper, SYSTEM_CLOCK, pulse, situation)
            try:
                await restarted_when_stalled(
                    _rounds(channel, rounds, pulse, stop), [pulse], limit_s
                )
            except UnavailableError as error:
                log.warning("channel %s is not swept: %s", channel.name, error)
                await _sleep(stop, KAFKA_RETRY_S)
            finally:
                await rounds.close()


async def _rounds(
    channel: ChannelSettings, rounds: Rounds, pulse: Pulse, stop: asyncio.Event
) -> None:
    failures = 0
    while not stop.is_set():
        error = await rounds.once()
        wait_s = LOOK_S
        if error is None:
            failures = 0
        else:
            wait_s += min(RETRY_FIRST_S * 2.0 ** min(failures, 20), RETRY_S_MAX)
            wait_s += error.trouble.retry_after_s or random.uniform(0, 1)  # noqa: S311 - jitter
            failures += 1
            log.warning("channel %s, again in %.0f s: %s", channel.name, wait_s, error)
        pulse.rest()
        await _sleep(stop, wait_s)


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    serve_async("sweeper", run)


if __name__ == "__main__":
    main()
