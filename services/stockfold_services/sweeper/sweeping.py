"""The sweeper of one shop: what its webhooks missed, what is to be looked up, and its webhooks."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Generator, Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from stockfold.channels import Failure, Request, Response, TroubleKind
from stockfold.channels.orders import ChannelOrder
from stockfold.channels.shopify.sweeps import ShopifySweep
from stockfold.channels.sweeping import Sweep
from stockfold.channels.woocommerce.asking import NotServedError, NotThereError
from stockfold.channels.woocommerce.holds import hold
from stockfold.channels.woocommerce.sweeps import OrderSweep, look_up, not_shown
from stockfold.contracts.shop_orders import order_record
from stockfold.domain.errors import ContractError
from stockfold.domain.times import DAY_US, SECOND_US, to_us
from stockfold.runtime import audit
from stockfold.runtime.clock import Clock
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold.runtime.shop_http import Transport
from stockfold.runtime.shop_orders import terms_of
from stockfold.runtime.telemetry.tracing import about
from stockfold.runtime.watchdog import Pulse
from stockfold_services.sweeper.cases import Case
from stockfold_services.sweeper.notebook import Notebook, Writer

log = logging.getLogger(__name__)

T = TypeVar("T")
RECENT_MAX = 20_000
PAUSE_S = 0.2


class ShopSweeper:
    """Reads one shop. Its methods raise NotServedError, UnavailableError."""

    def __init__(
        self,
        settings: Settings,
        channel: ChannelSettings,
        shop: Transport,
        writer: Writer,
        clock: Clock,
        pulse: Pulse,
    ) -> None:
        self._settings = settings
        self._channel = channel
        self._terms = terms_of(channel)
        self._shop = shop
        self._writer = writer
        self._clock = clock
        self._pulse = pulse
        self._held: set[str] = set()
        self._sent: OrderedDict[str, None] = OrderedDict()
        self._reached: int | None = None
        self._reading: Sweep | None = None

    async def answer_questions(self, notebook: Notebook) -> int:
        """Look up what was asked; how many orders there were.

        A question is struck out when Kafka has the order as the shop showed it after the question.
        """
        name = self._channel.name
        questions = notebook.questions(name)
        for question in questions:
            await self._look_up(question.order)
            await self._writer.answered(question)
        return len(questions)

    async def find_gone(self, orders: Sequence[str]) -> int:
        """Tell those of these orders that the shop shows no more; how many there were.

        Deleted past the bin, with the webhook lost: no sweep would ever see them.
        """
        gone = 0
        for order in await self.converse(not_shown(orders)):
            gone += await self._look_up(order)
        return gone

    async def _look_up(self, order: str) -> bool:
        """Tell how the shop shows an order now; whether that was new."""
        try:
            return await self._tell(await self.converse(look_up(order, self._terms)))
        except ContractError as error:
            log.error("%s", error)  # noqa: TRY400  (the sentence says it all)
            return False

    async def hold_oversold(self, cases: Iterable[Case]) -> None:
        """Put orders of open cases on hold in the shop, each once, with an audit record."""
        for case in cases:
            if case.case in self._held:
                continue
            details = {"order": case.order, "case": case.case, "note": case.note}
            entry = await asyncio.to_thread(
                audit.record,
                self._settings,
                command="order hold",
                subject=f"{self._channel.name}/{case.order}",
                details=details,
                who="sweeper",
            )
            outcome: audit.Outcome = "failed"
            result: dict[str, Any] = {}
            try:
                correlation = f"{self._channel.name}|{case.order}"
                held = await self.converse(hold(case.order, case.case, case.note, correlation))
                outcome, result = "done", msgspec.to_builtins(held)
            except NotThereError as error:
                result = {"error": error.what}
            finally:
                await asyncio.to_thread(audit.conclude, self._settings, entry, outcome, result)
            self._held.add(case.case)

    async def sweep(self, notebook: Notebook) -> int:
        """Read every order that changed since the last sweep, and a while before; how many new.

        How far it came is noted when Kafka has them all. One that was cut off goes on at the page
        where it stopped, with smaller pages when the shop could not serve it. What
        cannot be read, or is too large for Kafka, is told in the log and holds up no other.
        """
        now_us = self._clock.now_us()
        noted = notebook.reached(self._channel.name)
        reached = self._so_far(noted, now_us)
        overlap_us = self._channel.orders.sweep_overlap_s * SECOND_US
        reading = self._reading or self._begin(max(reached - overlap_us, 0))
        self._reading = reading
        told = 0
        while (request := reading.request) is not None:
            try:
                page = reading.receive(await self._ask(request))
            except NotServedError as error:
                if error.trouble.kind is TroubleKind.UNAVAILABLE:
                    reading.halve()
                raise
            await asyncio.sleep(reading.pause_s)
            for problem in page.unread:
                log.error("%s", problem)
            told += sum(await asyncio.gather(*map(self._tell, page.orders)))
        self._reading = None
        # An order dated in the future must not hide those that change until then.
        latest = min(max(reading.latest_us, reached), max(now_us, reached))
        if latest > reached or noted is None:
            await self._writer.reached(self._channel.name, latest)
        self._reached = latest
        return told

    def _begin(self, after_us: int) -> Sweep:
        if self._channel.kind == "shopify":
            return ShopifySweep(self._channel.name, after_us)
        return OrderSweep(self._terms, after_us)

    def _so_far(self, noted: int | None, now_us: int) -> int:
        seen = [us for us in (self._reached, noted) if us is not None]
        if seen:
            return max(seen)
        start = self._channel.orders.sweep_from
        return now_us - DAY_US if start is None else to_us(start)

    async def _tell(self, order: ChannelOrder) -> bool:
        """Send an order, unless it was sent just like this; whether it was new and was taken."""
        name = order.event_id
        if name in self._sent:
            return False
        try:
            await self._writer.send(order_record(order))
        except ContractError as error:
            log.error(  # noqa: TRY400  (the sentence says it all)
                "order %s of channel %s: %s", order.order, order.channel, error
            )
            return False
        self._sent[name] = None
        if len(self._sent) > RECENT_MAX:
            self._sent.popitem(last=False)
        log.info(
            "order %s of channel %s is taken from its shop",
            order.order,
            order.channel,
            extra=about(f"{order.channel}|{order.order}"),
        )
        return True

    async def _ask(self, request: Request) -> Response | Failure:
        """Ask the shop, then leave it alone for as long as it took: half a worker at most."""
        self._pulse.beat(f"{request.method} {request.path}")
        began = time.monotonic()
        answer = await self._shop.perform(request)
        await asyncio.sleep(max(PAUSE_S, time.monotonic() - began))
        return answer

    async def converse(self, conversation: Generator[Request, Response | Failure, T]) -> T:
        """Hold a conversation, at that pace."""
        try:
            request = next(conversation)
            while True:
                request = conversation.send(await self._ask(request))
        except StopIteration as ended:
            result: T = ended.value
            return result
