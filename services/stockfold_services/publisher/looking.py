"""Looks before a connection writes, and keeps what is taken away for unseen sales up to date."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from stockfold.channels import (
    Answer,
    Failure,
    Outcome,
    OutcomeKind,
    Request,
    Response,
    Trouble,
)
from stockfold.runtime.clock import Clock
from stockfold_services.publisher.backlog import Backlog
from stockfold_services.publisher.before_writing import BeforeWriting, CatchUp, Prepared
from stockfold_services.publisher.sales import Claim
from stockfold_services.publisher.sold_there import SoldThere
from stockfold_services.publisher.wanted import Finished
from stockfold_services.publisher.watermark import Watermark

log = logging.getLogger(__name__)

SOLD_IN_THAT_MOMENT = "shows_less"
KEEP_EVERY_S = 0.5

Perform = Callable[[Request], Awaitable[Response | Failure]]
Finish = Callable[[Sequence[Finished]], Awaitable[None]]
Offered = Callable[[], dict[int, int]]
"""The offset after the last availability that was taken in, by partition."""


class Claims(Protocol):
    """Where the ledger's answers come from."""

    async def catch_up(self) -> list[Claim]:
        """Every claim that was made until this was called and not returned before."""
        ...

    async def passed(self, offered: Offered) -> None:
        """Returns when all that the ledger had decided at the call is in what was taken in."""
        ...


class Looking:
    """Of one connection."""

    def __init__(
        self, channel: str, before: BeforeWriting, sold: SoldThere, claims: Claims, clock: Clock
    ) -> None:
        self._channel = channel
        self._before = before
        self._claims = claims
        self._clock = clock
        self._catching_up = asyncio.Lock()
        self._refusal: Trouble | None = None
        self.sold = sold

    # Before a write.

    async def prepare(
        self, write: Request, backlog: Backlog, perform: Perform, finish: Finish
    ) -> Prepared:
        """What is to be written now, after a look."""
        looking = self._before.look(write, backlog.current)
        answer: Response | Failure | None = None
        try:
            while True:
                asked = looking.send(answer)
                if asked is CatchUp.CLAIMS:
                    answer = None
                    await finish(await self._catch_up(backlog))
                else:
                    assert isinstance(asked, Request)
                    answer = await perform(asked)
        except StopIteration as ended:
            self._note_refusal()
            prepared: Prepared = ended.value
            return prepared

    def _note_refusal(self) -> None:
        refusal = self._before.refusal
        if refusal is not None and self._refusal is None:
            log.error(
                "channel %s does not let us read its orders: what it sold is told by what its "
                "listings show alone (%s)",
                self._channel,
                refusal.detail,
            )
        self._refusal = refusal

    async def _catch_up(self, backlog: Backlog) -> list[Finished]:
        async with self._catching_up:
            claims = await self._claims.catch_up()
        changed: set[str] = set()
        for claim in claims:
            changed |= self.sold.claimed(claim, self._clock.monotonic_s())
        return self._shown_again(backlog, changed)

    def _shown_again(self, backlog: Backlog, skus: set[str]) -> list[Finished]:
        now_us = self._clock.now_us()
        return [one for sku in sorted(skus) for one in backlog.show_again(sku, now_us)]

    # After an answer.

    def taken_in(self, answer: Answer) -> Answer:
        """Note what was observed. What was sold amidst a write is written after another look."""
        now_s = self._clock.monotonic_s()
        for one in answer.observed:
            self.sold.observed(one, now_s)
        outcomes = retried_when_sold(answer.outcomes)
        return msgspec.structs.replace(answer, outcomes=outcomes)

    # All the while.

    async def keep(
        self, backlog: Backlog, watermarks: Mapping[int, Watermark], finish: Finish
    ) -> None:
        """Take in claims, end what is over, and look again where something was sold; for ever."""
        passing: asyncio.Task[int] | None = None

        def offered() -> dict[int, int]:
            return {number: mark.next_offset or 0 for number, mark in watermarks.items()}

        try:
            while True:
                await finish(await self._catch_up(backlog))
                now_s, now_us = self._clock.monotonic_s(), self._clock.now_us()
                changed = self.sold.settle(now_s)
                if passing is not None and passing.done():
                    changed |= self.sold.passed(passing.result())
                    passing = None
                finished = self._shown_again(backlog, changed)
                for sku in self.sold.to_recheck(now_s, backlog.is_busy):
                    finished += backlog.show_again(sku, now_us, look=True)
                await finish(finished)
                self._tell_given_up()
                if passing is None and (number := self.sold.open_pass()) is not None:
                    passing = asyncio.create_task(self._pass(number, offered))
                await asyncio.sleep(KEEP_EVERY_S)
        finally:
            if passing is not None:
                passing.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await passing

    async def _pass(self, number: int, offered: Offered) -> int:
        await self._claims.passed(offered)
        return number

    def _tell_given_up(self) -> None:
        for order in self.sold.given_up:
            log.error(
                "channel %s: order %s never reached the ledger; its units are no longer kept off "
                "sale. Look for it among the exceptions, or is the channel not swept?",
                self._channel,
                order,
            )
        self.sold.given_up.clear()


def retried_when_sold(outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """Written again after another look: by then the order shows that was placed amidst."""
    return tuple(
        msgspec.structs.replace(one, kind=OutcomeKind.RETRYABLE)
        if one.code == SOLD_IN_THAT_MOMENT
        else one
        for one in outcomes
    )
