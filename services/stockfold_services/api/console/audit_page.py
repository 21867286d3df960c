"""The audit: who changed what, when, and how it ended. Read from Kafka alone."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from stockfold.domain.errors import StockfoldError
from stockfold.domain.times import from_us
from stockfold.runtime.audit import Change
from stockfold.runtime.followed_audit import AuditFilter, FollowedAudit, place_of
from stockfold.runtime.since import since_us
from stockfold_services.api import inputs
from stockfold_services.api.console import hostile, links
from stockfold_services.api.console.bounded import Bounded
from stockfold_services.api.console.exceptions_page import said
from stockfold_services.api.console.frame import render

router = APIRouter(prefix="/console/audit", include_in_schema=False)

ROWS = 50
OUTCOMES = ("begun", "done", "failed")
_TONES = {"begun": "busy", "done": "good", "failed": "bad"}
Text = Annotated[str, Query(max_length=200)]


class Asked(NamedTuple):
    """What the filter's form says, as text; empty is anything."""

    command: str = ""
    by: str = ""
    subject: str = ""
    outcome: str = ""
    since: str = ""
    until: str = ""

    def chosen(self) -> AuditFilter:
        """As the audit takes it. StockfoldError when a time is none."""
        return AuditFilter(
            *self[:4],
            since_us=since_us(self.since or None, "from"),
            until_us=since_us(self.until or None, "to"),
        )


@router.get("")
async def listed(
    request: Request,
    command: Text = "",
    by: Text = "",
    subject: Text = "",
    outcome: Text = "",
    since: Text = "",
    until: Text = "",
    after: inputs.After = None,
) -> HTMLResponse:
    """The changes that a filter takes, newest first, a page at a time."""
    asked = Asked(command, by, subject, outcome, since, until)
    cursor = inputs.read_cursor(after, int, str)
    before = None if cursor is None else (cursor[0], cursor[1])
    bounded: Bounded = request.app.state.bounded
    audit: FollowedAudit = request.app.state.audit
    changes: list[Change] = []
    trouble = ""
    try:
        changes = await bounded.look(audit.changes, asked.chosen().takes, ROWS, before)
    except StockfoldError as error:
        trouble = said(error)
    last = inputs.cursor(*place_of(changes[-1])) if len(changes) == ROWS else ""
    return render(
        request,
        "audit.html",
        503 if trouble else 200,
        asked=asked,
        outcomes=OUTCOMES,
        rows=[_row(change) for change in changes],
        trouble=trouble,
        next=_link(asked, last) if last else "",
        first=_link(asked) if after else "",
    )


def _link(asked: Asked, after: str = "") -> str:
    return links.page("/console/audit", **asked._asdict(), after=after)


def _row(change: Change) -> dict[str, Any]:
    took_us = change.ended_us - change.at_us if change.ended_us else None
    return {
        "at": from_us(change.at_us),
        "by": hostile.visible(change.by, 200),
        "command": hostile.visible(change.command, 200),
        "subject": hostile.visible(change.subject, 200),
        "outcome": change.outcome,
        "tone": _TONES.get(change.outcome, "idle"),
        "took_ms": None if took_us is None else took_us / 1_000,
        "reason": _reason(change.details),
        "details": _json(change.details),
        "result": _json(change.result) if change.result else "",
        "audit": change.audit,
    }


def _reason(details: object) -> str:
    reason = details.get("reason", "") if isinstance(details, dict) else ""
    return hostile.visible(str(reason or ""), 300)


def _json(value: object) -> str:
    return hostile.visible(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode(), 8_000)
