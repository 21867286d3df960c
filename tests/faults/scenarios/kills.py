"""kill -9 of every service, over and over, at named steps and at random times, under load."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import asyncpg

from stockfold.runtime.postgres import connection_options
from tests.faults.evidence import gather
from tests.faults.outcome import Outcome
from tests.faults.processes import SERVICES
from tests.faults.site import Servers, Site, site

SHARES = {"ledger": 7, "availability": 5, "projector": 5, "publisher": 3}
"""Of twenty kills. The publisher waits out its dead predecessor's session, so it is slow."""
SERVE_S_MAX = 60.0
SETTLING_S = 0.5
"""What the dead process had committed is seen within this; no new one is up so soon."""


@dataclass(frozen=True)
class Point:
    """Where a process is to die: ``order`` arms a step, else after ``delay_s`` of work."""

    delay_s: float


def points(random: Random, service: str, count: int) -> list[Point]:
    """Where a service is killed, so many times."""
    return [Point(random.uniform(0.0, 2.5)) for _ in range(count)]


def shares(total: int) -> dict[str, int]:
    """How many of the kills each service gets; they add up to ``total``."""
    whole = sum(SHARES.values())
    found = {name: total * share // whole for name, share in SHARES.items()}
    found["ledger"] += total - sum(found.values())
    return found


def kills(both: Servers, outcome: Outcome) -> None:
    """Every service is killed again and again, all at the same time, while events flow."""
    random = Random(outcome.seed)
    with site(both, outcome.name, outcome.seed) as place:
        wanted = shares(outcome.kills_wanted)
        keepers = [
            Keeper(place, outcome, name, points(random, name, wanted[name])) for name in SERVICES
        ]
        place.feeder.first_wave()
        place.feeder.start(events_per_s=100)
        for keeper in keepers:
            keeper.start()
        for keeper in keepers:
            keeper.join()
        outcome.evidence = gather(place)


class Keeper(threading.Thread):
    """Runs one service, kills it at each of its points, and starts it again at once."""

    def __init__(self, place: Site, outcome: Outcome, name: str, where: list[Point]) -> None:
        super().__init__(name=f"keeper of {name}", daemon=True)
        self._outcome = outcome
        self._service = place.service(name)
        self._points = where
        self._progress = progress_of(place, name)

    def run(self) -> None:
        with self._outcome.guarded():
            self._service.start()
            self._await_work(None)
            for point in self._points:
                time.sleep(point.delay_s)
                self._service.kill()
                died_s = time.monotonic()
                self._outcome.killed(self._service.name)
                self._service.start()
                self._await_work(died_s)

    def _await_work(self, died_s: float | None) -> None:
        """Wait until it is seen to work again; the time that took is on record."""
        began_s = died_s or time.monotonic()
        time.sleep(SETTLING_S)
        before = self._progress()
        while self._progress() == before:
            if time.monotonic() - began_s > SERVE_S_MAX or not self._service.is_running():
                self._outcome.demand(False, f"{self._service.name} did not serve again")
                return
            time.sleep(0.1)
        if died_s is not None:
            self._outcome.serve_s.append((self._service.name, time.monotonic() - died_s))


def progress_of(place: Site, name: str) -> Callable[[], object]:
    """What changes when the service does its work."""
    moved = place.observer.moved_s
    if name == "ledger":
        return lambda: moved["stockfold.journal.v1"]
    if name == "availability":
        return lambda: moved["stockfold.availability.v1"]
    if name == "publisher":
        return lambda: moved["stockfold.deliveries.v1"]
    return lambda: asyncio.run(_projected(place))


async def _projected(place: Site) -> object:
    try:
        connection = await asyncpg.connect(**connection_options(place.settings, "faults"))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return None
    try:
        return await connection.fetchval("SELECT sum(next_offset) FROM offsets")
    except asyncpg.PostgresError:
        return None
    finally:
        await connection.close()
