"""How one connection is steered: by the control of its channel, and by its guards.

A guard that trips stops the sending at once; that it did so is put into the control topic right
after, where every later process finds it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import takewhile

from stockfold.channels import Outcome, OutcomeKind, Shown, StockUpdate
from stockfold.channels.port import Observed
from stockfold.runtime.channel_control import Control, State, halt_of
from stockfold.runtime.clock import Clock
from stockfold.runtime.telemetry import measures
from stockfold_services.publisher.baselines import Baselines
from stockfold_services.publisher.gate import SAID, Gate, course_of, ordered
from stockfold_services.publisher.guards import Counts, Guards, Halt
from stockfold_services.publisher.mode import Mode
from stockfold_services.publisher.wanted import Wanted

log = logging.getLogger(__name__)

LOOK_S = 0.25
BY = "publisher"


class Steering:
    """Of one connection, for as long as it keeps its course.

    ``publish`` puts a control into force; ``stale_s`` says for how long work upstream has not
    moved. ``turned`` is set when the connection has to start anew on another course.
    """

    def __init__(
        self,
        gate: Gate,
        guards: Guards,
        baselines: Baselines,
        mode: Mode,
        publish: Callable[[Control], Awaitable[None]],
        clock: Clock,
        stale_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._gate = gate
        self._guards = guards
        self._baselines = baselines
        self._publish = publish
        self._clock = clock
        self._stale_s = stale_s
        self._mode = mode
        self._control = self._seen = gate.control
        self._halt: Halt | None = None
        self._loaded = False
        self.course = course_of(mode, self._control)
        self.turned = asyncio.Event()

    @property
    def detail(self) -> str:
        """What to say of an outcome that came of an order; empty while the channel runs."""
        return SAID.get(self._control.state, "")

    @property
    def state(self) -> State:
        """What the channel shall do now, a halt that is not yet put into force included."""
        return "halted" if self._halt is not None else self._control.state

    @property
    def waits(self) -> bool:
        """True while it is meant that something that is due is not sent."""
        return self._control.state in ("paused", "halted") or self._halt is not None

    def counts(self) -> Counts:
        """How near the guards are to halting the channel."""
        now_s = self._clock.monotonic_s()
        return self._guards.counts(len(self._baselines.known), self._stale_s(), now_s)

    def forget(self) -> None:
        """Other partitions are ours now: somebody else may have put baselines on record."""
        self._loaded = False

    async def load(self) -> None:
        """Read the baselines, unless they are known; before anything is taken in."""
        if not self._loaded:
            await self._baselines.load(self._control)
            self._loaded = True

    def takes(self, wanted: Wanted) -> Wanted | None:
        """What the channel shall show instead; None when it shall keep what it shows."""
        return ordered(wanted, self._control, self._baselines.known)

    def wants(self, wanted: Wanted, quantity: int) -> None:
        """This will be shown of a listing, once it is written."""
        if self.course.writes(wanted.sku) and not self.course.order:
            looked_at = self._control.approved_to
            at = wanted.partition
            approved = at < len(looked_at) and wanted.offset < looked_at[at]
            self._guards.wants(wanted.sku, quantity, self._clock.monotonic_s(), approved=approved)

    async def observed(
        self, observed: Iterable[Observed], partition_of: Callable[[str], int]
    ) -> None:
        """The channel has shown these. Returns when their baselines are on record."""
        observed = tuple(observed)
        if self._control.state != "restored":
            await self._baselines.take(observed, partition_of, self._control.baselines)
        now_s = self._clock.monotonic_s()
        for one in observed:
            ours = one.written is not None
            self._guards.shows(one.sku, one.quantity or 0, now_s, ours=ours)

    def applied(self, outcomes: Iterable[Outcome], to_show: Callable[[StockUpdate], Shown]) -> None:
        """The channel shows these by now, whether it has echoed them or not."""
        now_s = self._clock.monotonic_s()
        for one in outcomes:
            if one.kind is OutcomeKind.APPLIED:
                quantity = to_show(one.update).quantity
                self._guards.shows(one.update.sku, quantity, now_s, ours=True)

    def passing(
        self, due: Sequence[StockUpdate], quantity: Callable[[StockUpdate], int]
    ) -> Sequence[StockUpdate]:
        """Those of the updates that may be sent now."""
        self._follow()
        state = self._control.state
        if state == "paused" or self.turned.is_set():
            return ()
        if state == "running":
            unknown = self._unknown_zeros(due, quantity)
            if unknown:
                return unknown
            self._judge()
        if state != "halted" and self._halt is None:
            return due
        now_s = self._clock.monotonic_s()
        return [u for u in due if self._guards.lets_pass(u.sku, quantity(u), now_s)]

    def _unknown_zeros(
        self, due: Sequence[StockUpdate], quantity: Callable[[StockUpdate], int]
    ) -> list[StockUpdate]:
        """Zeros come first, and what they would take away is looked up before one is written."""
        if self.course.order:
            return []
        zeros = takewhile(lambda update: quantity(update) == 0, due)
        return [update for update in zeros if not self._guards.knows(update.sku)]

    def _judge(self) -> None:
        if self._halt is None and not self.course.order:
            now_s = self._clock.monotonic_s()
            halt = self._guards.halt(len(self._baselines.known), self._stale_s(), now_s)
            if halt is not None:
                self._halt = halt
                self._guards.halted(now_s, halt.guard)

    def _follow(self) -> None:
        """Notice what was said since."""
        told = self._gate.control
        if told == self._seen:
            return
        self._seen, self._halt = told, None
        if told == self._control:
            return  # A halt of ours, come back.
        log.warning("channel %s is %s: %s", told.channel, told.state, told.reason)
        if course_of(self._mode, told) != self.course:
            self.turned.set()
        if told.state == "running":
            self._guards.resumed()
        self._control = told

    async def watch(self, changed: Callable[[], None]) -> None:
        """Follow the control, and put a halt into force; for ever."""
        while True:
            before = self._control
            self._follow()
            if self._control.state == "running":
                self._judge()
            if self._halt is not None and self._control.state == "running":
                await self._put_into_force(self._halt)
            if self._control != before:
                changed()
            await asyncio.sleep(LOOK_S)

    async def _put_into_force(self, halt: Halt) -> None:
        control = halt_of(self._control, halt.guard, halt.reason, BY)
        log.error(
            "channel %s halts: %s. Look at it, then `stockfold channel resume %s`",
            control.channel,
            halt.reason,
            control.channel,
        )
        measures.PUBLISHER_HALTS.labels(control.channel, halt.guard).inc()
        await self._publish(control)
        self._control, self._halt = control, None
