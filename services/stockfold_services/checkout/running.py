"""The requests that wait for the ledger: bounded in number, and each carried to its end once.

A buyer who leaves lets go of the waiting, not of the work: a basket that is half reserved is
completed or given up, whoever still looks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request

from stockfold.domain.errors import StockfoldError
from stockfold.runtime.problems import Problem
from stockfold.runtime.settings import CheckoutSettings
from stockfold.runtime.telemetry.tracing import about
from stockfold_services.checkout.book import Told
from stockfold_services.checkout.commands import Commands
from stockfold_services.checkout.saga import Saga

log = logging.getLogger(__name__)

Work = Callable[[Saga], Coroutine[Any, Any, Told | None]]


class Gone(Exception):  # noqa: N818 - what happened, not what failed
    """The caller has left: nobody reads the answer."""


class _Run:
    def __init__(self, saga: Saga, task: asyncio.Task[Told | None]) -> None:
        self.saga = saga
        self.task = task


class Running:
    """Carries requests to their end, one at a time for each reservation."""

    def __init__(self, ledger: Commands, settings: CheckoutSettings) -> None:
        self._ledger = ledger
        self._settings = settings
        self._runs: dict[str, _Run] = {}

    def __contains__(self, reservation: str) -> bool:
        return reservation in self._runs

    def begin(self, reservation: str, what: str, work: Work) -> None:
        """Begin the work of a reservation; ``what`` is its name in the log.

        Problem 503 when too many are under way.
        """
        if len(self._runs) >= self._settings.waiting_max:
            raise Problem(503, "Too busy", "Too many reservations wait for the ledger.")
        saga = Saga(self._ledger, self._settings)
        task = asyncio.create_task(work(saga))
        self._runs[reservation] = _Run(saga, task)
        task.add_done_callback(lambda done: self._ended(reservation, what, done))

    def _ended(self, reservation: str, what: str, task: asyncio.Task[Told | None]) -> None:
        del self._runs[reservation]
        if task.cancelled():
            return
        error, whom = task.exception(), about(reservation)
        if isinstance(error, (StockfoldError, TimeoutError)):
            log.info("%s %s: not decided in time (%r)", what, reservation, error, extra=whom)
        elif error is not None:
            log.error("%s met a defect", reservation, exc_info=error, extra=whom)
        else:
            _say(what, reservation, task.result())

    async def wait(self, reservation: str, request: Request, wait_s: float) -> tuple[bool, Any]:
        """(True, the outcome) of the work under way, or (False, None) when it takes longer.

        Returns not before Kafka has the first command. Gone when the caller has left; whatever the
        work raised.
        """
        run = self._runs.get(reservation)
        if run is None:
            return True, None
        gone = asyncio.create_task(_left(request))
        try:
            await asyncio.wait({run.task, gone}, timeout=wait_s, return_when="FIRST_COMPLETED")
            if not run.task.done() and not gone.done():
                sent = asyncio.create_task(run.saga.acknowledged.wait())
                await asyncio.wait({run.task, gone, sent}, return_when="FIRST_COMPLETED")
                sent.cancel()
            if run.task.done():
                return True, run.task.result()
            if gone.done():
                raise Gone
            return False, None
        finally:
            gone.cancel()

    async def close(self) -> None:
        """End what is under way: what it holds is released, or expires."""
        tasks = [run.task for run in self._runs.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _say(what: str, reservation: str, refused: Told | None) -> None:
    whom = about(reservation)
    if refused is None:
        log.info("%s %s: done", what, reservation, extra=whom)
        return
    log.info(
        "%s %s: %s of %s (%s, %d available)",
        what,
        reservation,
        refused.status,
        refused.sku,
        refused.reason,
        refused.available,
        extra=whom,
    )


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue
