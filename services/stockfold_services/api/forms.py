"""What people's forms send: only from our own pages, by whoever was shown the form.

A browser says where a request comes from (Sec-Fetch-Site, Origin), and the form carries a token
that only its own page was given (OWASP, Cross-Site Request Forgery Prevention).
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Iterator, Mapping
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from fastapi import Depends, Request

from stockfold.runtime.problems import Problem
from stockfold_services.api.actor import actor

log = logging.getLogger(__name__)

TOKEN_FIELD = "csrf"  # noqa: S105 - the name of a field
FIELDS_MAX = 2_000
_TYPE = "application/x-www-form-urlencoded"


class Form(Mapping[str, str]):
    """The fields of a form; the last value of each, ``all`` of those that come several times."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self._fields = fields
        self._last = dict(fields)

    def __getitem__(self, name: str) -> str:
        return self._last[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._last)

    def __len__(self) -> int:
        return len(self._last)

    def all(self, name: str) -> list[str]:
        """Every value of a field, in their order."""
        return [value for field, value in self._fields if field == name]


def csrf_token(request: Request) -> str:
    """The token for the forms of this page."""
    who = actor(request)
    secret: bytes = request.app.state.form_secret
    text = f"{who.how}|{who.name}|{who.session}"
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


async def fields_of(request: Request) -> Form:
    """The fields that a page of ours sent. Problem 403 from elsewhere, 415, 422 when not valid."""
    _from_here(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        raise Problem(415, "Not a form", f"Send it as {_TYPE}.")
    try:
        text = (await request.body()).decode()
        fields = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    except ValueError as error:
        raise Problem(422, "Form not valid", f"It could not be read: {error}.") from error
    return Form(fields)


async def sent_form(request: Request) -> Form:
    """The same, with the token of whoever was shown the form; problem 403 without."""
    form = await fields_of(request)
    if not hmac.compare_digest(form.get(TOKEN_FIELD, "").encode(), csrf_token(request).encode()):
        raise _refused(request, "Load the page again, then send its form.")
    return form


def _from_here(request: Request) -> None:
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    foreign = site is not None and site != "same-origin"
    foreign |= origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    if foreign or (site is None and origin is None):
        raise _refused(request, "Only forms of the console's own pages act.")


def _refused(request: Request, what: str) -> Problem:
    who = actor(request).said
    log.warning("refused: a form for %r of %r that no page of ours sent", request.url.path, who)
    return Problem(403, "Not from this page", what)


SentForm = Annotated[Form, Depends(sent_form)]
