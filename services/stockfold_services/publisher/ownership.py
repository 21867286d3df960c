"""Which partitions of a connection are ours: caught up at first, and brought home at last.

assigned ──▶ held until read to its end ──▶ served ──▶ held, requests home, committed ──▶ revoked
"""

from __future__ import annotations

import asyncio
import logging

from stockfold.domain.errors import UnavailableError
from stockfold.runtime.clock import Clock
from stockfold_services.publisher.backlog import Backlog
from stockfold_services.publisher.feed import Partitions
from stockfold_services.publisher.recorder import Recorder
from stockfold_services.publisher.wanted import Finished
from stockfold_services.publisher.watermark import Watermark

log = logging.getLogger(__name__)

LANDING_S_MAX = 240.0
"""Below the broker's patience with a rebalance (5 min), above any request's time-out."""


class Ownership:
    """The partitions of one connection."""

    def __init__(self, name: str, backlog: Backlog, recorder: Recorder, clock: Clock) -> None:
        self._name = name
        self._backlog = backlog
        self._recorder = recorder
        self._clock = clock
        self._landed = asyncio.Event()
        self._ended = asyncio.Event()
        self._torn = False
        self.assigned_count = 0
        self.catching_up: Partitions = set()
        self.watermarks = recorder.watermarks

    @property
    def is_settled(self) -> bool:
        """Whether there are partitions, all of them read to their end."""
        return bool(self.watermarks) and not self.catching_up

    def assigned(self, partitions: Partitions) -> None:
        """These are ours now; nothing of them is sent before they are read to their end."""
        self.assigned_count += 1
        for partition in partitions:
            self.watermarks[partition] = Watermark()
            self.catching_up.add(partition)
            self._backlog.hold(partition)
        log.info("channel %s serves partitions %s", self._name, sorted(partitions))

    def caught_up(self, reached: dict[int, int]) -> list[Finished]:
        """These have been read to their ends, the next offsets; what that finishes."""
        finished: list[Finished] = []
        for partition in reached.keys() & self.catching_up:
            self.catching_up.discard(partition)
            self.watermarks[partition].read_to(reached[partition])
            finished += self._backlog.let_go(partition, self._clock.now_us())
        return finished

    async def revoked(self, partitions: Partitions) -> None:
        """Bring home what is under way, put it on record, commit, forget."""
        mine = partitions & self.watermarks.keys()
        for partition in mine:
            self._backlog.hold(partition)
        home = asyncio.create_task(self._bring_home(mine))
        ended = asyncio.create_task(self._ended.wait())
        await asyncio.wait(
            {home, ended}, timeout=LANDING_S_MAX, return_when=asyncio.FIRST_COMPLETED
        )
        self._torn = not home.done()
        home.cancel()
        ended.cancel()
        if self._torn:
            return
        await self._recorder.commit(mine)
        for partition in mine:
            self._backlog.drop(partition)
            self.catching_up.discard(partition)
            self._recorder.drop(partition)

    async def _bring_home(self, partitions: Partitions) -> None:
        while any(self._backlog.is_flying(partition) for partition in partitions):
            self._landed.clear()
            await self._landed.wait()
        await self._recorder.all_recorded()

    def landed(self) -> None:
        """A request has come home."""
        self._landed.set()

    def ended(self) -> None:
        """The connection has ended: nothing more will come home."""
        self._ended.set()

    def check(self) -> None:
        """UnavailableError when partitions went away with a request still under way."""
        if self._torn:
            raise UnavailableError(
                "partitions went to somebody else with a request still under way",
                where=f"channel {self._name}",
                remedy="None needed: the connection starts anew.",
            )
