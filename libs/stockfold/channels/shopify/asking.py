"""Questions to Shopify's Admin GraphQL API, and what its answers cost.

Every query has a cost in points, taken from a bucket that fills at a constant rate. A query that
finds too few is answered with HTTP 200 and the error ``THROTTLED``; the answer says how much there
is, and how fast it grows. None of this was tried on a shop of Shopify's: it is as documented.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from stockfold.channels import statuses
from stockfold.channels.port import Failure, Purpose, Request, Response, Trouble, TroubleKind
from stockfold.channels.woocommerce.asking import NotServedError

VERSION = "2026-01"
THROTTLED = "THROTTLED"
COST_MAX = 1_000.0
"""Points that one query may cost."""
_REFUSED = frozenset(
    {
        "ACCESS_DENIED",
        "SHOP_INACTIVE",
        # What this version of the API does not know: asked again it fails again.
        "BAD_REQUEST",
        "INVALID_FIELD_ARGUMENTS",
        "INVALID_VARIABLE",
        "undefinedField",
    }
)
_WAIT_S = 2.0
"""When it is not told how fast the bucket fills."""
_WAIT_S_MAX = 60.0
_MARGIN_S = 0.05


class ShopifyAccess:
    """Authorizes requests with an app's access token, one at a time."""

    requests_in_flight_max = 1

    def __init__(self, token: str) -> None:
        self._token = token

    def authorize(self, request: Request, now_s: int, nonce: str) -> Request:
        """The request with the token; it is sent over TLS, so nothing else is signed."""
        del now_s, nonce
        headers = (*request.headers, ("x-shopify-access-token", self._token))
        return msgspec.structs.replace(request, headers=headers)


class Answer(msgspec.Struct, frozen=True):
    """``data`` of a query; ``pause_s`` is how long to leave the shop alone before the next."""

    data: Mapping[str, Any]
    pause_s: float = 0.0


class Cost(msgspec.Struct, frozen=True):
    """What an answer tells of the bucket: points asked for, left, filled a second, and at most.

    None where it does not tell.
    """

    asked: float | None
    left: float | None
    per_s: float | None
    most: float | None


def path_of(version: str = VERSION) -> str:
    """Where a version of the API answers."""
    return f"/admin/api/{version}/graphql.json"


def ask(query: str, variables: Mapping[str, Any]) -> Request:
    """A question; it changes nothing, so it may be asked again."""
    body = {"query": query, "variables": dict(variables)}
    return Request(Purpose.LOOK_UP, "POST", path_of(), (), json=body)


def cost_of(answer: Response) -> Cost:
    """What an answer has cost, refused or not."""
    try:
        tree = statuses.decoded(answer.body)
    except statuses.NotJsonError:
        tree = None
    cost = _member(tree, "extensions", "cost")
    status = _member(cost, "throttleStatus")
    return Cost(
        _number(cost, "requestedQueryCost"),
        _number(status, "currentlyAvailable"),
        _number(status, "restoreRate"),
        _number(status, "maximumAvailable"),
    )


def read(request: Request, answer: Response | Failure) -> Answer:
    """The data of an answer. NotServedError for anything but success."""
    if isinstance(answer, Failure):
        raise NotServedError(request, statuses.failed(answer))
    if answer.status != 200:
        raise _refused(request, answer)
    try:
        tree = statuses.decoded(answer.body)
    except statuses.NotJsonError:
        tree = None
    if not isinstance(tree, dict):
        raise _unavailable(request, "not_understood", "the answer is no JSON object")
    if tree.get("errors"):
        raise _failed(request, tree)
    if not isinstance(tree.get("data"), dict):
        raise _unavailable(request, "not_understood", "the answer has no data")
    return Answer(tree["data"], _pause_s(tree))


def _failed(request: Request, tree: Mapping[str, Any]) -> NotServedError:
    """A query is answered whole or, to us, not at all."""
    first = tree["errors"][0] if isinstance(tree["errors"], list) else {"message": tree["errors"]}
    code = str(_member(first, "extensions", "code") or "graphql")
    detail = str(first.get("message", ""))[:200] if isinstance(first, dict) else ""
    if code == THROTTLED:
        asked = _number(_member(tree, "extensions", "cost"), "requestedQueryCost")
        wait_s = _pause_s(tree, asked or COST_MAX) or _WAIT_S
        return NotServedError(request, Trouble(TroubleKind.LIMITED, code, detail, wait_s))
    kind = TroubleKind.REFUSED if code in _REFUSED else TroubleKind.UNAVAILABLE
    return NotServedError(request, Trouble(kind, code, detail))


def _pause_s(tree: Mapping[str, Any], cost: float = COST_MAX) -> float:
    """Seconds until the bucket holds so many points: else the costliest query that is taken."""
    status = _member(tree, "extensions", "cost", "throttleStatus")
    left, rate = _number(status, "currentlyAvailable"), _number(status, "restoreRate")
    wanted = min(cost, _number(status, "maximumAvailable") or COST_MAX)
    if left is None or not rate or wanted <= left:
        return 0.0
    return min((wanted - left) / rate + _MARGIN_S, _WAIT_S_MAX)


def _refused(request: Request, answer: Response) -> NotServedError:
    code, detail = f"http_{answer.status}", f"HTTP {answer.status}"
    if answer.status == 429:
        told_s = statuses.retry_after_s(answer, _WAIT_S_MAX)
        wait_s = _WAIT_S if told_s is None else told_s
        return NotServedError(request, Trouble(TroubleKind.LIMITED, code, detail, wait_s))
    refused = Trouble(TroubleKind.REFUSED, code, detail)
    return NotServedError(request, statuses.trouble_of(answer) or refused)


def _unavailable(request: Request, code: str, detail: str) -> NotServedError:
    return NotServedError(request, Trouble(TroubleKind.UNAVAILABLE, code, detail))


def _member(tree: Any, *names: str) -> Any:
    for name in names:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def _number(tree: Any, name: str) -> float | None:
    value = _member(tree, name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
