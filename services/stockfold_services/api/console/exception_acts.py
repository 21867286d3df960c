"""What a person does at the exception desk: first what would happen, then doing it, audited.

The forms act by the functions of ``stockfold exceptions``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, Response

from stockfold.contracts.codec import decode
from stockfold.domain.errors import ContractError, StockfoldError, UnavailableError
from stockfold.domain.times import from_us
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.desk.acting import (
    SENDING,
    STATES,
    Act,
    Chosen,
    carry_out,
    choose,
    decide,
)
from stockfold.runtime.desk.book import CASES_MAX, Case, Desk, Filter
from stockfold.runtime.desk.foresight import Foreseen, foresee
from stockfold.runtime.desk.repair import Correction, Message, read_body
from stockfold.runtime.desk.sending import Decision
from stockfold.runtime.settings import Settings
from stockfold_services.api.console import acting, exception_form, exceptions_page, hostile
from stockfold_services.api.console.acting import (
    Supporter,
    away,
    is_confirming,
    reason_of,
)
from stockfold_services.api.console.bounded import Bounded
from stockfold_services.api.console.exceptions_page import Asked, PlacePath
from stockfold_services.api.console.frame import render
from stockfold_services.api.forms import Form, SentForm, csrf_token
from stockfold_services.api.problems import Problem

router = APIRouter(prefix="/console/exceptions", include_in_schema=False)

SHOWN_MAX = 50
NEEDS_REASON: frozenset[Act] = frozenset({"discard", "resolve"})
ActPath = Annotated[str, Path(pattern="^(correct|resubmit|discard|resolve)$")]


@router.post("/many")
async def many(request: Request, who: Supporter, form: SentForm) -> Response:
    """Settle every open exception that a filter takes; shown before it is done."""
    act = _act(form.get("act", ""))
    asked = Asked(
        **{name: form.get(name, "")[: exceptions_page.TEXT_MAX] for name in Asked._fields}
    )
    reason = reason_of(form)
    settings, bounded = _settings(request), _bounded(request)
    try:
        _check_reason(act, reason)
        decisions = await bounded.look(_decide_many, settings, asked.chosen(), act)
        seen = acting.seen(*sorted(decision.case.id for decision in decisions))
        if decisions and acting.confirms(form, seen):
            await bounded.act(_carry_out, settings, act, decisions, reason, who.said)
            told = urlencode({"done": STATES[act], "count": len(decisions)})
            return away(f"/console/exceptions?{told}")
    except StockfoldError as error:
        return _many_page(request, act, asked, reason, [], trouble=exceptions_page.said(error))
    changed = is_confirming(form)
    return _many_page(request, act, asked, reason, decisions, seen=seen, changed=changed)


def _decide_many(settings: Settings, chosen: Filter, act: Act) -> list[Decision]:
    return decide(choose(Desk(settings), Chosen(filter=chosen), act), act)


def _many_page(
    request: Request,
    act: Act,
    asked: Asked,
    reason: str,
    decisions: Sequence[Decision],
    *,
    seen: str = "",
    changed: bool = False,
    trouble: str = "",
) -> HTMLResponse:
    kinds = Counter(decision.case.raised["kind"] for decision in decisions)
    return render(
        request,
        "exceptions/many.html",
        422 if trouble else 200,
        act=act,
        becomes=STATES[act],
        asked=asked,
        reason=reason,
        total=len(decisions),
        kinds=kinds.most_common(),
        rows=[_brief(decision.case) for decision in decisions[:SHOWN_MAX]],
        seen=seen,
        changed=changed,
        trouble=trouble,
        is_cut=len(decisions) >= CASES_MAX,
        is_sent=act in SENDING,
        token=csrf_token(request),
    )


def _brief(case: Case) -> dict[str, Any]:
    raised = case.raised
    return {
        "place": case.place,
        "kind": raised["kind"],
        "sku": hostile.visible(raised["sku"], 120),
        "source": hostile.visible(raised["source"], 120),
        "at": from_us(raised["recorded_at"]),
    }


@router.post("/{place}/{act}")
async def one(
    request: Request, who: Supporter, form: SentForm, place: PlacePath, act: ActPath
) -> Response:
    """Settle one exception; what would be sent is shown before it is done."""
    case = await exceptions_page.found(request, place)
    done = _act(act)
    reason = reason_of(form)
    given = exception_form.given_of(form) if done == "correct" else None
    again = "again" in form
    try:
        _check_reason(done, reason)
        correction = None if given is None else _correction(case, given)
        decision = await _bounded(request).look(
            _decide_one, _settings(request), place, done, correction, again
        )
        if is_confirming(form):
            settings = _settings(request)
            await _bounded(request).act(_carry_out, settings, done, [decision], reason, who.said)
            return away(f"/console/exceptions/{place}?{urlencode({'done': STATES[done]})}")
    except UnavailableError as error:
        trouble = exceptions_page.said(error)
        return await exceptions_page.show(request, case, status=503, trouble=trouble, given=given)
    except StockfoldError as error:
        trouble = exceptions_page.said(error)
        return await exceptions_page.show(request, case, status=422, trouble=trouble, given=given)
    return await _preview_page(request, decision, done, form, reason)


def _correction(case: Case, given: exception_form.Given) -> Correction:
    correction = exception_form.correction_of(case, given)
    if correction == Correction({}, {}):
        raise StockfoldError(
            "nothing is corrected",
            remedy="Change a field; to send the same bytes again, resubmit it.",
        )
    return correction


def _decide_one(
    settings: Settings, place: str, act: Act, correction: Correction | None, again: bool
) -> Decision:
    cases = choose(Desk(settings), Chosen(names=(place,), again=again), act)
    return decide(cases, act, correction)[0]


def _carry_out(
    settings: Settings, act: Act, decisions: Sequence[Decision], reason: str, by: str
) -> None:
    carry_out(settings, act, decisions, reason=reason, by=by)


async def _preview_page(
    request: Request, decision: Decision, act: Act, form: Form, reason: str
) -> HTMLResponse:
    message = decision.message
    foreseen = None if message is None else await _foreseen(request, message)
    kept = {name: form[name] for name in form if name not in ("step", "csrf", "reason")}
    return render(
        request,
        "exceptions/preview.html",
        case=decision.case,
        act=act,
        becomes=STATES[act],
        topic="" if message is None else message.topic.name,
        event_id="" if message is None else hostile.visible(message.event_id),
        rows=[] if message is None else _message_rows(message, decision.case),
        foreseen=foreseen,
        reason=reason,
        kept=kept,
        token=csrf_token(request),
    )


async def _foreseen(request: Request, message: Message) -> Foreseen | None:
    """None while the SKU's history cannot be told."""
    sku = (message.key or b"").decode("utf-8", "replace")
    facts = await exceptions_page.facts_of(request, sku)
    if facts is None:
        return None
    return await _bounded(request).look(
        foresee, _settings(request), message, sku, facts, SYSTEM_CLOCK.now_us()
    )


def _message_rows(message: Message, case: Case) -> list[tuple[str, str, str]]:
    """(name, value that is sent, value that was refused where it differs)."""
    before = {h["name"]: hostile.text_of(h["value"]) for h in case.raised["headers"]}
    rows = [(name, hostile.text_of(raw), before.get(name, "")) for name, raw in message.headers]
    try:
        schema, body = decode(message.value)
    except ContractError:
        return [*rows, ("value", hostile.text_of(message.value), "")]
    was = dict(exception_form.shown_fields(schema.name, _body_of(case)))
    now = exception_form.shown_fields(schema.name, body)
    rows += [(name, value, was.get(name, "")) for name, value in now]
    return [(name, value, "" if value == old else old) for name, value, old in rows]


def _body_of(case: Case) -> Mapping[str, Any]:
    try:
        return read_body(case)[1]
    except ContractError:
        return {}


def _act(text: str) -> Act:
    if text not in STATES:
        raise Problem(422, "Form not valid", "act: none of what can be done")
    return text


def _check_reason(act: Act, reason: str) -> None:
    if act in NEEDS_REASON and not reason:
        raise StockfoldError("it needs a reason", remedy="Say in a sentence why.")


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _bounded(request: Request) -> Bounded:
    bounded: Bounded = request.app.state.bounded
    return bounded
