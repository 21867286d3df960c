"""Reading what a shop, or whatever stands in front of it, sends back as a whole.

Shops sit behind firewalls, proxies and PHP workers that answer for them: pages of HTML, 403, 429,
502 to 504 and 508 are everyday. What is not JSON of the expected shape did not come from
WooCommerce, and passes.
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
NEVER_SENT = "connect"
"""The code of a Failure where nothing reached the shop, so that no update can be at fault."""
_BOM = b"\xef\xbb\xbf"


class NotJsonError(ValueError):
    """The body is not JSON."""


def decode(body: bytes) -> Any:
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


def code_and_message(body: bytes) -> tuple[str, str]:
    """WooCommerce's own error code and message; the code is empty when it sent none."""
    try:
        error = decode(body)
    except NotJsonError:
        return "", excerpt(body)
    if not isinstance(error, dict) or not isinstance(error.get("code"), str):
        return "", excerpt(body)
    return error["code"], str(error.get("message", ""))


def retry_after_s(response: Response) -> float | None:
    """The seconds that Retry-After asks for, at most an hour; None when it asks for nothing.

    A date is taken relative to the response's own Date, so that no clock is needed here.
    """
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = _until(text, response.headers.get("date", ""))
    return min(seconds, RETRY_AFTER_S_MAX) if seconds >= 0 else None


def _until(later: str, now: str) -> float:
    try:
        end, start = parsedate_to_datetime(later), parsedate_to_datetime(now)
    except (ValueError, IndexError):
        return -1.0
    aware = [moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in (end, start)]
    return (aware[0] - aware[1]).total_seconds()


def failed(request: Request, failure: Failure) -> Answer:
    """What it means that no response came."""
    trouble = Trouble(TroubleKind.UNAVAILABLE, failure.code, failure.detail)
    if failure.code == NEVER_SENT:
        return Answer(trouble=trouble)
    return Answer(_all_again(request, failure.code, failure.detail), trouble)


def not_understood(request: Request, response: Response) -> Answer:
    """What it means that a 200 holds something else than WooCommerce's answer."""
    detail = f"the answer is not what WooCommerce sends: {excerpt(response.body)}"
    trouble = Trouble(TroubleKind.UNAVAILABLE, "not_woocommerce", detail)
    return Answer(_all_again(request, "not_woocommerce", detail), trouble)


def refused_as_a_whole(request: Request, response: Response) -> Answer:
    """What a status other than 200 and 413 means for the request and the channel."""
    status = response.status
    code, message = code_and_message(response.body)
    name = code or f"http_{status}"
    detail = f"HTTP {status}: {message}"
    wait_s = retry_after_s(response)
    if status == 429:
        return Answer(trouble=Trouble(TroubleKind.LIMITED, name, detail, wait_s))
    # A 403 that is not WooCommerce's is a firewall's, and may be about one item in the request.
    if status == 401 or (status == 403 and code):
        return Answer(trouble=Trouble(TroubleKind.REFUSED, name, detail, wait_s))
    if 300 <= status < 400:
        where = response.headers.get("location", "elsewhere")
        detail = f"HTTP {status}: the shop answers at {where}; set the channel's url to that"
        return Answer(trouble=Trouble(TroubleKind.REFUSED, "redirected", detail))
    if status == 404 and code in ("", "rest_no_route"):
        detail += "; is the REST API at the channel's url, and are pretty permalinks on?"
        return Answer(trouble=Trouble(TroubleKind.REFUSED, code or "no_rest_api", detail))
    if status >= 500 or status == 408 or not code:
        trouble = Trouble(TroubleKind.UNAVAILABLE, name, detail, wait_s)
        return Answer(_all_again(request, name, detail), trouble)
    # WooCommerce itself calls the request wrong. Alone, the update is; in company, one of them.
    if len(request.updates) == 1:
        return Answer((Outcome(request.updates[0], OutcomeKind.REJECTED, name, detail),))
    return Answer(_all_again(request, name, detail))


def _all_again(request: Request, code: str, detail: str) -> tuple[Outcome, ...]:
    return tuple(
        Outcome(update, OutcomeKind.RETRYABLE, code, detail, whole_request=True)
        for update in request.updates
    )
