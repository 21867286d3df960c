"""Errors as RFC 9457 problems: ``application/problem+json``."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from stockfold.domain.errors import StockfoldError, UnavailableError

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
Page = Callable[[Request, dict[str, Any]], Response | None]
"""Shows a problem to a person; None for a request that is not a person's."""


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it that
    """An answer that is not what was asked for. ``more`` are further members.

    ``retry_after_s`` and ``www_authenticate`` among them are headers; a 503 has the first always.
    """

    def __init__(self, status: int, title: str, detail: str, **more: Any) -> None:
        self.status = status
        self.title = title
        self.detail = detail
        self.more = more
        super().__init__(f"{title}: {detail}")


def install(app: FastAPI, page: Page | None = None) -> None:
    """Answer every error of ``app`` as a problem; to people as a ``page``, if given."""
    app.state.problem_page = page
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(StockfoldError, _stockfold)
    app.add_exception_handler(Exception, _defect)


def _answer(request: Request, status: int, title: str, detail: str, **more: Any) -> Response:
    wait_s = more.pop("retry_after_s", 1 if status == 503 else None)
    told = {"Retry-After": wait_s, "WWW-Authenticate": more.pop("www_authenticate", None)}
    headers = {name: str(value) for name, value in told.items() if value is not None}
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        **more,
    }
    app = request.scope.get("app")
    page: Page | None = getattr(app.state, "problem_page", None) if app else None
    shown = page(request, body) if page else None
    if shown is None:
        return JSONResponse(body, status, headers, MEDIA_TYPE)
    shown.headers.update(headers)
    return shown


def answer(request: Request, problem: Problem) -> Response:
    """A problem as an answer."""
    return _answer(request, problem.status, problem.title, problem.detail, **problem.more)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return answer(request, error)


async def _invalid(request: Request, error: Exception) -> Response:
    """422, naming each input; what was sent is not repeated."""
    assert isinstance(error, RequestValidationError)
    wrong = [
        {"input": ".".join(str(part) for part in problem["loc"]), "problem": problem["msg"]}
        for problem in error.errors()
    ]
    detail = "; ".join(f"{row['input']}: {row['problem']}" for row in wrong)
    return _answer(request, 422, "Input not valid", detail, errors=wrong)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = _answer(request, error.status_code, str(error.detail), "See /docs for what there is.")
    answer.headers.update(error.headers or {})
    return answer


async def _stockfold(request: Request, error: Exception) -> Response:
    assert isinstance(error, StockfoldError)
    status = 503 if isinstance(error, UnavailableError) else 500
    title = "Not available now" if status == 503 else "Failed"
    return _answer(request, status, title, ". ".join(filter(None, (error.what, error.remedy))))


async def _defect(request: Request, error: Exception) -> Response:
    log.error("unexpected error at %s", request.url.path, exc_info=error)
    return _answer(request, 500, "Failed", "An unexpected error; the server's log tells more.")
