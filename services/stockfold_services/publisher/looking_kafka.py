"""The looking of a connection, put together from its settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stockfold.channels import Adapter
from stockfold.domain.times import DAY_US, SECOND_US
from stockfold.runtime.beside import beside
from stockfold.runtime.channel_adapters import reads_before_writing
from stockfold.runtime.clock import Clock
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold_services.publisher.before_writing import BeforeWriting
from stockfold_services.publisher.claims import KafkaClaims
from stockfold_services.publisher.looking import Looking
from stockfold_services.publisher.read_policy import ReadPolicy
from stockfold_services.publisher.sold_there import SoldThere
from stockfold_services.publisher.telling import OrderTeller


@asynccontextmanager
async def looking_of(
    settings: Settings, channel: ChannelSettings, adapter: Adapter, clock: Clock
) -> AsyncIterator[Looking | None]:
    """What one connection asks before it writes, for as long as the context is open.

    None for a channel of a kind that cannot be asked what it has sold.
    """
    if not reads_before_writing(channel):
        yield None
        return
    asked, now_us = channel.reading, clock.now_us()
    known_from_us = now_us - asked.known_days * DAY_US
    sold = SoldThere(
        known_from_us=known_from_us,
        orders_since_us=channel.orders_since_us,
        unexplained_s=asked.unexplained_s,
        give_up_s=asked.give_up_s,
    )
    policy = ReadPolicy(
        asked.orders, asked.recently_sold_s, asked.hot_sales, asked.hot_s, asked.long_since_s
    )
    teller = OrderTeller(settings)
    after_us = now_us - asked.look_back_s * SECOND_US
    before = BeforeWriting(adapter, sold, policy, after_us, clock.monotonic_s, teller.tell)
    claims = KafkaClaims(settings, channel.name, known_from_us)
    try:
        async with beside(teller.run()):
            await claims.start()
            yield Looking(channel.name, before, sold, claims, clock)
    finally:
        await claims.stop()
