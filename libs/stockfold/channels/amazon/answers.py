"""Reading what the Selling Partner API answers as a whole.

An error is ``{"errors": [{"code", "message", "details"}]}``. What is not JSON of the expected shape
did not come from Amazon's services, and passes.
"""

from __future__ import annotations

from typing import Any

from stockfold.channels import statuses
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

NOT_AMAZON = "not_amazon"
_WAIT_S_LEAST = 1.0


def error_of(body: bytes) -> tuple[str, str]:
    """Amazon's code and message of the first error; the code is empty when it sent none."""
    try:
        told = statuses.decoded(body)
    except statuses.NotJsonError:
        return "", statuses.excerpt(body)
    errors = told.get("errors") if isinstance(told, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict) or not isinstance(first.get("code"), str):
        return "", statuses.excerpt(body)
    parts = (first.get("message"), first.get("details"))
    return first["code"], ": ".join(part for part in parts if isinstance(part, str) and part)


def object_of(response: Response) -> dict[str, Any] | None:
    """The JSON object of a body; None for anything else."""
    try:
        told = statuses.decoded(response.body)
    except statuses.NotJsonError:
        return None
    return told if isinstance(told, dict) else None


def limited(trouble: Trouble, per_s: float) -> Trouble:
    """Amazon names no time to wait: it is that until there is one more token."""
    wait_s = trouble.retry_after_s or max(1 / per_s, _WAIT_S_LEAST)
    return Trouble(trouble.kind, trouble.code, trouble.detail, wait_s)


def is_access(response: Response) -> bool:
    """Whether the access token was refused, or what it may do: Amazon tells these two alike."""
    return response.status in (401, 403)


def refused(request: Request, response: Response, per_s: float) -> Answer:
    """What a status other than success means for the request and the channel."""
    code, message = error_of(response.body)
    trouble = statuses.trouble_of(response, code, message)
    if trouble is None:
        if not code and response.status < 500:
            return not_understood(request, response)
        return _wrong(request, code, f"HTTP {response.status}: {message}")
    if trouble.kind is TroubleKind.LIMITED:
        return Answer(trouble=limited(trouble, per_s))
    if trouble.kind is TroubleKind.UNAVAILABLE:
        return Answer(statuses.all_again(request, trouble.code, trouble.detail), trouble)
    return Answer(trouble=trouble)


def _wrong(request: Request, code: str, detail: str) -> Answer:
    """Amazon calls the request wrong. Alone, the update is; in company, one of them."""
    if len(request.updates) == 1:
        return Answer((Outcome(request.updates[0], OutcomeKind.REJECTED, code, detail),))
    return Answer(statuses.all_again(request, code, detail))


def not_understood(request: Request, response: Response) -> Answer:
    """What it means that an answer holds something else than Amazon's."""
    detail = f"HTTP {response.status} is not what Amazon sends: {statuses.excerpt(response.body)}"
    trouble = Trouble(TroubleKind.UNAVAILABLE, NOT_AMAZON, detail)
    return Answer(statuses.all_again(request, NOT_AMAZON, detail), trouble)


def unanswered(request: Request, failure: Failure) -> Answer:
    """What it means that no response came."""
    return statuses.unanswered(request, failure)
