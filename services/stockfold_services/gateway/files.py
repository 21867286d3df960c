"""``POST /v1/files``: CSV and NDJSON of any length, streamed in bounded memory."""

from __future__ import annotations

import asyncio
import csv
from collections import deque
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from stockfold.contracts.envelope import MAX_ATTRIBUTE_BYTES
from stockfold.contracts.intake import Intake, Taken
from stockfold.contracts.json_text import Problem as Wrong
from stockfold.contracts.judging import full_name
from stockfold.domain.errors import ContractError, UnavailableError
from stockfold.domain.times import parse_us
from stockfold.runtime.access import Access, not_allowed
from stockfold.runtime.http_bodies import chunks
from stockfold.runtime.idempotency import idempotency_key
from stockfold.runtime.keys import ApiKey
from stockfold.runtime.problems import Problem
from stockfold_services.gateway.lines import lines
from stockfold_services.gateway.rows import CsvRows, JsonLines
from stockfold_services.gateway.sending import Sending

router = APIRouter(tags=["files"])

BAD_ROWS_TOLD_MAX = 1_000
UNDER_WAY_MAX = 2_000
"""Rows that wait for Kafka at once: beyond it the file is read no further."""
COUNTED_AT_ONCE = 100
_CSV = "text/csv"
_NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")


@router.post("/v1/files", status_code=202)
async def files(
    request: Request,
    type: Annotated[str, Query(description="CSV: the event type.")] = "",  # noqa: A002
    source: Annotated[str, Query(description="CSV: the sending system.")] = "",
    time: Annotated[str, Query(description="CSV: when it happened, RFC 3339.")] = "",
    map: Annotated[list[str] | None, Query(description="column=field; repeat it.")] = None,  # noqa: A002
    dry_run: Annotated[bool, Query(description="Only say what is wrong.")] = False,
) -> JSONResponse:
    """Take a file of rows (CSV under a header) or of CloudEvents (NDJSON).

    Good rows are kept, bad ones told by number, field and reason: 207 when there are any. To have
    all or nothing, send it with ``dry_run`` first. 503: send the whole file again with the same
    Idempotency-Key; what Kafka had already changes nothing.
    """
    state = request.app.state
    access: Access = state.access
    holder = access.caller(request)
    key = idempotency_key(request.headers.get("idempotency-key"))
    kind = request.headers.get("content-type", "").lower().partition(";")[0].strip()
    told = lines(chunks(request))
    report = _Report(dry_run=dry_run)
    reader: CsvRows | JsonLines
    if kind == _CSV:
        reader = await _csv(told, map or [], type, source, time, key, state.intake)
        report.ignored = reader.ignored
    elif kind in _NDJSON:
        reader = JsonLines(key, state.intake)
    else:
        raise Problem(415, "Content type not taken", f"Send {_CSV} or {_NDJSON[0]}.")
    sending = _Stream(state.sending, access, holder, report)
    number = 0
    try:
        async for line in told:
            number += 1
            if line.strip():
                await sending.row(number, reader.read(number, line))
        await sending.end()
    except Problem as problem:
        # Whatever ends it early, what had been taken by then is told.
        await sending.settle()
        raise Problem(
            problem.status, problem.title, problem.detail, **{**problem.more, **report.told()}
        ) from None
    return JSONResponse(report.told(), 207 if report.bad else 202)


async def _csv(
    told: AsyncIterator[str],
    mapped: list[str],
    event_type: str,
    source: str,
    time: str,
    key: str,
    intake: Intake,
) -> CsvRows:
    header = await anext(told, "")
    mapping = {}
    for pair in mapped:
        column, equals, field = pair.rpartition("=")
        if not equals:
            raise Problem(422, "Mapping not valid", f"{pair[:100]!r}: write map=column=field.")
        mapping[column] = field
    if not 0 < len(source.encode("utf-8", "replace")) <= MAX_ATTRIBUTE_BYTES:
        raise Problem(422, "Source missing", "Say ?source=, such as /erp/main.")
    try:
        time_us = parse_us(time)
    except (ValueError, OverflowError):
        raise Problem(
            422, "Time missing", "Say ?time=, such as 2026-11-01T12:00:00Z: when it happened."
        ) from None
    try:
        return CsvRows(
            header,
            mapping,
            event_type=full_name(event_type),
            source=source,
            time_us=time_us,
            key=key,
            intake=intake,
        )
    except ContractError as error:
        raise Problem(422, "Mapping not valid", f"{error.what}. {error.remedy}") from None
    except csv.Error as error:
        raise Problem(422, "Header not valid", f"The first line is no CSV: {error}.") from None


class _Report:
    """What became of a file's rows."""

    def __init__(self, *, dry_run: bool) -> None:
        self.dry_run = dry_run
        self.rows = self.accepted = self.bad = 0
        self.ignored: list[str] = []
        self._bad_rows: list[dict[str, object]] = []

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
        return {
            "dry_run": self.dry_run,
            "rows": self.rows,
            "accepted": self.accepted,
            "refused": self.bad,
            "ignored_columns": self.ignored,
            "bad_rows": self._bad_rows,
        }


class _Stream:
    """Sends rows as they come, so many at once."""

    def __init__(
        self, sending: Sending, access: Access, holder: ApiKey | None, report: _Report
    ) -> None:
        self._sending = sending
        self._access = access
        self._holder = holder
        self._report = report
        self._under_way: deque[tuple[int, asyncio.Task[None]]] = deque()

    async def row(self, number: int, found: Taken | Any) -> None:
        """Take one row; waits while too many are under way. Problem 503 when Kafka is away."""
        report = self._report
        report.rows += 1
        if report.rows % COUNTED_AT_ONCE == 1:
            await self._count()
        if not isinstance(found, Taken):
            report.refuse(number, list(found))
            return
        wrong = not_allowed(self._holder, found)
        if wrong is not None:
            report.refuse(number, [wrong])
            return
        if report.dry_run:
            report.accepted += 1
            return
        self._under_way.append((number, asyncio.create_task(self._sending.send(found))))
        if len(self._under_way) >= UNDER_WAY_MAX:
            await self._settle_until(UNDER_WAY_MAX // 2)

    async def end(self) -> None:
        """Wait for the rest. Problem 503 when Kafka is away."""
        await self._settle_until(0)

    async def settle(self) -> None:
        """Wait for the rest, whatever becomes of it."""
        while self._under_way:
            try:
                await self._settle_until(0)
            except Problem:
                continue

    async def _count(self) -> None:
        """Hold the file to its key's rate by reading it no faster."""
        while True:
            try:
                self._access.count(self._holder, COUNTED_AT_ONCE)
            except Problem:
                await asyncio.sleep(0.1)
            else:
                return

    async def _settle_until(self, left: int) -> None:
        while len(self._under_way) > left:
            number, task = self._under_way.popleft()
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
                self._report.refuse(number, [problem])
            else:
                self._report.accepted += 1
