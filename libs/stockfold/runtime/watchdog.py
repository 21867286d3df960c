"""Notices that a service makes no progress, and has it start anew.

Two things can go wrong without an error. A call never returns: the loop beats a ``Pulse`` before
each thing that must end, and whoever watches sees that it beats no more. Or everything returns and
nothing comes: ``Deafness`` sees records that wait while nobody reads them.

An asyncio task is cancelled and started anew. A thread cannot be: its process ends, with the stacks
of all threads in the log, and the supervisor starts it again. Nothing is lost by either: memory is
recovered from the log.
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

from stockfold.domain.errors import UnavailableError

log = logging.getLogger(__name__)

LOOKS_PER_LIMIT = 20
CANCEL_S_MAX = 20.0
"""Longer than any of our services waits for its servers when it closes."""
CANCELS_MAX = 3

P = TypeVar("P", bound=Hashable)


class Pulse:
    """What one loop does at the moment. Beating costs next to nothing and needs no clock."""

    __slots__ = ("beats", "doing", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.beats = 0
        self.doing = ""

    def beat(self, doing: str) -> None:
        """Begin something that must end, such as ``commit_transaction``."""
        self.beats += 1
        self.doing = doing

    def rest(self) -> None:
        """Wait for work; that may take as long as it likes."""
        self.beats += 1
        self.doing = ""


class Silence:
    """How long a pulse has not beaten, counted in looks, not by a clock.

    A machine that slept, or a process that was stopped, has not been silent meanwhile.
    """

    def __init__(self, pulse: Pulse, look_s: float) -> None:
        self.pulse = pulse
        self._look_s = look_s
        self._beats = pulse.beats
        self._silent_s = 0.0

    def look(self) -> float:
        """Look once; seconds of silence so far."""
        if self.pulse.beats != self._beats or not self.pulse.doing:
            self._beats = self.pulse.beats
            self._silent_s = 0.0
        else:
            self._silent_s += self._look_s
        return self._silent_s


def _first_stalled(silences: Sequence[Silence], limit_s: float) -> str | None:
    for silence in silences:
        # Every one is looked at, so that each counts every look.
        if silence.look() >= limit_s:
            pulse = silence.pulse
            return f"{pulse.name} hangs: {pulse.doing} has not ended within {limit_s:g} s"
    return None


def end_process(why: str) -> None:
    """End the process at once, with all stacks in the log, for its supervisor to start again."""
    log.critical("%s; the process ends, to be started again", why)
    with suppress(Exception):  # Without a standard error there is nobody to tell.
        faulthandler.dump_traceback(sys.stderr, all_threads=True)
    logging.shutdown()
    os._exit(UnavailableError.exit_code)


@contextmanager
def ends_when_stalled(
    pulses: Sequence[Pulse], limit_s: float, end: Callable[[str], None] = end_process
) -> Iterator[None]:
    """Watch the pulses from another thread while the block runs, and end the process."""
    stop = threading.Event()
    look_s = limit_s / LOOKS_PER_LIMIT

    def watch() -> None:
        silences = [Silence(pulse, look_s) for pulse in pulses]
        while not stop.wait(look_s):
            why = _first_stalled(silences, limit_s)
            if why is not None:
                end(why)
                return

    thread = threading.Thread(target=watch, name="watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


async def restarted_when_stalled(
    work: Awaitable[None], pulses: Sequence[Pulse], limit_s: float
) -> None:
    """Await the work. When a pulse hangs it is cancelled: UnavailableError, to start it anew."""
    task = asyncio.ensure_future(work)
    look_s = limit_s / LOOKS_PER_LIMIT
    silences = [Silence(pulse, look_s) for pulse in pulses]
    try:
        while not (await asyncio.wait({task}, timeout=look_s))[0]:
            why = _first_stalled(silences, limit_s)
            if why is not None:
                raise UnavailableError(
                    why, remedy="None needed: it starts anew. Often: look at what it waited for."
                )
        task.result()
    finally:
        await _cancelled(task)


async def _cancelled(task: asyncio.Future[None]) -> None:
    cancels = 0
    while not task.done() and cancels < CANCELS_MAX:
        # Once more when its own clean-up hangs: a rollback waits for the same silent server.
        task.cancel()
        cancels += 1
        await asyncio.wait({task}, timeout=CANCEL_S_MAX)
    if not task.done():
        end_process("a task that hangs cannot be cancelled")
    if cancels and not task.cancelled():
        task.exception()  # Looked at: what it ended with no longer matters.


class Deafness(Generic[P]):
    """Records that wait in a place while its reader stands still, at two looks a limit apart."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._due_s = 0.0
        self._waiting: dict[P, int] = {}

    def is_due(self, now_s: float) -> bool:
        """Whether it is time for another look; the first one is a limit after the beginning."""
        if not self._due_s:
            self._due_s = now_s + self.limit_s
        if now_s < self._due_s:
            return False
        self._due_s = now_s + self.limit_s
        return True

    def look(self, positions: Mapping[P, int], ends: Mapping[P, int]) -> None:
        """UnavailableError when a place with records behind its position has not moved."""
        waiting = {at: offset for at, offset in positions.items() if offset < ends.get(at, 0)}
        stuck = [at for at, offset in waiting.items() if self._waiting.get(at) == offset]
        self._waiting = waiting
        if stuck:
            at = stuck[0]
            raise UnavailableError(
                f"{ends[at] - waiting[at]} records wait and none was read for {self.limit_s:g} s",
                where=f"{at} from offset {waiting[at]}",
                remedy="None needed: the client starts anew.",
            )
