"""What the channel showed of each listing before us, on record before its first write."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from stockfold.channels.port import Observed
from stockfold.runtime.channel_control import Baseline, Control
from stockfold.runtime.clock import Clock


class BaselineStore(Protocol):
    """Where baselines are kept."""

    async def keep(self, baselines: Sequence[tuple[int, Baseline]]) -> None:
        """Put them on record, each in its partition; returns when all are, raises otherwise."""
        ...


class Baselines:
    """Of one connection. What was read before our first write of a listing is its baseline.

    ``read`` gives what is on record; it is called in a thread.
    """

    def __init__(
        self,
        channel: str,
        read: Callable[[Control], Iterable[Baseline]],
        store: BaselineStore,
        clock: Clock,
    ) -> None:
        self._channel = channel
        self._read = read
        self._store = store
        self._clock = clock
        self.known: dict[str, Baseline] = {}

    async def load(self, control: Control) -> None:
        """Know what is on record; whoever had the channel before us has put it there."""
        found = await asyncio.to_thread(lambda: list(self._read(control)))
        self.known = {baseline.sku: baseline for baseline in found}

    async def take(
        self, observed: Iterable[Observed], partition_of: Callable[[str], int], connection: str
    ) -> None:
        """Keep what was read of listings that have no baseline of the connection yet."""
        now_us = self._clock.now_us()
        fresh = [
            Baseline(
                self._channel,
                o.sku,
                o.listing,
                o.quantity,
                o.managed,
                o.backorders,
                o.stock_status,
                now_us,
                connection,
            )
            for o in observed
            if o.written is None and o.sku not in self.known
        ]
        if fresh:
            await self._store.keep([(partition_of(one.sku), one) for one in fresh])
            self.known.update((one.sku, one) for one in fresh)
