"""The exception desk: what needs a person, one after the other. Read from Kafka alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse

from stockfold.contracts.runbooks import kinds_of, runbook_of
from stockfold.contracts.topics import EXCEPTIONS
from stockfold.domain.errors import ContractError, StockfoldError
from stockfold.domain.times import from_us
from stockfold.ledger.facts import Fact
from stockfold.runtime.desk import shown
from stockfold.runtime.desk.aftermath import Aftermath, aftermath_of, events_of
from stockfold.runtime.desk.book import CASES_MAX, OFFSET_DIGITS_MAX, Case, Filter
from stockfold.runtime.desk.following import FollowedDesk, Page, Place, place_of
from stockfold.runtime.roles import reaches
from stockfold.runtime.since import since_us
from stockfold_services.api import inputs
from stockfold_services.api.actor import actor
from stockfold_services.api.console import exception_form, hostile, links
from stockfold_services.api.console.bounded import Bounded
from stockfold_services.api.console.frame import render
from stockfold_services.api.console.words import plural
from stockfold_services.api.database import Database
from stockfold_services.api.forms import csrf_token
from stockfold_services.api.history import history_of
from stockfold_services.api.problems import Problem

router = APIRouter(prefix="/console/exceptions", include_in_schema=False)

ROWS = 50
STATES = ("open", "corrected", "resubmitted", "discarded", "resolved")
TEXT_MAX = 512
PLACE = rf"^[0-9]{{1,6}}-[0-9]{{1,{OFFSET_DIGITS_MAX}}}$"
PlacePath = Annotated[str, Path(pattern=PLACE, description="Partition and offset, as 3-42.")]
Done = Annotated[str, Query(pattern="^(corrected|resubmitted|discarded|resolved)?$")]
Count = Annotated[int, Query(ge=0, le=CASES_MAX)]
KINDS_MAX = 12
LISTED_MAX = 40
Text = Annotated[str, Query(max_length=TEXT_MAX)]


class Asked(NamedTuple):
    """What the filter's form says, as text; empty is anything."""

    kind: str = ""
    state: str = "open"
    source: str = ""
    sku: str = ""
    since: str = ""
    until: str = ""
    what: str = ""

    def names_something(self) -> bool:
        """Whether it is narrow enough to settle all that it takes at once."""
        return any((self.kind, self.source, self.sku, self.since, self.until))

    def chosen(self) -> Filter:
        """As the desk takes it. StockfoldError when a time is none."""
        return Filter(
            kind=self.kind or None,
            sku=self.sku or None,
            source=self.source or None,
            since_us=since_us(self.since or None, "from"),
            folded={"refused": False, "finding": True}.get(self.what),
            state=None if self.state in ("", "any") else self.state,
            until_us=since_us(self.until or None, "to"),
        )


@router.get("")
async def listed(
    request: Request,
    kind: Text = "",
    state: Text = "open",
    source: Text = "",
    sku: Text = "",
    since: Text = "",
    until: Text = "",
    what: Text = "",
    after: inputs.After = None,
    done: Done = "",
    count: Count = 0,
) -> HTMLResponse:
    """The exceptions that a filter takes, newest first, a page at a time."""
    asked = Asked(kind, state, source, sku, since, until, what)
    before: Place | None = None
    cursor = inputs.read_cursor(after, int, int, int)
    if cursor is not None:
        before = (cursor[0], cursor[1], cursor[2])
    bounded: Bounded = request.app.state.bounded
    desk: FollowedDesk = request.app.state.desk
    page, trouble = Page([], 0, {}, {}, is_whole=True), ""
    try:
        page = await bounded.look(desk.page, asked.chosen(), ROWS, before)
    except StockfoldError as error:
        trouble = said(error)
    return render(
        request,
        "exceptions.html",
        503 if trouble else 200,
        asked=asked,
        states=list(STATES),
        kinds=sorted({*kinds_of("exception"), *page.kinds}),
        page=page,
        by_kind=sorted(page.kinds.items(), key=lambda one: -one[1])[:KINDS_MAX],
        kind_link=lambda kind: _link(asked._replace(kind=kind)),
        rows=[_row(case) for case in page.cases],
        trouble=trouble,
        done=f"{plural(count, 'exception')} {done}." if done else "",
        next=_link(asked, inputs.cursor(*place_of(page.cases[-1])))
        if len(page.cases) == ROWS
        else "",
        first=_link(asked) if after else "",
        may_act=reaches(actor(request).role, "support"),
        may_do_many=asked.names_something(),
        may_trace=any(case.raised["correlation_id"] for case in page.cases),
        token=csrf_token(request),
    )


def _link(asked: Asked, after: str = "") -> str:
    query = asked._asdict() | ({"after": after} if after else {})
    return f"/console/exceptions?{urlencode(query)}"


def _row(case: Case) -> dict[str, Any]:
    raised = case.raised
    book = runbook_of(raised["kind"])
    return {
        "place": case.place,
        "at": from_us(raised["recorded_at"]),
        "kind": raised["kind"],
        "finding": raised["folded"],
        "state": case.state,
        "owner": "" if book is None else book.owner,
        "sku": hostile.visible(raised["sku"], LISTED_MAX),
        "sku_link": links.sku(raised["sku"]),
        "source": hostile.visible(raised["source"], LISTED_MAX),
        "reason": hostile.visible(raised["reason"], 300),
        "trace": links.trace(raised["correlation_id"]) if raised["correlation_id"] else "",
    }


@router.get("/{place}")
async def one(request: Request, place: PlacePath, done: Done = "") -> HTMLResponse:
    """Everything about an exception, and the forms to settle it."""
    case = await found(request, place)
    return await show(request, case, done=done)


async def found(request: Request, place: str) -> Case:
    """The case of a place. Problem 404 when there is none; UnavailableError."""
    bounded: Bounded = request.app.state.bounded
    desk: FollowedDesk = request.app.state.desk
    try:
        return await bounded.look(desk.case, place)
    except StockfoldError as error:
        if type(error) is not StockfoldError:
            raise
        raise Problem(404, "Not known", f"{error.what} in {EXCEPTIONS.name}.") from error


async def show(
    request: Request,
    case: Case,
    *,
    status: int = 200,
    done: str = "",
    trouble: str = "",
    given: exception_form.Given | None = None,
) -> HTMLResponse:
    """The page of a case; ``given`` is what somebody typed into its form, to go on with it."""
    raised = case.raised
    book = runbook_of(raised["kind"])
    body, not_decoded = shown.decoded(case)
    after = await _aftermath(request, case)
    return render(
        request,
        "exceptions/one.html",
        status,
        case=case,
        sku=hostile.visible(raised["sku"], 200),
        sku_link=links.sku(raised["sku"]),
        at=from_us(raised["recorded_at"]),
        book=book,
        facts=_facts(case),
        trace=_trace(raised["correlation_id"]),
        headers=[
            (hostile.visible(h["name"]), hostile.text_of(h["value"])) for h in raised["headers"]
        ],
        body=exception_form.shown_fields(raised["event_type"], body or {}),
        not_decoded=not_decoded if raised["value"] is not None else "",
        reason=hostile.visible(raised["reason"]),
        remedy=hostile.visible(raised["remedy"]),
        repair="" if book is None else book.repair_of(raised["kind"], case.place),
        hex=hostile.hex_of(raised["value"] or b""),
        text=hostile.text_of(raised["value"]),
        size=len(raised["value"] or b""),
        resolutions=[_resolution(told) for told in case.resolutions],
        after=after,
        form=exception_form.edit(case, given),
        may_act=reaches(actor(request).role, "support"),
        token=csrf_token(request),
        done=done,
        trouble=trouble,
        coded=hostile.coded,
        runbook_link=links.runbook,
    )


def _resolution(told: Mapping[str, Any]) -> dict[str, Any]:
    said_by_people = ("by", "reason", "replacement_event_id")
    shown_as = {name: hostile.visible(told[name], 600) for name in said_by_people}
    return {**told, **shown_as, "at": from_us(told["at"])}


def _facts(case: Case) -> list[tuple[str, str]]:
    raised = case.raised
    where = f"{raised['topic']} partition {raised['partition']} offset {raised['offset']}"
    pairs = [
        ("Came from", where if raised["topic"] else ""),
        ("Event", raised["event_type"].removeprefix("stockfold.")),
        ("Event id", raised["event_id"]),
        ("Source", raised["source"]),
        ("Key", hostile.text_of(raised["key"])),
        ("Id", case.id),
    ]
    return [(name, hostile.visible(value, 600)) for name, value in pairs if value]


def _trace(correlation_id: str) -> tuple[str, str]:
    """(correlation id, address of what happened under it), both empty where it names none."""
    shown = hostile.visible(correlation_id, 200)
    return shown, links.trace(correlation_id) if correlation_id else ""


async def _aftermath(request: Request, case: Case) -> Aftermath | None:
    """What became of it, by the read model's journal; None while that cannot be told."""
    desk: FollowedDesk = request.app.state.desk
    facts = await facts_of(request, case.raised["sku"])
    if facts is None:
        return None
    about = desk.about(events_of(case))
    try:
        return aftermath_of(case, facts, about)
    except ContractError:
        return None


async def facts_of(request: Request, sku: str) -> list[Fact] | None:
    """The facts of a SKU; none of one that has none, None while PostgreSQL cannot tell them."""
    database: Database = request.app.state.database
    try:
        async with database.reading() as connection:
            return [entry.fact for entry in await history_of(connection, sku)]
    except Problem as problem:
        return [] if problem.status == 404 else None
    except StockfoldError:
        return None


def said(error: StockfoldError) -> str:
    """An error in sentences."""
    return " ".join(
        part if part.endswith((".", "?")) else f"{part}."
        for part in (error.what, error.remedy)
        if part
    )
