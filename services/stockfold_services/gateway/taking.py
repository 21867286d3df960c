"""Rows of a file on their way to Kafka, and the report of what became of them."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from stockfold.contracts.complete_runs import CompleteRun, missing_beyond
from stockfold.contracts.intake import Intake, Taken
from stockfold.contracts.json_text import Problem as Wrong
from stockfold.domain.errors import ContractError, UnavailableError
from stockfold.runtime.access import Access, not_allowed
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.complete_runs import missing_of
from stockfold.runtime.keys import ApiKey
from stockfold.runtime.problems import Problem
from stockfold.runtime.settings import Settings
from stockfold_services.gateway.sending import Sending

BAD_ROWS_TOLD_MAX = 1_000
UNDER_WAY_MAX = 2_000
"""Rows that wait for Kafka at once: beyond it the file is read no further."""
BYTES_UNDER_WAY_MAX = 4 * 1024 * 1024
"""The same in bytes: a file of long rows takes no more of what may wait for Kafka."""
COUNTED_AT_ONCE = 100


class Report:
    """What became of a file's rows."""

    def __init__(self, *, dry_run: bool) -> None:
        self.dry_run = dry_run
        self.rows = self.accepted = self.bad = 0
        self.ignored: list[str] = []
        self._bad_rows: list[dict[str, object]] = []
        self.zeros: int | None = None
        self.withheld = ""

    def refuse(self, number: int, problems: list[Wrong]) -> None:
        """A row that was not taken."""
        self.bad += 1
        for problem in problems:
            if len(self._bad_rows) < BAD_ROWS_TOLD_MAX:
                self._bad_rows.append(
                    {
                        "row": number,
                        "field": problem.path.removeprefix("$").removeprefix("."),
                        "kind": problem.kind,
                        "reason": problem.what,
                        "remedy": problem.remedy,
                    }
                )

    def told(self) -> dict[str, Any]:
        """The report, as JSON can hold it."""
        complete: dict[str, Any] = {}
        if self.zeros is not None:
            complete = {"rows_of_zero": self.zeros, "rows_of_zero_withheld": self.withheld}
        return {
            **complete,
            "dry_run": self.dry_run,
            "rows": self.rows,
            "accepted": self.accepted,
            "refused": self.bad,
            "ignored_columns": self.ignored,
            "bad_rows": self._bad_rows,
        }


class Stream:
    """Sends rows as they come, so many at once."""

    def __init__(
        self, sending: Sending, access: Access, holder: ApiKey | None, report: Report
    ) -> None:
        self._sending = sending
        self._access = access
        self._holder = holder
        self.report = report
        self._under_way: deque[tuple[int, int, asyncio.Task[None]]] = deque()
        self._bytes = 0
        self._run = CompleteRun()

    async def row(self, number: int, found: Taken | Any) -> None:
        """Take one row; waits while too many are under way. Problem 503 when Kafka is away."""
        report = self.report
        report.rows += 1
        if report.rows % COUNTED_AT_ONCE == 1:
            await self._count()
        if not isinstance(found, Taken):
            report.refuse(number, list(found))
            return
        wrong = not_allowed(self._holder, found) or self._part_of_run(found)
        if wrong is not None:
            report.refuse(number, [wrong])
        elif report.dry_run:
            report.accepted += 1
        else:
            await self._send(number, found)

    async def end(self, intake: Intake, settings: Settings, zeros_max: int | None) -> None:
        """Wait for the rest, and for the rows of zero of a complete snapshot. Problem 503.

        They are withheld when a row was bad, since it may have been that SKU's; and when they are
        more than ``zeros_max``, or than the rows.
        """
        await self._settle_until(0)
        run, report = self._run, self.report
        if not run:
            return
        report.zeros = 0
        if report.bad:
            report.withheld = "There are bad rows. Mend them, and send the whole file again."
            return
        try:
            missing = await asyncio.to_thread(missing_of, run, settings)
        except UnavailableError as error:
            raise Problem(
                503,
                "Not available now",
                f"What the snapshot does not list could not be found out: {error.what}. Send the "
                "whole file again: what Kafka has already changes nothing.",
            ) from None
        why = missing_beyond(len(missing), run.rows, zeros_max)
        if why:
            report.withheld = f"{why}. If the file is whole, send it again with zeros_max."
            return
        report.zeros = len(missing)
        for place, sku in () if report.dry_run else missing:
            await self._send(0, run.zero(place, sku, intake, SYSTEM_CLOCK.now_us()))
        await self._settle_until(0)

    def _part_of_run(self, found: Taken) -> Wrong | None:
        try:
            self._run.row(found)
        except ContractError as error:
            return Wrong(error.kind, "$.as_of", error.what, error.remedy)
        return None

    async def _send(self, number: int, found: Taken) -> None:
        size = len(found.value)
        self._bytes += size
        self._under_way.append((number, size, asyncio.create_task(self._sending.send(found))))
        if len(self._under_way) >= UNDER_WAY_MAX or self._bytes >= BYTES_UNDER_WAY_MAX:
            await self._settle_until(len(self._under_way) // 2)

    async def settle(self) -> None:
        """Wait for the rest, whatever becomes of it."""
        while self._under_way:
            try:
                await self._settle_until(0)
            except Problem:
                continue

    async def _count(self) -> None:
        """Hold the file to its key's rate by reading it no faster. Problem 401 at the key's end."""
        while True:
            try:
                self._access.count(self._holder, COUNTED_AT_ONCE)
            except Problem as problem:
                if problem.status != 429:
                    raise
                await asyncio.sleep(0.1)
            else:
                return

    async def _settle_until(self, left: int) -> None:
        while len(self._under_way) > left:
            number, size, task = self._under_way.popleft()
            self._bytes -= size
            try:
                await task
            except UnavailableError as error:
                raise Problem(
                    503,
                    "Not available now",
                    f"Row {number}: {error.what}. Send the whole file again, with the same "
                    "Idempotency-Key: what Kafka has already changes nothing.",
                ) from None
            except ContractError as error:
                problem = Wrong(error.kind, "$", error.what, error.remedy)
                self.report.refuse(number, [problem])
            else:
                # A row of zero is none of the file's.
                self.report.accepted += number > 0
