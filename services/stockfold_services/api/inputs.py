"""What callers may ask, and its limits."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import Path, Query

from stockfold_services.api.problems import Problem

ID_CHARACTERS_MAX = 512
INT64_MAX = 2**63 - 1
PAGE_ROWS_MAX = 1000
WAIT_MS_MAX = 30_000
CURSOR_CHARACTERS_MAX = 4096
_NO_NUL = r"^[^\x00]*$"

_TEXT: dict[str, Any] = {"min_length": 1, "max_length": ID_CHARACTERS_MAX, "pattern": _NO_NUL}

SkuPath = Annotated[
    str,
    Path(**_TEXT, description="SKU, percent-encoded; every character is allowed, / included."),
]
SkuQuery = Annotated[str | None, Query(**_TEXT, description="Only this SKU.")]
ChannelPath = Annotated[str, Path(**_TEXT, description="Channel.")]
ChannelQuery = Annotated[str | None, Query(**_TEXT, description="Only this channel.")]
LocationQuery = Annotated[str | None, Query(**_TEXT, description="Only this location.")]
KindQuery = Annotated[str | None, Query(**_TEXT, description="Only this kind.")]
OutcomeQuery = Annotated[
    str | None,
    Query(
        **_TEXT,
        description="Only this outcome: applied, superseded, rejected, unmapped, gave_up, shadow.",
    ),
]
Limit = Annotated[int, Query(ge=1, le=PAGE_ROWS_MAX, description="Rows of a page.")]
After = Annotated[
    str | None,
    Query(max_length=CURSOR_CHARACTERS_MAX, description="`next` of the page before this one."),
]
AfterSeq = Annotated[int, Query(ge=0, le=INT64_MAX, description="Facts after this number.")]
MinSeq = Annotated[
    int | None,
    Query(
        ge=1,
        le=INT64_MAX,
        description="Answer only when the read model holds this fact of the SKU, and all before.",
    ),
]
WaitMs = Annotated[
    int, Query(ge=0, le=WAIT_MS_MAX, description="How long to wait for `min_seq`, in ms.")
]


def cursor(*key: object) -> str:
    """Where a page ended, as text that callers hand back."""
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


def read_cursor(text: str | None, *kinds: type) -> tuple[Any, ...] | None:
    """The key that ``cursor`` made; Problem 422 when it is not one."""
    if text is None:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        key = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        fits = len(key) == len(kinds) and all(type(k) is t for k, t in zip(key, kinds, strict=True))
    except (ValueError, TypeError):
        fits = False
    if not fits or any(_out_of_range(part) for part in key):
        raise Problem(422, "Input not valid", "query.after: not a cursor of this list")
    return tuple(key)


def read_moment(text: str) -> datetime:
    """The time in a cursor; Problem 422 when it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Problem(422, "Input not valid", "query.after: not a cursor of this list")
    return moment


def _out_of_range(part: object) -> bool:
    if isinstance(part, str):
        return "\x00" in part
    return isinstance(part, int) and not -INT64_MAX <= part <= INT64_MAX
