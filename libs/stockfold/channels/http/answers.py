"""What a receiver's answer means, as ``infra/docs/channel-http.md`` promises it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from stockfold.channels.http.wire import Result, Results
from stockfold.channels.port import (
    Answer,
    Observed,
    Outcome,
    OutcomeKind,
    Purpose,
    Request,
    Response,
    Shown,
    StockUpdate,
    Trouble,
    TroubleKind,
)
from stockfold.channels.statuses import NotJsonError, all_again, decoded, excerpt, trouble_of

TELLS_ITEMS = (409, 422)
"""Beside success, an answer with these may speak of single items."""
ASKS = (Purpose.LOOK_UP, Purpose.READ)
"""What changes nothing: the question what is shown, and a message without items."""
FOLLOW_AFTER_S = 5.0
"""When an accepted item does not say when to ask."""
_KINDS = {
    "applied": OutcomeKind.APPLIED,
    "accepted": OutcomeKind.ACCEPTED,
    "stale": OutcomeKind.REJECTED,
    "rejected": OutcomeKind.REJECTED,
    "unmapped": OutcomeKind.UNMAPPED,
    "failed": OutcomeKind.RETRYABLE,
    "shown": OutcomeKind.RETRYABLE,
}


Show = Callable[[StockUpdate], Shown]


class NotUnderstoodError(ValueError):
    """The body is no answer of a receiver."""


def results_of(body: bytes) -> Results | None:
    """What a body says of single items; None when it is empty. NotUnderstoodError."""
    if not body.strip():
        return None
    try:
        told = msgspec.convert(decoded(body), Results)
    except (NotJsonError, msgspec.ValidationError) as error:
        raise NotUnderstoodError(str(error)) from error
    if len({one.sku for one in told.results}) < len(told.results):
        raise NotUnderstoodError("a SKU has two results")
    if not told.ticket and any(one.outcome == "accepted" for one in told.results):
        raise NotUnderstoodError("items were accepted, and there is no ticket to ask by")
    return told


def read(request: Request, response: Response, to_show: Show) -> tuple[Answer, str]:
    """What an answer means, and the ticket of what it has accepted."""
    succeeded = 200 <= response.status < 300
    if not succeeded and response.status not in TELLS_ITEMS:
        return _as_a_whole(request, response), ""
    try:
        told = results_of(response.body)
    except NotUnderstoodError as error:
        if not succeeded:
            return _as_a_whole(request, response), ""
        detail = f"the answer is not what a receiver sends: {error}: {excerpt(response.body)}"
        trouble = Trouble(TroubleKind.UNAVAILABLE, "not_understood", detail)
        return Answer(all_again(request, "not_understood", detail), trouble), ""
    if request.purpose in ASKS:
        return _listings(request, told), ""
    if told is not None:
        return _item_by_item(request, told, to_show), told.ticket
    if not succeeded:
        return _as_a_whole(request, response), ""
    return Answer(tuple(Outcome(u, OutcomeKind.APPLIED) for u in request.updates)), ""


def _listings(request: Request, told: Results | None) -> Answer:
    """A receiver need not know what it shows; what it does not list is not written."""
    results = {one.sku: one for one in told.results} if told is not None else {}
    found = [(update, results[update.sku]) for update in request.updates if update.sku in results]
    listed = [one for _, one in found if one.outcome != "unmapped" and one.quantity is not None]
    unmapped = (_outcome(update, one) for update, one in found if one.outcome == "unmapped")
    return Answer(
        tuple(unmapped) if request.purpose is Purpose.LOOK_UP else (),
        observed=tuple(Observed(one.sku, one.quantity, listing=one.sku) for one in listed),
    )


def _item_by_item(request: Request, told: Results, to_show: Show) -> Answer:
    results = {one.sku: one for one in told.results}
    pairs = [(update, results.get(update.sku)) for update in request.updates]
    seen = (_seen(result, to_show(update)) for update, result in pairs if result is not None)
    return Answer(
        tuple(_outcome(update, result) for update, result in pairs),
        observed=tuple(one for one in seen if one.quantity is not None),
    )


def _seen(result: Result, shown: Shown) -> Observed:
    written = shown.quantity if result.outcome == "applied" else None
    return Observed(result.sku, result.quantity, listing=result.sku, written=written)


def _outcome(update: StockUpdate, result: Result | None) -> Outcome:
    if result is None:
        return Outcome(update, OutcomeKind.RETRYABLE, "not_told", "the answer does not name it")
    kind, code, detail = _KINDS[result.outcome], result.code, result.detail
    wait_s = result.retry_after_s
    if result.outcome == "stale":
        has = "something newer" if result.version is None else f"version {result.version}"
        code, detail = code or "stale", detail or f"the receiver has {has} of it"
    if kind is OutcomeKind.ACCEPTED and wait_s is None:
        wait_s = FOLLOW_AFTER_S
    if kind not in (OutcomeKind.APPLIED, OutcomeKind.ACCEPTED):
        code = code or result.outcome
    return Outcome(update, kind, code, detail, wait_s)


def _as_a_whole(request: Request, response: Response) -> Answer:
    """What a status means that says nothing of single items. 413 is the adapter's."""
    status, code = response.status, f"http_{response.status}"
    detail = f"HTTP {status}: {excerpt(response.body)}"
    trouble = trouble_of(response)
    if trouble is not None:
        passes = trouble.kind is TroubleKind.UNAVAILABLE
        return Answer(all_again(request, code, detail) if passes else (), trouble)
    if status in (404, 405):
        detail += "; is the receiver at the channel's url and path, and does it take the method?"
        return Answer(trouble=Trouble(TroubleKind.REFUSED, "no_receiver", detail))
    if status == 410:
        return Answer(trouble=Trouble(TroubleKind.REFUSED, "gone", detail))
    if request.updates and request.purpose in ASKS:
        detail += "; it does not tell what it shows: set the option reads to false"
        return Answer(trouble=Trouble(TroubleKind.REFUSED, "not_told", detail))
    if not request.updates:
        return Answer(trouble=Trouble(TroubleKind.UNAVAILABLE, code, detail))
    if status == 409 or request.purpose is not Purpose.WRITE or len(request.updates) > 1:
        return Answer(all_again(request, code, detail))
    return Answer((Outcome(request.updates[0], OutcomeKind.REJECTED, code, detail),))
