"""What Walmart says is wrong, and what that means.

A complete error object comes whenever the gateway was reached (developer.walmart.com, "Error
codes"): ``{"errors": [{code, field, description, category, severity, ...}]}``. Older answers wrap
it once more (``{"errors": {"error": [...]}}``) or call it ``error``; some say ``message`` or
``info`` instead of ``description``. Codes end with the name of a service after a dot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from stockfold.channels import statuses
from stockfold.channels.port import (
    Answer,
    Outcome,
    OutcomeKind,
    Purpose,
    Request,
    Response,
    Trouble,
    TroubleKind,
)

NOT_FOUND = "CONTENT_NOT_FOUND"
"""The SKU is none of the seller's."""
NO_SUCH_ADDRESS = "URI_NOT_FOUND"
LOCKED = 423
WAIT_S_MAX = statuses.RETRY_AFTER_S_MAX
_MILLISECONDS = 1e11
_EPOCH_S = 1e8


class Told(msgspec.Struct, frozen=True):
    """One error. ``code`` is without the service's name; empty when there was none."""

    code: str = ""
    detail: str = ""
    category: str = ""

    @property
    def passes(self) -> bool:
        """Whether it is the system's, not the request's."""
        return self.category == "SYSTEM" or self.code in ("SYSTEM_ERROR", "TIMEOUT_ERROR")


def told(answer: Any) -> Told:
    """The first error in a decoded answer that is one; empty for none."""
    found = [_told(one) for one in _errors(answer) if _is_error(one)]
    return found[0] if found else Told()


def _errors(answer: Any) -> Iterator[Mapping[str, Any]]:
    if not isinstance(answer, Mapping):
        return
    for name in ("errors", "error"):
        inner = answer.get(name)
        if isinstance(inner, Mapping):
            yield from _errors(inner) if "error" in inner else (inner,)
        elif isinstance(inner, list):
            yield from (one for one in inner if isinstance(one, Mapping))


def _is_error(one: Mapping[str, Any]) -> bool:
    return str(one.get("severity", "ERROR")).upper() not in ("WARN", "WARNING")


def _told(one: Mapping[str, Any]) -> Told:
    code = str(one.get("code") or "").split(".", 1)[0]
    texts = (one.get(name) for name in ("description", "message", "info"))
    said = next((str(text) for text in texts if text), "")
    field = str(one.get("field") or "")
    return Told(
        code,
        ": ".join(part for part in (field, said) if part),
        str(one.get("category") or one.get("type") or "").upper(),
    )


def of_body(body: bytes) -> Told:
    """The same of a body; what is no error object is quoted."""
    try:
        found = told(statuses.decoded(body))
    except statuses.NotJsonError:
        found = Told()
    return found if found.code else Told(detail=statuses.excerpt(body))


def object_of(response: Response) -> Mapping[str, Any] | None:
    """The JSON object of an answer; None for anything else."""
    try:
        tree = statuses.decoded(response.body)
    except statuses.NotJsonError:
        return None
    return tree if isinstance(tree, Mapping) else None


def refused(request: Request, response: Response) -> Answer:
    """What a status that is no success means, for the channel and for the request's updates."""
    error = of_body(response.body)
    name = error.code or f"http_{response.status}"
    detail = f"HTTP {response.status}: {error.detail}"
    if error.code == NOT_FOUND and len(request.updates) == 1:
        return Answer((Outcome(request.updates[0], OutcomeKind.UNMAPPED, name, detail),))
    trouble = _trouble(response, error)
    writes = request.purpose is Purpose.WRITE
    if trouble is not None:
        unclear = trouble.kind is TroubleKind.UNAVAILABLE and writes
        return Answer(statuses.all_again(request, name, detail) if unclear else (), trouble)
    if response.status == LOCKED or error.passes or len(request.updates) != 1:
        return Answer(statuses.all_again(request, name, detail))
    return Answer((Outcome(request.updates[0], OutcomeKind.REJECTED, name, detail),))


def _trouble(response: Response, error: Told) -> Trouble | None:
    trouble = statuses.trouble_of(response, error.code, error.detail)
    if trouble is not None and trouble.kind is TroubleKind.LIMITED:
        return msgspec.structs.replace(trouble, retry_after_s=wait_s(response))
    if trouble is None and response.status == 404 and error.code in ("", NO_SUCH_ADDRESS):
        detail = f"HTTP 404: {error.detail}; do url and options.base_path lead to the API?"
        return Trouble(TroubleKind.REFUSED, error.code or "http_404", detail)
    return trouble


def wait_s(response: Response) -> float | None:
    """How long to wait after a 429: Retry-After, else until X-Next-Replenishment-Time.

    That comes as seconds, as milliseconds since 1970, or as a date; moments are taken relative to
    the response's own Date.
    """
    asked = statuses.retry_after_s(response)
    text = response.headers.get("x-next-replenishment-time", "").strip()
    if asked is not None or not text:
        return asked
    try:
        number = float(text)
    except ValueError:
        return _until(text, response)
    if number < _EPOCH_S:
        return min(number, WAIT_S_MAX) if number >= 0 else None
    return _between(number / 1_000 if number > _MILLISECONDS else number, response)


def _until(text: str, response: Response) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return _between(moment.timestamp(), response) if moment.tzinfo else None


def _between(end_s: float, response: Response) -> float | None:
    try:
        now_s = parsedate_to_datetime(response.headers.get("date", "")).timestamp()
    except (ValueError, IndexError):
        return None
    return min(end_s - now_s, WAIT_S_MAX) if end_s >= now_s else None
