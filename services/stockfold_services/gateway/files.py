"""``POST /v1/files``: CSV and NDJSON of any length, streamed in bounded memory."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from stockfold.contracts.envelope import MAX_ATTRIBUTE_BYTES
from stockfold.contracts.intake import Intake
from stockfold.contracts.judging import full_name
from stockfold.domain.errors import ContractError
from stockfold.domain.times import parse_us
from stockfold.runtime.access import Access
from stockfold.runtime.http_bodies import chunks
from stockfold.runtime.idempotency import idempotency_key
from stockfold.runtime.problems import Problem
from stockfold_services.gateway.lines import lines
from stockfold_services.gateway.rows import CsvRows, JsonLines
from stockfold_services.gateway.taking import Report, Stream

router = APIRouter(tags=["files"])

LINES_AT_ONCE = 64
_CSV = "text/csv"
_NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")


@router.post("/v1/files", status_code=202)
async def files(
    request: Request,
    type: Annotated[str, Query(description="CSV: the event type.")] = "",  # noqa: A002
    source: Annotated[str, Query(description="CSV: the sending system.")] = "",
    time: Annotated[str, Query(description="CSV: when it happened, RFC 3339.")] = "",
    map: Annotated[list[str] | None, Query(description="column=field; repeat it.")] = None,  # noqa: A002
    set: Annotated[  # noqa: A002
        list[str] | None, Query(description="CSV: field=value, the same in every row; repeat it.")
    ] = None,
    zeros_max: Annotated[
        int | None,
        Query(ge=0, description="Complete snapshots: how many SKUs may become zero by omission."),
    ] = None,
    dry_run: Annotated[bool, Query(description="Only say what is wrong.")] = False,
) -> JSONResponse:
    """Take a file of rows (CSV under a header) or of CloudEvents (NDJSON).

    Good rows are kept, bad ones told by number, field and reason: 207 when there are any. To have
    all or nothing, send it with ``dry_run`` first. 503: send the whole file again with the same
    Idempotency-Key; what Kafka had already changes nothing.

    Behind snapshots that say they are ``complete`` come rows of zero for what they do not list.
    """
    state = request.app.state
    access: Access = state.access
    holder = access.caller(request)
    if not state.names_known.is_set():
        raise Problem(503, "Not available now", "The aliases were not read from Kafka yet.")
    key = idempotency_key(request.headers.get("idempotency-key"))
    kind = request.headers.get("content-type", "").lower().partition(";")[0].strip()
    told = lines(chunks(request))
    report = Report(dry_run=dry_run)
    reader: CsvRows | JsonLines
    if kind == _CSV:
        reader = await _csv(told, map or [], set or [], type, source, time, key, state.intake)
        report.ignored = reader.ignored
    elif kind in _NDJSON:
        reader = JsonLines(key, state.intake)
    else:
        raise Problem(415, "Content type not taken", f"Send {_CSV} or {_NDJSON[0]}.")
    sending = Stream(state.sending, access, holder, report)
    number = 0
    try:
        async for line in told:
            number += 1
            if number % LINES_AT_ONCE == 0:
                # Lines that have come already are read without a pause: others want answers too.
                await asyncio.sleep(0)
            if line.strip():
                await sending.row(number, reader.read(number, line))
        await sending.end(state.intake, state.settings, zeros_max)
    except Problem as problem:
        # Whatever ends it early, what had been taken by then is told.
        await sending.settle()
        raise Problem(
            problem.status, problem.title, problem.detail, **{**problem.more, **report.told()}
        ) from None
    return JSONResponse(report.told(), 207 if report.bad or report.withheld else 202)


async def _csv(
    told: AsyncIterator[str],
    mapped: list[str],
    fixed: list[str],
    event_type: str,
    source: str,
    time: str,
    key: str,
    intake: Intake,
) -> CsvRows:
    header = await anext(told, "")
    mapping, constants = {}, {}
    for pair in mapped:
        column, equals, field = pair.rpartition("=")
        if not equals:
            raise Problem(422, "Mapping not valid", f"{pair[:100]!r}: write map=column=field.")
        mapping[column] = field
    for pair in fixed:
        field, equals, value = pair.partition("=")
        if not equals:
            raise Problem(422, "Mapping not valid", f"{pair[:100]!r}: write set=field=value.")
        constants[field] = value
    told_source = len(source.encode("utf-8", "replace"))
    if not 0 < told_source <= MAX_ATTRIBUTE_BYTES or not source.isprintable():
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
            constants,
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
