"""Kafka's two sides of the publisher, in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from stockfold.runtime.channel_adapters import adapter_of
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.settings import ChannelSettings
from stockfold.runtime.shop_http import Transport
from stockfold_services.publisher.connection import Connection
from stockfold_services.publisher.feed import Assigned, Partitions, Read, Revoked
from stockfold_services.publisher.frozen import Alerts
from stockfold_services.publisher.listings import States
from stockfold_services.publisher.mode import ALL, Mode
from stockfold_services.publisher.pace import Limits
from stockfold_services.publisher.retry import RetryPolicy
from stockfold_services.publisher.wanted import Finished, Wanted
from tests.support.woo_shop import ShopServer

IMPATIENT = RetryPolicy(base_s=0.01, cap_s=0.1, attempts_max=8)


class MemoryFeed:
    """One partition of availability that outlives its readers, and its committed offset."""

    def __init__(self) -> None:
        self.records: list[Read] = []
        self.committed = 0
        self.refusing = False
        """Whether somebody else has become the owner."""
        self.refused = 0
        self._position = 0
        self._end = 0
        self._versions: dict[str, int] = {}

    def publish(self, sku: str, quantity: int) -> None:
        """Append the next version of a SKU."""
        version = self._versions[sku] = self._versions.get(sku, 0) + 1
        offset = len(self.records)
        wanted = Wanted(sku, quantity, version, 0, offset, f"order-{version}", 1)
        self.records.append(Read(0, offset, wanted))

    def pass_by(self) -> None:
        """Append a record of another channel."""
        self.records.append(Read(0, len(self.records), None))

    async def start(self, assigned: Assigned, revoked: Revoked) -> None:
        """See ``Feed.start``."""
        self.revoked = revoked
        self.assigned = assigned
        self.reassign()

    def reassign(self) -> None:
        """Give the partition to the reader, from what was committed."""
        self._position, self._end = self.committed, len(self.records)
        self.assigned({0})

    async def read(self) -> list[Read]:
        """See ``Feed.read``: a few at a time."""
        await asyncio.sleep(0.001)
        found = self.records[self._position : self._position + 7]
        self._position += len(found)
        return found

    async def caught_up(self, partitions: Partitions) -> dict[int, int]:
        """See ``Feed.caught_up``."""
        return {0: self._position} if self._position >= self._end else {}

    async def commit(self, offsets: dict[int, int]) -> bool:
        """See ``Feed.commit``."""
        if self.refusing:
            self.refused += 1
            return False
        assert offsets[0] >= self.committed
        self.committed = offsets[0]
        return True

    async def stop(self) -> None:
        """See ``Feed.stop``."""


class MemoryDeliveries:
    """The outcomes on record."""

    def __init__(self) -> None:
        self.all: list[Finished] = []
        self.failing = False

    async def record(self, finished: Sequence[Finished]) -> None:
        """See ``Deliveries.record``."""
        await asyncio.sleep(0)
        if self.failing:
            raise ConnectionError("the log is not there")
        self.all.extend(finished)

    def of(self, sku: str) -> list[tuple[int, str]]:
        """(version, outcome) of a SKU, in order."""
        return [(one.wanted.version, one.kind.value) for one in self.all if one.wanted.sku == sku]


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
