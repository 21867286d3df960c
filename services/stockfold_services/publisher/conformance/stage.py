"""Where a scenario is played: one connection of the publisher, and one imitated channel."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

import msgspec

from stockfold.channels import (
    Adapter,
    Failure,
    Observed,
    Outcome,
    Purpose,
    Request,
    Response,
    StockUpdate,
    Trouble,
)
from stockfold.channels.kinds import ChannelKind, Terms
from stockfold.runtime.redaction import remember
from stockfold.runtime.settings import ChannelSettings
from stockfold.runtime.shop_http import Transport
from stockfold_services.publisher.conformance.memory import MemoryDeliveries, MemoryFeed
from stockfold_services.publisher.conformance.virtual_time import VirtualClock, VirtualLoop
from stockfold_services.publisher.conformance.wire import SubjectWire
from stockfold_services.publisher.connection import Connection
from stockfold_services.publisher.measuring import ChannelMeter
from stockfold_services.publisher.mode import ALL, Mode
from stockfold_services.publisher.pace import Limits
from stockfold_services.publisher.retry import RetryPolicy
from stockfold_services.publisher.steering import Steering
from stockfold_services.publisher.wanted import Finished, Wanted

NAME = "conformance"
IDLE_S = 1.0
LOOK_S = 0.5
SETTLED_S_MAX = 6 * 3_600.0
TIMEOUT_S = 30.0
LATER_S = 2 * 3_600.0
"""What a channel has accepted is done, or forgotten, after that."""
TOLD_MAX = 3
ASKED_MAX = 40_000
"""More requests than any scenario needs, one for each item and questions between."""


class NotSo(Exception):  # noqa: N818 - what a scenario promised, and did not see
    """What was seen instead of what a scenario promises."""


class NotApplicable(Exception):  # noqa: N818 - no error
    """Why a channel of this kind cannot come into a scenario's situation."""


class Asked(msgspec.Struct, frozen=True):
    """One request of the adapter's, and when it went out."""

    at_s: float
    request: Request


class Witness(ChannelMeter):
    """Sees what the adapter made of every answer."""

    def __init__(self) -> None:
        super().__init__(NAME)
        self.troubles: list[Trouble] = []
        self.outcomes: list[Outcome] = []

    def asked(self, request: Request, trouble: Trouble | None, seconds: float) -> None:
        """See ``ChannelMeter.asked``."""
        del request, seconds
        if trouble is not None:
            self.troubles.append(trouble)

    def landed(self, outcomes: Iterable[Outcome]) -> None:
        """See ``ChannelMeter.landed``."""
        self.outcomes += outcomes


class Stage:
    """One subject, and the connections that publish to it one after the other."""

    def __init__(self, kind: ChannelKind, loop: VirtualLoop) -> None:
        self.kind = kind
        self.subject = kind.subject()
        self.clock = VirtualClock(loop, self.subject.now_s)
        loop.passed = self.subject.advance
        for secret in self.subject.credentials.values():
            remember(secret)  # As whoever resolves a reference does.
        self.feed = MemoryFeed(IDLE_S)
        self.record = MemoryDeliveries()
        self.witness = Witness()
        self.wire = SubjectWire(self.subject, self.clock.monotonic_s)
        self.asked: list[Asked] = []
        self.instead: Callable[[Request], Response | Failure | None] = lambda _: None
        """What a request meets without reaching the channel; None when it reaches it."""
        self.lost_writes = 0
        """So many of the next writes are done, and their answers lost."""
        self.asked_max = ASKED_MAX
        self.adapter = self.made()
        self.connection: asyncio.Task[None] | None = None
        self._newest: dict[str, Wanted] = {}
        self._rng = random.Random(0)  # noqa: S311 - the same in every run

    # What the merchant and we do.

    def made(self) -> Adapter:
        """A new adapter for the subject's account, which knows nothing."""
        subject = self.subject
        terms = Terms(
            NAME,
            subject.url,
            subject.credentials.__getitem__,
            self.kind.options.model_validate(dict(subject.options)),
            subject.locations,
        )
        return self.kind.adapter(terms)

    def listed(self, count: int, quantity: int = 0, prefix: str = "SKU-") -> list[str]:
        """Have the merchant list so many SKUs; their names."""
        skus = [f"{prefix}{number}" for number in range(count)]
        for sku in skus:
            self.subject.list(sku, quantity)
        return skus

    def publish(self, sku: str, quantity: int, locations: tuple[tuple[str, int], ...] = ()) -> None:
        """The next availability of a SKU; ``locations`` are (ours, units)."""
        self._newest[sku] = self.feed.publish(sku, quantity, locations)

    def publish_all(self, skus: Iterable[str], quantity: int) -> None:
        """The next availability of each."""
        for sku in skus:
            self.publish(sku, quantity)

    # The publisher.

    @asynccontextmanager
    async def connected(
        self, *, mode: Mode = ALL, steering: Steering | None = None, crash: bool = False
    ) -> AsyncIterator[Connection]:
        """A running connection; ``crash`` ends it as a kill would, and its adapter with it."""
        stop = asyncio.Event()
        async with self._transport() as transport:
            connection = Connection(
                NAME,
                self.adapter,
                _Performer(self, transport),
                self.feed,
                self.record,
                self.clock,
                mode=mode,
                steering=steering,
                account=transport,
                limits=self._limits(),
                meter=self.witness,
                policy=RetryPolicy(),
                rng=self._rng,
            )
            self.connection = asyncio.create_task(connection.run(stop))
            try:
                yield connection
            finally:
                if crash:
                    self.connection.cancel()
                stop.set()
                await asyncio.wait({self.connection})
                if not crash and self.connection.exception() is not None:
                    self._see_it_runs()
        if crash:
            self.adapter = self.made()

    def _limits(self) -> Limits:
        most = self.adapter.requests_in_flight_max
        return Limits(most, most, items_max=self.kind.items_max)

    def _transport(self) -> Transport:
        settings = ChannelSettings(
            # It asks for nothing else, and the kind need not be installed.
            name=NAME,
            kind="shopify",
            url=self.subject.url,
            request_timeout_s=TIMEOUT_S,
        )
        return Transport(settings, self.adapter, self.clock, wire=self.wire)

    async def perform(self, request: Request) -> Response | Failure:
        """Make a request beside any connection."""
        async with self._transport() as transport:
            return await transport.perform(request)

    async def read(self, skus: Sequence[str]) -> list[Observed]:
        """What the adapter reads of these."""
        left = [StockUpdate(sku, 0, 0) for sku in skus]
        found: list[Observed] = []
        while left:
            request = self.adapter.read(left)
            asked = {update.sku for update in request.updates}
            see(left[0].sku in asked, "a read leaves out the first of what it is to ask for")
            answer = self.adapter.receive(request, await self.perform(request))
            see(answer.trouble is None, f"a read met {answer.trouble}")
            found += answer.observed
            left = [update for update in left if update.sku not in asked]
        return found

    async def later(self, seconds: float = LATER_S) -> None:
        """Let time go by."""
        await asyncio.sleep(seconds)

    async def until(
        self, done: Callable[[], bool], what: str, within_s: float, look_s: float = LOOK_S
    ) -> None:
        """Wait until it is so, looking every ``look_s``; NotSo when it is not in time."""
        end_s = self.clock.monotonic_s() + within_s
        while not done():
            self._see_it_runs()
            if self.clock.monotonic_s() > end_s:
                raise NotSo(f"within {within_s:,.0f} s there was no {what}; {self._troubles()}")
            await asyncio.sleep(look_s)

    def _see_it_runs(self) -> None:
        if len(self.asked) > self.asked_max:
            raise NotSo(f"it goes in circles: {self._circle()}")
        task = self.connection
        if task is None or not task.done() or task.cancelled():
            return
        error: BaseException | None = task.exception()
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if error is not None:
            raise NotSo(f"the connection ended with {type(error).__name__}: {error}") from error

    def _circle(self) -> str:
        last = [f"{r.method} {r.path or r.url} ({r.purpose.value})" for r in self._latest()]
        return f"{len(self.asked):,} requests, the latest {'; '.join(last)}; {self._troubles()}"

    def _latest(self) -> Sequence[Request]:
        return [one.request for one in self.asked[-TOLD_MAX:]]

    def _troubles(self) -> str:
        told = [f"{one.code}: {one.detail}" for one in self.witness.troubles[-1:]]
        told += [
            f"{one.kind.value} {one.update.sku}: {one.code} {one.detail}"
            for one in self.witness.outcomes[-1:]
        ]
        return f"last seen: {'; '.join(told)}" if told else "nothing was answered"

    async def settled(self, within_s: float = SETTLED_S_MAX) -> None:
        """Wait until the newest availability of each SKU has its outcome on record."""
        seen = -1

        def done() -> bool:
            nonlocal seen
            before, seen = seen, len(self.record.all)
            return seen != before and not self.waiting

        await self.until(done, "outcome for each", within_s)

    @property
    def waiting(self) -> list[str]:
        """The SKUs whose newest availability has no outcome on record yet."""
        told = {(one.wanted.sku, one.wanted.version) for one in self.record.all}
        return [sku for sku, one in self._newest.items() if (sku, one.version) not in told]

    # What was seen.

    def outcome(self, sku: str) -> Finished:
        """The latest outcome of a SKU."""
        return next(one for one in reversed(self.record.all) if one.wanted.sku == sku)

    def written(self, sku: str) -> list[int]:
        """The quantities that the channel took of a SKU, in order."""
        return [quantity for name, quantity in self.subject.writes if name == sku]

    def requests(self, purpose: Purpose) -> list[Request]:
        """The adapter's requests of a purpose."""
        return [one.request for one in self.asked if one.request.purpose is purpose]

    def told(self) -> list[str]:
        """Every text that is put on record or shown to people."""
        texts = [f"{one.code} {one.detail}" for one in self.witness.troubles]
        texts += [f"{one.code} {one.detail}" for one in self.witness.outcomes]
        return texts + [one.detail for one in self.record.all]

    # What must be so.

    def shows_all(self, skus: Iterable[str] | None = None) -> None:
        """The channel shows the newest availability of each, and it was told as applied."""
        for sku in self._newest if skus is None else skus:
            wanted, outcome = self._newest[sku], self.outcome(sku)
            shall = self.adapter.to_show(StockUpdate(sku, wanted.quantity, wanted.version)).quantity
            shows = self.subject.shows(sku)
            kind = outcome.kind.value
            told = f"{sku} shows {shows}, shall show {shall}, and was told as {kind}"
            see(shows == shall and kind == "applied", f"{told}: {outcome.detail}")

    async def ends_right(
        self, skus: Sequence[str] | None = None, within_s: float = SETTLED_S_MAX
    ) -> None:
        """Wait for the outcomes; the channel shows what it shall, and all of it is committed."""
        await self.settled(within_s)
        self.shows_all(skus)
        end = len(self.feed.records)
        await self.until(lambda: self.feed.committed == end, "commit of all that was read", 60.0)


class _Performer:
    """Makes requests by the publisher's own HTTP client, and watches."""

    def __init__(self, stage: Stage, transport: Transport) -> None:
        self._stage = stage
        self._transport = transport

    async def perform(self, request: Request) -> Response | Failure:
        """See ``Performer.perform``."""
        stage = self._stage
        stage.asked.append(Asked(stage.clock.monotonic_s(), request))
        instead = stage.instead(request)
        if instead is not None:
            await asyncio.sleep(LOOK_S)
            return instead
        answer = await self._transport.perform(request)
        if request.purpose is Purpose.WRITE and stage.lost_writes:
            stage.lost_writes -= 1
            await asyncio.sleep(TIMEOUT_S)
            return Failure("timeout", "no answer in time; it may have been done or not")
        return answer


def see(so: bool, otherwise: str) -> None:
    """NotSo unless it is so."""
    if not so:
        raise NotSo(otherwise)


def few(names: Sequence[object]) -> str:
    """The first few of them, for people."""
    more = f" and {len(names) - TOLD_MAX} more" if len(names) > TOLD_MAX else ""
    return ", ".join(str(name) for name in names[:TOLD_MAX]) + more
