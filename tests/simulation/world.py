"""Time, processes and their interleaving: one thread, and every switch drawn from the seed."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from random import Random

from greenlet import getcurrent, greenlet

from tests.support.bodies import START_US

SWITCH_CHANCE = 0.2
LATENCY_S = (0.0005, 0.002, 0.01, 0.05)
JOIN_LOOK_S = 0.001


class Killed(BaseException):
    """A process is killed: every further call of its into a client raises this again."""


class World:
    """The simulated time, and what is to happen when. Seconds since the beginning."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = Random(f"simulation/{seed}")
        self.now_s = 0.0
        self.passed_us = 0
        """How far the wall clock has moved on beside the simulated time."""
        self.clock_error_us = 0
        """By how much the wall clock of the ledgers is wrong."""
        self.broker_back_s = 0.0
        """When the broker answers again; in the past while it is there."""
        self.is_verbose = False
        """Whether every call that reaches the broker, every input and every log line is told."""
        self.trace: list[tuple[float, str, str]] = []
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._hub = getcurrent()

    # --- clock --------------------------------------------------------------------------------

    def now_us(self) -> int:
        """See ``Clock.now_us``: the wall clock of the ledgers, which may be set."""
        return self.true_us() + self.clock_error_us

    def true_us(self) -> int:
        """What the wall clock should say."""
        return START_US + self.passed_us + int(self.now_s * 1_000_000)

    def monotonic_s(self) -> float:
        """See ``Clock.monotonic_s``."""
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """See ``Clock.sleep``: of whichever process asks."""
        current = getcurrent()
        assert isinstance(current, _Run), "only a process sleeps"
        current.life.sleep(seconds)

    def broker_ms(self) -> int:
        """The broker's own clock, which nobody sets."""
        return START_US // 1000 + int(self.now_s * 1000)

    # --- agenda -------------------------------------------------------------------------------

    def at(self, delay_s: float, action: Callable[[], None]) -> None:
        """Do something later."""
        self._count += 1
        heapq.heappush(self._agenda, (self.now_s + delay_s, self._count, action))

    def run(self, done: Callable[[], bool], until_s: float) -> bool:
        """Let time pass until ``done`` (looked at every simulated half second); False if never."""
        look_s = self.now_s
        while self._agenda:
            at_s, _, action = heapq.heappop(self._agenda)
            self.now_s = max(self.now_s, at_s)
            if self.now_s > until_s:
                return False
            action()
            if self.now_s >= look_s:
                if done():
                    return True
                look_s = self.now_s + 0.5
        return done()

    def tell(self, who: str, what: str) -> None:
        """Write a line of the trace."""
        self.trace.append((self.now_s, who, what))


class _Run(greenlet):
    life: Life


class Stop:
    """The stop event of a process, as ``ExactlyOnceLoop.run`` uses it."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self.requested = False

    def is_set(self) -> bool:
        return self.requested

    def wait(self, timeout: float) -> bool:
        self._life.sleep(timeout)
        return self.requested


class Life:
    """One run of a process, from its start to its end or kill."""

    def __init__(
        self,
        world: World,
        name: str,
        body: Callable[[Life], None],
        ended: Callable[[Life], None],
    ) -> None:
        self.world = world
        self.away_s = 0.0
        """How long after its end it starts again."""
        self._ended = ended
        self.name = name
        self.stop = Stop(self)
        self.dead = False
        self.failure: BaseException | None = None
        self.resumed_s = 0.0
        self._stopped_until_s = 0.0
        self._silent_since_s: float | None = None
        self._runs: list[_Run] = []
        self._body = body
        self._begin(self._main)

    def _begin(self, body: Callable[[], None]) -> None:
        run = _Run(body, self.world._hub)
        run.life = self
        self._runs.append(run)
        self.world.at(0.0, lambda: self._resume(run))

    def branch(self, body: Callable[[], None]) -> Branch:
        """Another thread of the process, which ends with it."""
        branch = Branch(self, body)
        self._begin(branch.main)
        return branch

    def _main(self) -> None:
        try:
            self._body(self)
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001  (the history tells it)
            self.failure = error
        self.end()

    def end(self) -> None:
        """It is gone, with everything that beats for it."""
        if not self.dead:
            self.dead = True
            self._silent_since_s = self.world.now_s
            current = getcurrent()
            for run in self._runs:
                if run is not current:
                    self.world.at(0.0, lambda run=run: self._unwind(run))
            self._ended(self)

    @staticmethod
    def _unwind(run: _Run) -> None:
        if run:
            run.throw(Killed)

    def kill(self, away_s: float) -> None:
        """SIGKILL, from within a call of its into a client."""
        self.away_s = away_s
        self.end()
        raise Killed

    def leave(self, away_s: float) -> None:
        """SIGTERM."""
        self.away_s = away_s
        self.stop.requested = True

    def alive(self) -> None:
        """A killed process makes no calls."""
        if self.dead:
            raise Killed

    def bury(self) -> None:
        """End it at the end of a history, wherever it waits."""
        self.dead = True
        for run in self._runs:
            self._unwind(run)

    def pause(self, seconds: float) -> None:
        """SIGSTOP, then SIGCONT after so long: no heartbeats either."""
        self.world.tell(self.name, f"is stopped for {seconds} s")
        self._silent_since_s = self.world.now_s
        self._stopped_until_s = self.world.now_s + seconds
        self.sleep(seconds)
        self._silent_since_s = None
        self.resumed_s = self.world.now_s
        self.world.tell(self.name, "goes on")

    def silent_s(self) -> float:
        """Seconds since its heartbeats ended; 0 while they go on."""
        since_s = self._silent_since_s
        return 0.0 if since_s is None else self.world.now_s - since_s

    def sleep(self, seconds: float) -> None:
        """Let others run for so long."""
        self.alive()
        run = getcurrent()
        assert isinstance(run, _Run)
        self.world.at(seconds, lambda: self._resume(run))
        self.world._hub.switch()
        self.alive()

    def maybe_switch(self) -> None:
        """Perhaps let others run for a moment."""
        random = self.world.random
        if random.random() < SWITCH_CHANCE:
            self.sleep(random.choice(LATENCY_S))

    def _resume(self, run: _Run) -> None:
        left_s = self._stopped_until_s - self.world.now_s
        if left_s > 0:
            self.world.at(left_s, lambda: self._resume(run))
        elif not self.dead:
            run.switch()


class Branch:
    """Another thread of a process; see ``Pending``."""

    def __init__(self, life: Life, body: Callable[[], None]) -> None:
        self._life, self._body = life, body
        self._is_done = False
        self._error: BaseException | None = None

    def main(self) -> None:
        try:
            self._body()
        except Killed:
            return
        except BaseException as error:  # noqa: BLE001  (raised where the result is asked for)
            self._error = error
        self._is_done = True

    def done(self) -> bool:
        return self._is_done

    def wait(self, seconds: float) -> None:
        until_s = self._life.world.now_s + seconds
        while not self._is_done and self._life.world.now_s < until_s:
            self._life.sleep(JOIN_LOOK_S)

    def result(self) -> None:
        while not self._is_done:
            self._life.sleep(JOIN_LOOK_S)
        if self._error is not None:
            raise self._error
