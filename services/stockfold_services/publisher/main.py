"""The publisher process: every configured channel connection, one task each."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from functools import partial

from stockfold.channels import Adapter
from stockfold.channels.kinds import kind_of
from stockfold.runtime.channel_adapters import adapter_of
from stockfold.runtime.channel_kinds import WOOCOMMERCE
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.rate_budgets import Budgets
from stockfold.runtime.serve import serve_async
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold.runtime.shop_http import Transport
from stockfold.runtime.shop_pace_settings import IN_FLIGHT_MAX
from stockfold.runtime.telemetry.tracing import traces_of
from stockfold.runtime.watchdog import restarted_when_stalled
from stockfold_services.publisher.accounts import budgets_of
from stockfold_services.publisher.admission import (
    LOOKS,
    Looks,
    Waiting,
    mode_for_now,
    until_live,
)
from stockfold_services.publisher.anew import lived_anew
from stockfold_services.publisher.connection import Connection
from stockfold_services.publisher.deliveries import KafkaDeliveries
from stockfold_services.publisher.feed import KafkaFeed
from stockfold_services.publisher.lease import Lease
from stockfold_services.publisher.looking_kafka import looking_of
from stockfold_services.publisher.measuring import ChannelMeter
from stockfold_services.publisher.pace import Limits
from stockfold_services.publisher.reconciling import Reconciling
from stockfold_services.publisher.resends import Resends, follow_resends
from stockfold_services.publisher.retry import RetryPolicy
from stockfold_services.publisher.shadowing import reporting
from stockfold_services.publisher.spans import Spans, TracedPerformer
from stockfold_services.publisher.standing import telling
from stockfold_services.publisher.steering_kafka import steering_of, until_turned

log = logging.getLogger(__name__)


async def run(
    settings: Settings,
    stop: asyncio.Event,
    *,
    policy: RetryPolicy | None = None,
    looks: Looks = LOOKS,
) -> None:
    """Publish to every configured channel that can be published to, until ``stop``.

    A channel in mode ``off`` is left alone: nothing of it is read or sent.
    SettingsError when a channel's secret is missing. A lost Kafka is waited for; a shop that does
    not serve is waited for without losing what it shall show.
    """
    # Missing secrets end the process at once, not one channel after a while.
    budgets = budgets_of(settings, SYSTEM_CLOCK)
    async with asyncio.TaskGroup() as group:
        for channel in settings.channels:
            if not channel.is_published:
                log.warning("channel %s: nothing is published to %s", channel.name, channel.kind)
                continue
            if channel.publishing.mode == "off":
                log.info("channel %s is in mode off", channel.name)
                continue
            life = partial(_connect_and_run, settings, channel, budgets, stop, policy, looks)
            group.create_task(lived_anew(channel.name, life, stop))
        group.create_task(_wait(stop))


async def _wait(stop: asyncio.Event) -> None:
    await stop.wait()


def limits_of(channel: ChannelSettings, adapter: Adapter) -> Limits:
    """How hard a channel's settings let it be pressed, and its adapter.

    How much a shop of WooCommerce bears is for its operator to say.
    """
    pace = channel.pace
    most = IN_FLIGHT_MAX if channel.kind == WOOCOMMERCE else adapter.requests_in_flight_max
    return Limits(
        min(pace.in_flight_start, most),
        min(pace.in_flight_max, most),
        pace.requests_per_s,
        pace.batch_s,
        pace.frozen_after_s,
        kind_of(channel.kind).items_max,
    )


async def _connect_and_run(
    settings: Settings,
    channel: ChannelSettings,
    budgets: Budgets,
    stop: asyncio.Event,
    policy: RetryPolicy | None,
    looks: Looks,
) -> None:
    """Until ``stop``, or until it has to start anew: admitted from shadow, or on another course."""
    mode = await asyncio.to_thread(mode_for_now, settings, channel)
    log.info("channel %s is in mode %s", channel.name, mode)
    lease = Lease(SYSTEM_CLOCK)
    # Not the one of a life before: what that left at the channel may not be ours any more.
    adapter = adapter_of(channel)
    budget = budgets.of(channel.name, lambda: lease.holds)
    resends = Resends(settings, channel.name)
    spans = Spans(traces_of(settings, "publisher"), settings, channel)
    async with (
        _stopped(KafkaDeliveries(settings, channel.name, spans)) as deliveries,
        Transport(
            channel, adapter, SYSTEM_CLOCK, may_send=lambda: lease.holds, budget=budget
        ) as transport,
        follow_resends(settings, resends, channel.name),
        steering_of(settings, channel, mode, deliveries, SYSTEM_CLOCK, stop) as steering,
    ):
        course = steering.course
        feed = KafkaFeed(settings, channel.name, course, spans)
        reconciling = asyncio.create_task(
            Reconciling(settings, channel, SYSTEM_CLOCK, lease, mode).run(stop)
        )
        try:
            await deliveries.start()
            # A request may take its own time, which is limited too.
            limit_s = max(settings.environment.stall_limit_s, 2 * channel.request_timeout_s)
            waiting = Waiting(settings, channel, transport, adapter.assurance, lease, looks)
            async with (
                looking_of(settings, channel, adapter, SYSTEM_CLOCK) as looking,
                reporting(settings, channel, mode, adapter.to_show, transport, lease),
                until_live(stop, waiting, mode) as admitted,
                until_turned(admitted, steering) as ended,
            ):
                connection = Connection(
                    channel.name,
                    adapter,
                    TracedPerformer(transport, spans),
                    feed,
                    deliveries,
                    SYSTEM_CLOCK,
                    lease=lease,
                    mode=course,
                    states=deliveries,
                    alerts=deliveries,
                    resends=resends,
                    # An order is carried out as it was given, whatever the shop has sold.
                    looking=None if course.order else looking,
                    steering=steering,
                    account=transport,
                    anew=partial(_anew, channel, transport) if looking is None else None,
                    meter=ChannelMeter.of(settings, channel.name),
                    limits=limits_of(channel, adapter),
                    policy=policy or RetryPolicy(window_s=channel.pace.retry_window_s),
                )
                async with telling(connection, str(course), deliveries, SYSTEM_CLOCK):
                    await restarted_when_stalled(connection.run(ended), connection.pulses, limit_s)
        finally:
            reconciling.cancel()
            await asyncio.wait({reconciling})
            await feed.stop()


def _anew(channel: ChannelSettings, transport: Transport) -> Adapter:
    """An adapter that remembers nothing, for the transport too."""
    adapter = adapter_of(channel)
    transport.use(adapter)
    return adapter


@contextlib.asynccontextmanager
async def _stopped(deliveries: KafkaDeliveries) -> AsyncIterator[KafkaDeliveries]:
    try:
        yield deliveries
    finally:
        await deliveries.stop()


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    serve_async("publisher", run)


if __name__ == "__main__":
    main()
