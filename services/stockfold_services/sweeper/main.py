"""The sweeper process: for every WooCommerce channel, what its webhooks missed.

Webhooks are hints: a shop tries none of them twice, and gives them up after seven failures. So
each shop's changed orders are asked for every few minutes, its webhooks are kept alive, orders that
it called gone are looked up, and those that nobody can serve are put on hold there. Several
sweepers do no harm: what they tell is the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random

from stockfold.channels.woocommerce.asking import NotServedError
from stockfold.domain.errors import UnavailableError
from stockfold.runtime.acknowledged import AcknowledgedProducer
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.serve import serve_async
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold.runtime.shop_http import Transport, woocommerce
from stockfold.runtime.shop_webhooks import look, put_right
from stockfold.runtime.watchdog import Pulse, restarted_when_stalled
from stockfold_services.sweeper.cases import CaseBook
from stockfold_services.sweeper.notebook import Notebook, Writer
from stockfold_services.sweeper.sweeping import ShopSweeper

log = logging.getLogger(__name__)

LOOK_S = 1.0
RETRY_FIRST_S = 2.0
RETRY_S_MAX = 300.0
KAFKA_RETRY_S = 2.0


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Sweep every WooCommerce channel until ``stop``. SettingsError when a secret is missing."""
    shops = [channel for channel in settings.channels if channel.kind == "woocommerce"]
    adapters = {channel.name: woocommerce(channel) for channel in shops}
    for channel in shops:
        _ = channel.orders.secrets  # A missing one ends the process at once.
    async with AcknowledgedProducer(settings) as producer, asyncio.TaskGroup() as group:
        for channel in shops:
            shop = Transport(channel, adapters[channel.name], SYSTEM_CLOCK)
            group.create_task(_supervise(settings, channel, shop, producer, stop))
        group.create_task(_wait(stop))


async def _wait(stop: asyncio.Event) -> None:
    await stop.wait()


async def _supervise(
    settings: Settings,
    channel: ChannelSettings,
    shop: Transport,
    producer: AcknowledgedProducer,
    stop: asyncio.Event,
) -> None:
    """Sweep a shop; when Kafka is lost, start anew from what was noted."""
    limit_s = max(settings.environment.stall_limit_s, 3 * channel.request_timeout_s)
    async with shop:
        while not stop.is_set():
            notebook, cases = Notebook(settings), CaseBook(settings)
            pulse = Pulse(f"channel {channel.name}, sweeper")
            writer = Writer(settings, producer)
            sweeper = ShopSweeper(settings, channel, shop, notebook, writer, SYSTEM_CLOCK, pulse)
            work = _sweep(settings, channel, sweeper, notebook, cases, pulse, stop)
            try:
                await restarted_when_stalled(work, [pulse], limit_s)
            except UnavailableError as error:
                log.warning("channel %s is not swept: %s", channel.name, error)
                await _sleep(stop, KAFKA_RETRY_S)
            finally:
                await asyncio.to_thread(notebook.close)
                await asyncio.to_thread(cases.close)


async def _sweep(
    settings: Settings,
    channel: ChannelSettings,
    sweeper: ShopSweeper,
    notebook: Notebook,
    cases: CaseBook,
    pulse: Pulse,
    stop: asyncio.Event,
) -> None:
    due_s, failures = 0.0, 0
    while not stop.is_set():
        try:
            pulse.beat("reading its notes")
            await asyncio.to_thread(notebook.refresh)
            pulse.beat("looking orders up")
            await sweeper.answer_questions()
            if channel.orders.hold_oversold:
                pulse.beat("reading cases")
                await asyncio.to_thread(cases.refresh)
                await sweeper.hold_oversold(cases.open_of(channel.name))
            if SYSTEM_CLOCK.monotonic_s() >= due_s:
                pulse.beat("sweeping")
                await _sweep_once(settings, channel, sweeper)
                due_s = SYSTEM_CLOCK.monotonic_s() + channel.orders.sweep_every_s
            failures = 0
        except NotServedError as error:
            failures += 1
            wait_s = min(RETRY_FIRST_S * 2.0 ** min(failures - 1, 20), RETRY_S_MAX)
            wait_s += error.trouble.retry_after_s or random.uniform(0, 1)  # noqa: S311 - jitter
            log.warning("channel %s, again in %.0f s: %s", channel.name, wait_s, error)
            pulse.rest()
            await _sleep(stop, wait_s)
        pulse.rest()
        await _sleep(stop, LOOK_S)


async def _sweep_once(settings: Settings, channel: ChannelSettings, sweeper: ShopSweeper) -> None:
    orders = channel.orders
    if orders.keep_webhooks and orders.webhook_secret and settings.gateway.public_url:
        found = await look(settings, channel, sweeper)
        if found.changes:
            await put_right(settings, channel, sweeper, found, "sweeper")
            told = ", ".join(f"{change.topic} ({change.action})" for change in found.changes)
            log.warning("channel %s had webhooks put right: %s", channel.name, told)
    new = await sweeper.sweep()
    log.info("channel %s swept: %d orders told", channel.name, new)


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    serve_async("sweeper", run)


if __name__ == "__main__":
    main()
