"""One channel connection: reads what is wanted, sends it, records what became of it.

    feed ──▶ backlog ──▶ adapter ──▶ transport ──▶ the shop
      ▲         │ finished
      │         ▼
    commit ◀── deliveries

After start and after every reassignment a partition is read to its end before anything of it is
sent: an older version that is read again then never overwrites a newer one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Sequence

from stockfold.channels import (
    Adapter,
    Answer,
    Failure,
    Purpose,
    Request,
    Response,
    StockUpdate,
)
from stockfold.runtime.clock import Clock
from stockfold.runtime.steps import step
from stockfold.runtime.watchdog import Pulse
from stockfold_services.publisher.affordable import Account, Affordable
from stockfold_services.publisher.backlog import Backlog
from stockfold_services.publisher.deliveries import Deliveries
from stockfold_services.publisher.feed import Feed, Partitions, Read
from stockfold_services.publisher.frozen import Alerts, watch
from stockfold_services.publisher.lease import Lease
from stockfold_services.publisher.listings import States
from stockfold_services.publisher.looking import Looking
from stockfold_services.publisher.measuring import ChannelMeter, Now
from stockfold_services.publisher.mode import ALL, Mode
from stockfold_services.publisher.ownership import Ownership
from stockfold_services.publisher.pace import Limits, Pace
from stockfold_services.publisher.performing import Asked, Performer, performed, unless
from stockfold_services.publisher.recorder import Recorder
from stockfold_services.publisher.retry import Breaker, RetryPolicy
from stockfold_services.publisher.sales import all_seen
from stockfold_services.publisher.steering import Steering
from stockfold_services.publisher.wanted import Finished, Wanted

log = logging.getLogger(__name__)

IDLE_S = 0.5
RESEND_LOOK_S = 0.25


class Connection:
    """The publisher of one channel, until it is stopped or fails."""

    def __init__(
        self,
        name: str,
        adapter: Adapter,
        performer: Performer,
        feed: Feed,
        deliveries: Deliveries,
        clock: Clock,
        *,
        lease: Lease | None = None,
        mode: Mode = ALL,
        states: States | None = None,
        alerts: Alerts | None = None,
        resends: Asked | None = None,
        limits: Limits | None = None,
        looking: Looking | None = None,
        steering: Steering | None = None,
        account: Account | None = None,
        anew: Callable[[], Adapter] | None = None,
        meter: ChannelMeter | None = None,
        policy: RetryPolicy | None = None,
        rng: random.Random | None = None,
    ) -> None:
        limits = limits or Limits(*[adapter.requests_in_flight_max] * 2)
        workers = range(1, limits.in_flight_max + 1)
        self._reading = Pulse(f"channel {name}, reader")
        self._sending = [Pulse(f"channel {name}, sender {number}") for number in workers]
        policy = policy or RetryPolicy()
        rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
        self.name = name
        self._adapter = adapter
        self._anew = anew
        self._performer = performer
        self._feed = feed
        self._clock = clock
        self.breaker = Breaker(policy, rng)
        self._limits = limits
        self.pace = Pace(limits)
        self._alerts = alerts
        self.lease = lease or Lease(clock)
        self._resends = resends
        self.backlog = Backlog(
            adapter.to_show,
            lambda failures: policy.delay_s(failures, rng),
            policy.attempts_max,
            mode.writes,
            policy.window_s,
            all_seen if looking is None else looking.sold.unseen,
        )
        self._looking = looking
        self._affordable = Affordable(adapter, self.backlog, account, steering, limits.items_max)
        self.steering = steering
        self._wake = asyncio.Event()
        self._recorder = Recorder(name, feed, deliveries, states, self.lease, self._wake.set)
        self.owns = Ownership(name, self.backlog, self._recorder, clock)
        self._watermarks = self._recorder.watermarks
        self.pulses = [self._reading, *self._recorder.pulses, *self._sending]
        self.in_flight = 0
        self.meter = meter or ChannelMeter(name)
        self._recorder.meter = self.meter

    def has_work(self) -> bool:
        """See ``publisher.frozen.Work``."""
        waits = self.steering is not None and self.steering.waits
        return (self.backlog.has_due and not waits) or self.in_flight > 0

    def done_count(self) -> int:
        """See ``publisher.frozen.Work``."""
        return self._recorder.finished_count

    def hindered_by(self) -> str:
        """See ``publisher.frozen.Work``."""
        trouble = self.breaker.trouble
        if trouble is not None:
            return f"the shop is {trouble.kind.value} ({trouble.code}): {trouble.detail}"
        return "" if self.lease.holds else "Kafka does not confirm that we are its owner"

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop``: requests under way are brought home, outcomes recorded."""
        await self._feed.start(self._assigned, self.owns.revoked)
        try:
            async with asyncio.TaskGroup() as outer:
                outer.create_task(self._recorder.record())
                beside = [
                    outer.create_task(self._recorder.keep_lease()),
                    outer.create_task(self._recorder.tell_listings()),
                    *([outer.create_task(self._watch())] if self._alerts is not None else ()),
                    outer.create_task(self._keep_looking()),
                ]
                if self.steering is not None:
                    beside.append(outer.create_task(self.steering.watch(self._wake.set)))
                async with asyncio.TaskGroup() as inner:
                    inner.create_task(self._read(stop))
                    if self._resends is not None:
                        inner.create_task(self._send_again(stop, self._resends))
                    for pulse in self._sending:
                        inner.create_task(self._work(stop, pulse))
                for task in beside:
                    task.cancel()
                await self._recorder.end()
            await self._recorder.all_recorded()
            await self._recorder.commit(self._watermarks)
        finally:
            self.owns.ended()
            self.meter.ended()

    async def _watch(self) -> None:
        assert self._alerts is not None
        await watch(
            self.name, self, self._alerts, self._clock, self._limits.frozen_after_s, self._seen
        )

    def _seen(self, frozen: bool) -> None:
        now = Now(
            self._clock.now_us(),
            frozen,
            self.in_flight,
            self.pace.in_flight,
            self.lease.holds,
            self.breaker.trouble,
            "running" if self.steering is None else self.steering.state,
        )
        self.meter.look(now)

    # Reading.

    async def _read(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._reading.beat("reading availability")
            records = await unless(stop, self._feed.read())
            if records is None:
                break
            self.owns.check()
            if self.steering is not None:
                await self.steering.load()
            # Offered without a pause in between, so that no reassignment can come amidst.
            finished = [one for record in records for one in self._take_in(record)]
            if records:
                step("publisher.after_read")
                self._reading.beat("handing over what needs no request")
                await self._finish(finished)
                # Buffered records come without a pause; requests must have their turn.
                await asyncio.sleep(0)
            if self.owns.catching_up:
                reached = await self._feed.caught_up(set(self.owns.catching_up))
                await self._finish(self.owns.caught_up(reached))
        self._reading.rest()

    def _take_in(self, record: Read) -> list[Finished]:
        watermark = self._watermarks.get(record.partition)
        if watermark is None:
            return []  # Reassigned while the records were on their way: somebody else reads it.
        watermark.read(record.offset, opened=record.wanted is not None)
        return [] if record.wanted is None else self._offer(record.wanted, self.backlog.offer)

    def _offer(
        self, wanted: Wanted, offer: Callable[[Wanted, int], list[Finished]]
    ) -> list[Finished]:
        """Take in what is wanted, or what the channel's control says that it shall show."""
        now_us = self._clock.now_us()
        if self.steering is None:
            return offer(wanted, now_us)
        told = self.steering.takes(wanted)
        if told is None:
            return self.backlog.leave(wanted, now_us, self.steering.detail)
        self.steering.wants(told, self.backlog.quantity_of(told))
        return offer(told, now_us)

    async def _send_again(self, stop: asyncio.Event, resends: Asked) -> None:
        """Take in what shall be sent once more, now and then. Before we are the owner it waits."""
        while not stop.is_set():
            if self.owns.is_settled:
                await self._take_again(resends)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), RESEND_LOOK_S)

    async def _take_again(self, resends: Asked) -> None:
        assigned = self.owns.assigned_count
        asked = await resends.take(self.backlog.knows)
        if assigned != self.owns.assigned_count:
            # Somebody else may have written since they were looked at.
            resends.put_back(asked)
            return
        mine = [wanted for wanted in asked if wanted.partition in self._watermarks]
        if self._looking is not None:
            for one in mine:
                self._looking.sold.forget(one.sku)
        again = self.backlog.again
        await self._finish([f for one in mine for f in self._offer(one, again)])

    def _assigned(self, partitions: Partitions) -> None:
        if self.steering is not None:
            self.steering.forget()
        if self._anew is not None and partitions and self.owns.assigned_count:
            # Somebody else may have written since: what the channel has in hand may not be ours.
            self._adapter = self._affordable.adapter = self._anew()
        self.owns.assigned(partitions)

    # Sending.

    async def _work(self, stop: asyncio.Event, pulse: Pulse) -> None:
        while not stop.is_set():
            request = self._next_request()
            if request is None:
                pulse.rest()
                self._wake.clear()
                await self._rest()
                continue
            probe = self.breaker.needs_probe
            self.in_flight += 1
            at_once, began_s = self.in_flight, self._clock.monotonic_s()
            self.pace.began(began_s)
            try:
                looked = await self._look_first(request, stop, pulse)
                if looked is None:
                    continue
                request, began_s = looked, self._clock.monotonic_s()
                step("publisher.before_send")
                pulse.beat(f"{request.method} {request.path}")
                response = await performed(self._performer, request, stop)
                step("publisher.after_send")
                pulse.beat("handing over outcomes")
                answer = self._adapter.receive(request, response)
                self._affordable.told(answer.levels)
                self.meter.asked(request, answer.trouble, self._clock.monotonic_s() - began_s)
                if self.steering is not None:
                    await self.steering.observed(answer.observed, self.backlog.partition_of)
                    self.steering.applied(answer.outcomes, self._adapter.to_show)
                finished = self._settle(request, answer, probe=probe)
                self._measure(request, at_once, began_s)
                await self._finish(finished)
            finally:
                self.in_flight -= 1
                pulse.rest()
                self.owns.landed()
                self._wake.set()

    async def _look_first(
        self, request: Request, stop: asyncio.Event, pulse: Pulse
    ) -> Request | None:
        """The request to make, once it is known what a write would overwrite; None for none."""
        if self._looking is None or request.purpose is not Purpose.WRITE:
            return request
        pulse.beat("looking at the shop before a write")

        async def ask(asked: Request) -> Response | Failure:
            self.pace.began(self._clock.monotonic_s())
            return await performed(self._performer, asked, stop)

        prepared = await self._looking.prepare(request, self.backlog, ask, self._finish)
        if prepared.trouble is not None:
            now_s = self._clock.monotonic_s()
            self.breaker.take(self.name, Purpose.READ, prepared.trouble, now_s, probe=False)
        if self.steering is not None:
            await self.steering.observed(prepared.observed, self.backlog.partition_of)
        answer = Answer(prepared.outcomes, observed=prepared.observed)
        await self._finish(self._landed_of(request.updates, answer, prepared.still_out))
        if prepared.request is not None:
            self._note_asked(prepared.request, goes_out=True)
        return prepared.request

    async def _keep_looking(self) -> None:
        if self._looking is not None:
            await self._looking.keep(self.backlog, self._watermarks, self._finish)

    def _next_request(self) -> Request | None:
        if not self.lease.holds:
            return None
        now_s = self._clock.monotonic_s()
        if self.in_flight >= self.pace.in_flight or self.pace.wait_s(now_s) > 0:
            return None
        if now_s < self.breaker.rests_until_s or (self.breaker.is_open and self.in_flight):
            return None
        probe = self.breaker.needs_probe
        request = self._affordable.next(self.pace.items_max, now_s, probe=probe)
        if request is None:
            return None
        # A write that is looked at first may find nothing left to send.
        self._note_asked(request, goes_out=self._looking is None)
        follows = request.purpose is Purpose.FOLLOW
        self.backlog.claim(request.updates, self._clock.now_us(), follows=follows)
        if request.purpose is Purpose.WRITE:
            self.backlog.forget_acknowledged(request.updates)
        return request

    def _note_asked(self, request: Request, *, goes_out: bool) -> None:
        told = [(u, self._adapter.to_show(u).quantity) for u in request.updates]
        writes = goes_out and request.purpose is Purpose.WRITE
        sent = self._clock.now_us() if writes else None
        self._recorder.listings.asked(
            [(u, quantity, self.backlog.partition_of(u.sku)) for u, quantity in told], sent
        )

    async def _rest(self) -> None:
        """Until there may be something to do, at most half a second."""
        now_s = self._clock.monotonic_s()
        rests_s = (self.breaker.rests_until_s, self._affordable.rests_until_s)
        next_s = (*rests_s, self.backlog.next_due_s() or 0.0)
        times = (self.pace.wait_s(now_s), *(at_s - now_s for at_s in next_s))
        wait_s = min((time for time in times if time > 0), default=IDLE_S)
        try:
            async with asyncio.timeout(min(wait_s, IDLE_S)):
                await self._wake.wait()
        except TimeoutError:
            return

    def _settle(self, request: Request, answer: Answer, *, probe: bool) -> list[Finished]:
        if self._looking is not None:
            answer = self._looking.taken_in(answer)
        now_s = self._clock.monotonic_s()
        self.breaker.take(self.name, request.purpose, answer.trouble, now_s, probe=probe)
        if request.purpose is Purpose.WRITE:
            self._recorder.listings.accepted(answer.outcomes)
        return self._landed_of(request.updates, answer, set())

    def _landed_of(
        self, updates: Sequence[StockUpdate], answer: Answer, still_out: set[str]
    ) -> list[Finished]:
        """Of updates that were under way: each has its outcome, or is wanted as before."""
        now_s, now_us = self._clock.monotonic_s(), self._clock.now_us()
        self._recorder.listings.observed(answer.observed, now_us)
        self.meter.landed(answer.outcomes)
        told = still_out | {outcome.update.sku for outcome in answer.outcomes}
        finished = [one for o in answer.outcomes for one in self.backlog.land(o, now_s, now_us)]
        # The last one first: each of them goes in front, and their order stays.
        for update in reversed(updates):
            if update.sku not in told:
                finished += self.backlog.release(update, now_us)
        return finished

    def _measure(self, request: Request, at_once: int, began_s: float) -> None:
        now_s = self._clock.monotonic_s()
        if self.breaker.is_open:
            self.pace.troubled(now_s)
        elif request.purpose is Purpose.WRITE:
            self.pace.written(len(request.updates), now_s - began_s, at_once, now_s)

    async def _finish(self, finished: Sequence[Finished]) -> None:
        self._wake.set()
        await self._recorder.finish(finished)
