"""A reservation of many lines, atomic for its caller: all of them, or none.

Lines are asked for one after the other in SKU order, so that of two baskets that want the same
things one is ahead at the first of them, and gets all: none waits for the other, nothing is tried
again. Until all are held each holds for a short time only. What was held is released when another
is refused; if this process dies before, it expires by itself. A basket of one line needs no such.
"""

from __future__ import annotations

import asyncio
import logging

from stockfold.domain.times import SECOND_US
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.settings import CheckoutSettings
from stockfold_services.checkout import commands
from stockfold_services.checkout.book import Known, Told
from stockfold_services.checkout.commands import Command, Commands
from stockfold_services.checkout.terms import LineTerms, Terms

log = logging.getLogger(__name__)


def reserving(line: LineTerms, terms: Terms, expires_us: int) -> Command:
    """The command that asks for a line: whole, or nothing of it."""
    body = {
        "sku": line.sku,
        "reservation": str(line.name),
        "order": line.order,
        "line": line.line,
        "channel": terms.channel,
        "quantity": line.name.quantity,
        "locations": list(line.locations),
        "allow_split": terms.allow_split,
        "allow_partial": False,
        "allow_backorder": False,
        "needed_on": None,
        "supply_line": None,
        "expires_at": expires_us,
        "priority": 0,
        "unit": None,
    }
    return Command(commands.RESERVE, terms.channel, line.name, terms.fingerprint, body)


class Saga:
    """Carries one request about a reservation to its end; ``acknowledged`` once Kafka has any."""

    def __init__(self, ledger: Commands, settings: CheckoutSettings) -> None:
        self._ledger = ledger
        self._settings = settings
        self._deadline_s = asyncio.get_running_loop().time() + settings.decision_s_max
        self.acknowledged = asyncio.Event()

    async def reserve(self, terms: Terms) -> Told | None:
        """Reserve every line; None when all are held, else the answer that refused one.

        UnavailableError, TimeoutError: what is held already is given up.
        """
        if len(terms.lines) == 1:
            command = reserving(terms.lines[0], terms, _in(terms.ttl_s))
            told = await self._ask(command)
            return None if told.holds and not told.is_refusal else told
        asked: list[LineTerms] = []
        try:
            for line in terms.lines:
                asked.append(line)
                told = await self._ask(reserving(line, terms, _in(self._settings.hold_s)))
                if told.is_refusal or not told.holds:
                    await self._give_up(terms, asked)
                    return told
            until_us = _in(terms.ttl_s)
            refused = await self._all(
                [
                    commands.extend(terms.channel, line.name, line.sku, until_us)
                    for line in terms.lines
                ]
            )
        except BaseException:
            await self._give_up(terms, asked)
            raise
        if refused is not None:
            await self._give_up(terms, asked)
        return refused

    async def extend(self, known: Known, until_us: int | None) -> Told | None:
        """Hold every line until then (None: for good); None, or the answer that refused one.

        Lines that have expired, or are about to, are asked for again first, in SKU order.
        """
        soon_us = _in(self._settings.hold_s)
        lines = known.in_order()
        if known.count > 1:
            for line in lines:
                if line.state == "held" and not 0 < line.told.expires_us < soon_us:
                    continue
                told = await self._ask(
                    commands.extend(known.channel, line.told.name, line.told.sku, soon_us)
                )
                if told.is_refusal or not told.holds:
                    return told
        return await self._all(
            [
                commands.extend(known.channel, line.told.name, line.told.sku, until_us)
                for line in lines
            ]
        )

    async def release(self, known: Known) -> Told | None:
        """Give up what every line holds."""
        return await self._all(
            [
                commands.release(known.channel, line.told.name, line.told.sku)
                for line in known.in_order()
            ],
            must_hold=False,
        )

    async def _ask(self, command: Command) -> Told:
        return await self._ledger.ask(command, self._deadline_s, self.acknowledged)

    async def _all(self, wanted: list[Command], *, must_hold: bool = True) -> Told | None:
        """Ask all at once; the first answer that is a refusal, or None."""
        for told in await asyncio.gather(*map(self._ask, wanted)):
            if told.is_refusal or (must_hold and not told.holds):
                return told
        return None

    async def _give_up(self, terms: Terms, asked: list[LineTerms]) -> None:
        """Release what was asked for so far. What Kafka does not take now expires by itself."""
        sent = await asyncio.gather(
            *(
                self._ledger.tell(commands.release(terms.channel, line.name, line.sku))
                for line in asked
            )
        )
        if not all(sent):
            log.warning("%s: what is held expires within the hold", terms.reservation)


def _in(seconds: float) -> int:
    return SYSTEM_CLOCK.now_us() + int(seconds * SECOND_US)
