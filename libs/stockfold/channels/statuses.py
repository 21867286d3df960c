"""What an HTTP answer says of a channel as a whole, whichever vendor's it is.

Channels sit behind firewalls, proxies and load balancers that answer for them: pages of HTML, 403,
429, 502 to 504 and 508 are everyday, and pass.
"""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from stockfold.channels.port import (
    Answer,
    Failure,
    Outcome,
    OutcomeKind,
    Request,
    Response,
    Trouble,
    TroubleKind,
)

EXCERPT_CHARACTERS = 160
RETRY_AFTER_S_MAX = 3600.0
NEVER_SENT = frozenset({"connect", "credentials"})
"""Codes of a Failure where nothing reached the channel, so that no update can be at fault."""
_BOM = b"\xef\xbb\xbf"


class NotJsonError(ValueError):
    """The body is not JSON."""


def decoded(body: bytes) -> Any:
    """The JSON of a body; NotJsonError otherwise, also for what is no UTF-8 or nested too deep.

    A byte order mark before it is passed over.
    """
    try:
        return msgspec.json.decode(body.removeprefix(_BOM))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotJsonError(str(error)) from error


def excerpt(body: bytes) -> str:
    """The beginning of a body on one line, for people."""
    return " ".join(body[: 4 * EXCERPT_CHARACTERS].decode(errors="replace").split())[
        :EXCERPT_CHARACTERS
    ]


def retry_after_s(response: Response, s_max: float = RETRY_AFTER_S_MAX) -> float | None:
    """The seconds that Retry-After asks for, at most ``s_max``; None when it asks for nothing.

    A date is taken relative to the response's own Date, so that no clock is needed here.
    """
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = _until(text, response.headers.get("date", ""))
    return min(seconds, s_max) if seconds >= 0 else None


def _until(later: str, now: str) -> float:
    try:
        end, start = parsedate_to_datetime(later), parsedate_to_datetime(now)
    except (ValueError, IndexError):
        return -1.0
    aware = [moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in (end, start)]
    return (aware[0] - aware[1]).total_seconds()


def trouble_of(response: Response, code: str = "", message: str | None = None) -> Trouble | None:
    """What a status says of the channel; None where it speaks of the request alone, or of success.

    ``code`` and ``message`` are the vendor's own words where the caller could read them; otherwise
    the status and the beginning of the body stand for them.
    """
    status = response.status
    name = code or f"http_{status}"
    detail = f"HTTP {status}: {excerpt(response.body) if message is None else message}"
    wait_s = retry_after_s(response)
    if status == 429:
        return Trouble(TroubleKind.LIMITED, name, detail, wait_s)
    if status in (401, 403):
        return Trouble(TroubleKind.REFUSED, name, detail, wait_s)
    if 300 <= status < 400:
        where = response.headers.get("location", "elsewhere")
        detail = f"HTTP {status}: the shop answers at {where}; set the channel's url to that"
        return Trouble(TroubleKind.REFUSED, "redirected", detail)
    if status >= 500 or status == 408:
        return Trouble(TroubleKind.UNAVAILABLE, name, detail, wait_s)
    return None


def failed(failure: Failure) -> Trouble:
    """What it says of the channel that no response came: without credentials none can."""
    is_refused = failure.code == "credentials"
    kind = TroubleKind.REFUSED if is_refused else TroubleKind.UNAVAILABLE
    return Trouble(kind, failure.code, failure.detail)


def unanswered(request: Request, failure: Failure) -> Answer:
    """What it means for a request that no response came: its updates are tried again.

    Nothing is counted against them where the request never left.
    """
    if failure.code in NEVER_SENT:
        return Answer(trouble=failed(failure))
    return Answer(all_again(request, failure.code, failure.detail), failed(failure))


def all_again(request: Request, code: str, detail: str) -> tuple[Outcome, ...]:
    """Every update of a request that failed as a whole: one of them may be at fault."""
    return tuple(
        Outcome(update, OutcomeKind.RETRYABLE, code, detail, whole_request=True)
        for update in request.updates
    )
