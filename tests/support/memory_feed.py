"""A channel connection to the imitated shop, with Kafka's two sides in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from stockfold.runtime.channel_adapters import adapter_of
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.settings import ChannelSettings
from stockfold.runtime.shop_http import Transport
from stockfold_services.publisher.conformance.memory import MemoryDeliveries, MemoryFeed
from stockfold_services.publisher.connection import Connection
from stockfold_services.publisher.frozen import Alerts
from stockfold_services.publisher.listings import States
from stockfold_services.publisher.mode import ALL, Mode
from stockfold_services.publisher.pace import Limits
from stockfold_services.publisher.retry import RetryPolicy
from tests.support.woo_shop import ShopServer

IMPATIENT = RetryPolicy(base_s=0.01, cap_s=0.1, attempts_max=8)


def channel(
    server: ShopServer,
    name: str = "woo",
    timeout_s: float = 5.0,
    mode: str = "live",
    canary_skus: Sequence[str] = (),
    **stock: str,
) -> ChannelSettings:
    """The settings of a connection to the shop; ``stock`` is its ``[channels.stock]``."""
    return ChannelSettings(
        name=name,
        kind="woocommerce",
        url=server.url,
        consumer_key="ck_test",
        consumer_secret="cs_test",
        request_timeout_s=timeout_s,
        stock=stock,
        publishing={"mode": mode, "canary_skus": list(canary_skus), "coverage": "reported"},
        # Tests change everything at once, again and again.
        guards={"changes_percent": 0},
    )


@asynccontextmanager
async def connected(
    server: ShopServer,
    feed: MemoryFeed,
    deliveries: MemoryDeliveries,
    *,
    mode: Mode = ALL,
    states: States | None = None,
    alerts: Alerts | None = None,
    limits: Limits | None = None,
    policy: RetryPolicy = IMPATIENT,
    timeout_s: float = 5.0,
    crash: bool = False,
) -> AsyncIterator[Connection]:
    """A running connection to the shop; ``crash`` ends it as a kill would."""
    settings = channel(server, timeout_s=timeout_s)
    adapter = adapter_of(settings)
    stop = asyncio.Event()
    async with Transport(settings, adapter, SYSTEM_CLOCK) as transport:
        connection = Connection(
            "woo",
            adapter,
            transport,
            feed,
            deliveries,
            SYSTEM_CLOCK,
            mode=mode,
            states=states,
            alerts=alerts,
            limits=limits,
            policy=policy,
        )
        task = asyncio.create_task(connection.run(stop))
        try:
            yield connection
        finally:
            if crash:
                task.cancel()
                await asyncio.wait({task})
            else:
                stop.set()
                await asyncio.wait_for(task, 20)
