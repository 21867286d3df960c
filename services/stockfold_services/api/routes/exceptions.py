"""What needs a person."""

from __future__ import annotations

import base64
from typing import Annotated, Any

import asyncpg
from fastapi import APIRouter, Path, Query

from stockfold.contracts.runbooks import runbook_of
from stockfold.contracts.topics import EXCEPTIONS
from stockfold_services.api import inputs, models
from stockfold_services.api.freshness import as_of_all
from stockfold_services.api.problems import not_found
from stockfold_services.api.routes.deps import Db

router = APIRouter(prefix="/v1/exceptions", tags=["exceptions"])

_COLUMNS = """
partition, record_offset, exception, kind, folded, reason, remedy, sku, source, event_id,
event_type, cause_topic, cause_partition, cause_offset, recorded_at, correlation_id,
coalesce(length(value), 0) AS value_bytes,
(extract(epoch FROM recorded_at) * 1000000)::bigint AS recorded_us
"""
_PAGE = f"""
SELECT {_COLUMNS} FROM exceptions
WHERE ($1::text IS NULL OR kind = $1) AND ($2::text IS NULL OR sku = $2)
AND ($3::boolean IS NULL OR folded = $3)
AND ($4::bigint IS NULL OR (recorded_at, partition, record_offset)
    < ('epoch'::timestamptz + $4 * interval '1 microsecond', $5::int, $6::bigint))
ORDER BY recorded_at DESC, partition DESC, record_offset DESC LIMIT $7
"""  # noqa: S608 - the columns are ours
_KINDS = "SELECT kind, count(*) AS count FROM exceptions GROUP BY kind ORDER BY 2 DESC, 1 LIMIT 200"
_ONE = f"""
SELECT {_COLUMNS}, key, value, headers FROM exceptions WHERE partition = $1 AND record_offset = $2
"""  # noqa: S608 - the columns are ours


@router.get("")
async def exceptions(
    db: Db,
    kind: inputs.KindQuery = None,
    sku: inputs.SkuQuery = None,
    folded: Annotated[
        bool | None, Query(description="True: findings about folded events; false: refused ones.")
    ] = None,
    after: inputs.After = None,
    limit: inputs.Limit = 100,
) -> models.ExceptionPage:
    """Exceptions, newest first, a page at a time."""
    last = inputs.read_cursor(after, int, int, int) or (None, None, None)
    async with db.reading() as connection:
        rows = await connection.fetch(_PAGE, kind, sku, folded, *last, limit)
        kinds = await connection.fetch(_KINDS)
        as_of = await as_of_all(connection, EXCEPTIONS)
    more = None
    if len(rows) == limit:
        end = rows[-1]
        more = inputs.cursor(end["recorded_us"], end["partition"], end["record_offset"])
    return models.ExceptionPage(
        exceptions=[models.ExceptionRow(**_row(row)) for row in rows],
        kinds={row["kind"]: row["count"] for row in kinds},
        next=more,
        as_of=as_of,
    )


@router.get("/{exception_id}")
async def exception_detail(
    db: Db,
    exception_id: Annotated[
        str, Path(pattern=r"^\d{1,9}-\d{1,18}$", description="partition-offset.")
    ],
) -> models.ExceptionDetail:
    """An exception with the original input, byte for byte."""
    partition, offset = (int(part) for part in exception_id.split("-"))
    async with db.reading() as connection:
        row = await connection.fetchrow(_ONE, partition, offset)
    if row is None:
        raise not_found("exception", exception_id)
    return models.ExceptionDetail(
        **_row(row),
        key_base64=_base64(row["key"]),
        value_base64=_base64(row["value"]),
        headers=row["headers"],
    )


def _row(row: asyncpg.Record) -> dict[str, Any]:
    given = {name: value for name, value in row.items() if name not in ("key", "value", "headers")}
    place = f"{row['partition']}-{row['record_offset']}"
    runbook = runbook_of(row["kind"])
    return {
        **given,
        "id": place,
        "owner": runbook and runbook.owner,
        "runbook": runbook and runbook.path,
        "repair": runbook and runbook.repair_of(row["kind"], place),
    }


def _base64(raw: bytes | None) -> str | None:
    return None if raw is None else base64.b64encode(raw).decode()
