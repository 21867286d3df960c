"""Signing in and out with a browser: by API key, or at the identity provider."""

from __future__ import annotations

import logging
import re
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from stockfold.runtime.keys import READ
from stockfold.runtime.problems import Problem
from stockfold.runtime.roles import DUTIES
from stockfold_services.api.console.frame import render
from stockfold_services.api.forms import SentForm, fields_of
from stockfold_services.api.sign_in.callers import Callers
from stockfold_services.api.sign_in.sessions import Session

log = logging.getLogger(__name__)

router = APIRouter(prefix="/console", include_in_schema=False)

_PAGES = re.compile(r"/(console|docs|contracts)([/?][\x21-\x5b\x5d-\x7e]*)?")
To = Annotated[str, Query(max_length=2_048)]


@router.get("/sign-in")
async def sign_in(request: Request, to: To = "") -> HTMLResponse:
    """Where a person says who they are."""
    return _page(request, to)


@router.post("/sign-in")
async def with_key(request: Request) -> Response:
    """Begin a session with an API key; the page again, with what is wrong, when it is no good."""
    form = await fields_of(request)
    callers: Callers = request.app.state.callers
    if callers.access is None or not callers.access.is_closed:
        return RedirectResponse("/console/", 303)
    try:
        key = callers.access.holder(form.get("key", "").strip(), READ)
    except Problem as problem:
        log.warning("refused: sign-in with an API key: %s", problem.title)
        return _page(request, form.get("to", ""), problem)
    session = callers.sessions.begin("key", key.name, key.role, callers.now_s(), key.key)
    return _begun(request, session, form.get("to", ""))


@router.get("/sign-in/oidc")
async def at_provider(request: Request, to: To = "") -> Response:
    """Lead the browser to the identity provider. Problem 404 when none is set."""
    callers: Callers = request.app.state.callers
    if callers.flow is None:
        raise Problem(404, "Not known", "No identity provider is set: see [oidc].")
    return await callers.flow.leave(request, _local(to), callers.now_s())


@router.get("/sign-in/callback")
async def back(request: Request) -> Response:
    """Begin a session of whoever comes back from there. Problem 403 when they have no role."""
    callers: Callers = request.app.state.callers
    if callers.flow is None:
        raise Problem(404, "Not known", "No identity provider is set: see [oidc].")
    person, to = await callers.flow.arrive(request, callers.now_s())
    if person.role is None:
        log.warning("refused: %r has no role here", person.name)
        raise Problem(403, "Not allowed", f"{person.name} has no role here: see [oidc] roles.")
    session = callers.sessions.begin("oidc", person.name, person.role, callers.now_s())
    answer = _begun(request, session, to)
    callers.flow.forget(request, answer)
    return answer


@router.post("/sign-out")
async def sign_out(request: Request, _: SentForm) -> Response:
    """End the session, here and for whoever may hold its cookie."""
    callers: Callers = request.app.state.callers
    session: Session | None = request.state.session
    answer = RedirectResponse("/console/sign-in", 303)
    if session is not None:
        callers.sessions.end(session)
        log.info("%r signed out", session.name)
    callers.sessions.forget(request, answer)
    return answer


def _begun(request: Request, session: Session, to: str) -> RedirectResponse:
    callers: Callers = request.app.state.callers
    old = callers.sessions.read(request, callers.now_s())
    if old is not None:
        callers.sessions.end(old)
    log.info("%r signed in by %s as %s", session.name, session.how, session.role)
    answer = RedirectResponse(_local(to), 303)
    callers.sessions.put(request, answer, session)
    return answer


def _page(request: Request, to: str, problem: Problem | None = None) -> HTMLResponse:
    callers: Callers = request.app.state.callers
    return render(
        request,
        "sign_in.html",
        200 if problem is None else problem.status,
        to=_local(to),
        problem=problem,
        provider=callers.flow is not None,
        is_open=callers.access is None or not callers.access.is_closed,
        duties=DUTIES,
    )


def _local(to: str) -> str:
    """One of our own pages; the overview for any other address."""
    return to if _PAGES.fullmatch(to) else "/console/"
