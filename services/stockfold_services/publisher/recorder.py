"""What became of updates, on record: first the outcome, then its offset. Keeps the lease with it.

finished ──▶ outbox ──▶ deliveries ──▶ watermark ──▶ commit ──▶ lease
    └──▶ listings ──▶ the topic of listings, once a second
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from stockfold.runtime.steps import step
from stockfold.runtime.watchdog import Pulse
from stockfold_services.publisher.deliveries import Deliveries
from stockfold_services.publisher.feed import Feed
from stockfold_services.publisher.lease import Lease
from stockfold_services.publisher.listings import Listings, States
from stockfold_services.publisher.measuring import ChannelMeter
from stockfold_services.publisher.wanted import Finished
from stockfold_services.publisher.watermark import LeftOpen, Watermark

OUTBOX_MAX = 10_000
RECORD_MAX = 500
COMMIT_EVERY_S = 1.0
TELL_EVERY_S = 1.0


class Recorder:
    """The recording side of one connection.

    ``on_lease`` is called when a lease begins to hold that did not.
    """

    def __init__(
        self,
        name: str,
        feed: Feed,
        deliveries: Deliveries,
        states: States | None,
        lease: Lease,
        on_lease: Callable[[], None],
    ) -> None:
        self._recording = Pulse(f"channel {name}, recorder")
        self._keeping = Pulse(f"channel {name}, lease")
        self.pulses = [self._recording, self._keeping]
        self._feed = feed
        self._deliveries = deliveries
        self._states = states
        self._lease = lease
        self._on_lease = on_lease
        self._outbox: asyncio.Queue[Finished | None] = asyncio.Queue(OUTBOX_MAX)
        self._committing = asyncio.Lock()
        self.watermarks: dict[int, Watermark] = {}
        self.listings = Listings()
        self.meter = ChannelMeter(name)
        self.finished_count = 0
        self._left_open = LeftOpen()

    async def finish(self, finished: Sequence[Finished]) -> None:
        """These are to be put on record; waits when too many are."""
        self.listings.finished(finished)
        self.finished_count += len(finished)
        self.meter.finished(finished)
        for one in finished:
            await self._outbox.put(one)

    async def end(self) -> None:
        """No more will come: ``record`` ends behind the last."""
        await self._outbox.put(None)

    async def all_recorded(self) -> None:
        """Wait until every outcome so far is on record, its listing told."""
        await self._outbox.join()
        await self._tell()

    async def record(self) -> None:
        """Put outcomes on record in order, and only then close their offsets."""
        ended = False
        while not ended:
            self._recording.rest()
            taken = [await self._outbox.get()]
            while len(taken) < RECORD_MAX and not self._outbox.empty():
                taken.append(self._outbox.get_nowait())
            ended = None in taken
            finished = [one for one in taken if one is not None]
            if finished:
                step("publisher.before_record")
                self._recording.beat("putting outcomes on record")
                await self._deliveries.record([one for one in finished if not one.repeat])
                step("publisher.after_record")
            for one in finished:
                self._close(one)
            for _ in taken:
                self._outbox.task_done()

    def _close(self, one: Finished) -> None:
        for wanted in self._left_open.ended_by(one):
            watermark = self.watermarks.get(wanted.partition)
            if watermark is not None:
                watermark.close(wanted.offset)

    async def keep_lease(self) -> None:
        """Commit now and then, moved or not: each commit that is taken proves who the owner is."""
        while True:
            self._keeping.beat("committing offsets")
            await self.commit(self.watermarks)
            self._keeping.rest()
            await asyncio.sleep(COMMIT_EVERY_S)

    async def commit(self, partitions: Iterable[int]) -> None:
        """Commit what has its outcome of these partitions."""
        async with self._committing:
            marks = {
                partition: mark
                for partition in partitions
                if partition in self.watermarks
                and (mark := self.watermarks[partition].to_commit()) is not None
            }
            if not marks:
                return
            began, held = self._lease.now(), self._lease.holds
            if not await self._feed.commit(marks):
                self._lease.lost()
                return
            step("publisher.after_commit")
            self._lease.proved(began)
            if not held:
                self._on_lease()

    def drop(self, partition: int) -> None:
        """Somebody else serves this partition now, and has nothing of it from us."""
        self._lease.lost()
        self.listings.drop(partition)
        self._left_open.drop(partition)
        del self.watermarks[partition]

    async def tell_listings(self) -> None:
        """Tell what is new of listings, again and again."""
        while True:
            await asyncio.sleep(TELL_EVERY_S)
            await self._tell()

    async def _tell(self) -> None:
        if self._states is not None:
            await self.listings.tell(self._states)
