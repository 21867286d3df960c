"""kill -9 of every service, over and over, at named steps and at random times, under load."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from signal import SIGKILL

import asyncpg

from stockfold.runtime.postgres import connection_options
from stockfold.runtime.steps import ORDERS, STEPS
from tests.faults.evidence import gather
from tests.faults.outcome import Outcome
from tests.faults.processes import SERVICES
from tests.faults.site import Servers, Site, site
from tests.faults.workload import PARTITIONS

SHARES = {"ledger": 6, "availability": 4, "projector": 4, "publisher": 3, "snapshotter": 3}
"""Of twenty kills. The publisher waits out its dead predecessor's session, so it is slow."""
STEP_S_MAX = 25.0
SERVE_S_MAX = 60.0
SETTLING_S = 0.5
"""What the dead process had committed is seen within this; no new one is up so soon."""


@dataclass(frozen=True)
class Point:
    """Where a process is to die: at the ``nth`` pass of a step, or ``delay_s`` after it works."""

    step: str = ""
    nth: int = 1
    delay_s: float = 0.0

    @property
    def orders(self) -> dict[str, str]:
        """The environment that arms it. An abort has to be brought about first."""
        if not self.step:
            return {}
        order = f"{self.step}:{self.nth}:kill"
        service, _, name = self.step.partition(".")
        if name == "after_abort":
            order = f"{service}.before_commit:{self.nth}:fail,{self.step}:1:kill"
        return {ORDERS: order}


def points(random: Random, service: str, count: int) -> list[Point]:
    """Where a service is killed, so many times: each named step once, as far as that goes, mixed
    with random times."""
    named = [step for step in STEPS if step.startswith(f"{service}.")]
    random.shuffle(named)
    steps = named[: max(count * 2 // 3, min(count - 2, len(named)))]
    chosen = [Point(step, 1 if "recovery" in step else random.randint(1, 4)) for step in steps]
    chosen += [Point(delay_s=random.uniform(0.0, 2.0)) for _ in range(count - len(chosen))]
    random.shuffle(chosen)
    return chosen


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
            died_s: float | None = None
            for point in self._points:
                self._service.start(**point.orders)
                self._let_die(point, died_s)
                died_s = time.monotonic()
            self._service.start()
            self._let_work(died_s)

    def _let_die(self, point: Point, died_s: float | None) -> None:
        """Wait for its death at a step, or for its work and then kill it."""
        if point.step:
            began_s = time.monotonic()
            self._let_work(died_s, until_s=STEP_S_MAX)
            left_s = max(STEP_S_MAX - (time.monotonic() - began_s), 0.1)
            if self._service.wait_ended(left_s):
                code = self._service.child.returncode
                self._outcome.demand(code == -SIGKILL, f"{point}: ended with exit code {code}")
                self._outcome.killed(self._service.name, point.step)
                return
            self._outcome.note(f"{point.step} was not passed {point.nth} times")
        elif self._let_work(died_s):
            time.sleep(point.delay_s)
        self._service.kill()
        self._outcome.killed(self._service.name)

    def _let_work(self, died_s: float | None, until_s: float = 0.0) -> bool:
        """Wait until it is seen to work; the time that took since its death is on record.

        With ``until_s`` it may die or time may run out instead.
        """
        began_s = time.monotonic()
        time.sleep(SETTLING_S)
        before = self._progress()
        while self._progress() == before:
            if not self._service.is_running() or time.monotonic() - began_s > (
                until_s or SERVE_S_MAX
            ):
                self._outcome.demand(until_s, f"{self._service.name} did not serve again")
                return False
            time.sleep(0.05)
        if died_s is not None:
            self._outcome.serve_s.append((self._service.name, time.monotonic() - died_s))
        return True


def progress_of(place: Site, name: str) -> Callable[[], object]:
    """What changes when the service does its work."""
    moved = place.observer.moved_s
    if name == "ledger":
        return lambda: moved["stockfold.journal.v1"]
    if name == "availability":
        return lambda: moved["stockfold.availability.v1"]
    if name == "publisher":
        return lambda: moved["stockfold.deliveries.v1"]
    if name == "snapshotter":
        return lambda: [place.snapshots(partition)[-1:] for partition in range(PARTITIONS)]
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
