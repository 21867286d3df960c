"""``POST /v1/events``: CloudEvents as JSON, one or many, acknowledged when Kafka has them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from stockfold.client.ids import derive_id
from stockfold.contracts import json_text
from stockfold.contracts.complete_runs import SNAPSHOT
from stockfold.contracts.intake import Intake, Taken
from stockfold.contracts.json_reader import check_content_type
from stockfold.contracts.json_text import JsonObject, JsonRefusedError
from stockfold.contracts.judging import Verdict
from stockfold.domain.errors import ContractError, UnavailableError
from stockfold.runtime.access import Access, not_allowed
from stockfold.runtime.http_bodies import Budget, whole
from stockfold.runtime.idempotency import id_of, idempotency_key
from stockfold.runtime.keys import ApiKey
from stockfold.runtime.problems import Problem
from stockfold.runtime.telemetry.tracing import CURRENT, about
from stockfold_services.gateway.sending import Sending

log = logging.getLogger(__name__)

router = APIRouter(tags=["events"])

BATCH_EVENTS_MAX = 512
_STRUCTURED = "application/cloudevents+json"
_BATCH = "application/cloudevents-batch+json"
_JSON = "application/json"
_ATTRIBUTE = "ce-"
_NOT_WHOLE = json_text.Problem(
    "incomplete_run",
    "$.data.complete",
    "says that a run is complete, and events do not say where it ends",
    "Send the run as a file to /v1/files, which adds what it does not list; or leave it out.",
)
Answer = dict[str, Any]


class _Asked(NamedTuple):
    """What a request is taken with: its Idempotency-Key, its holder, and the gateway's parts."""

    key: str
    holder: ApiKey | None
    access: Access
    intake: Intake
    sending: Sending


@router.post("/v1/events", status_code=202)
async def events(request: Request) -> JSONResponse:
    """Take CloudEvents: one (structured or binary mode), or a batch of up to 512.

    202: Kafka has them all, on every replica. 207: some were refused; ``results`` says which, and
    why. 503: repeat the request as it is, with the same Idempotency-Key or the same ids; what had
    been taken already changes nothing.
    """
    state = request.app.state
    access: Access = state.access
    holder = access.caller(request)
    if not state.names_known.is_set():
        raise Problem(503, "Not available now", "The aliases were not read from Kafka yet.")
    asked = _Asked(
        idempotency_key(request.headers.get("idempotency-key")),
        holder,
        access,
        state.intake,
        state.sending,
    )
    bytes_max: int = state.body_bytes_max
    if holder is not None:
        bytes_max = min(bytes_max, holder.body_bytes_max)
    budget: Budget = state.budget
    async with whole(request, bytes_max, budget) as raw:
        tree = await asyncio.to_thread(_read, raw, bytes_max)
        mode = _mode(request, tree)
        if mode == _BATCH:
            return await _batch(tree, asked)
        attributes = _binary(request, tree) if mode == _JSON else _members(tree)
        access.count(holder, 1)
        return _one(await _take(0, attributes, asked))


def _read(raw: bytes, bytes_max: int) -> object:
    try:
        return json_text.read(raw, bytes_max)
    except JsonRefusedError as refused:
        found = [_told(problem) for problem in refused.problems]
        detail = f"{refused.what}. {refused.remedy} Nothing was taken."
        raise Problem(400, "Not JSON", detail, problems=found) from None


def _mode(request: Request, tree: object) -> str:
    """Batch, structured, or JSON (binary mode), by the content type; Problem 415."""
    given = request.headers.get("content-type", "")
    kind, _, parameters = given.lower().partition(";")
    kind = kind.strip()
    try:
        check_content_type(_JSON + (f";{parameters}" if parameters else ""))
    except ContractError as error:
        raise Problem(415, "Content type not taken", error.remedy) from None
    if kind in (_STRUCTURED, _BATCH):
        return kind
    if kind != _JSON:
        raise Problem(
            415,
            "Content type not taken",
            f"It is {given[:100]!r}. Send {_STRUCTURED}, {_BATCH}, or {_JSON}.",
        )
    if "ce-specversion" in request.headers:
        return _JSON
    return _BATCH if isinstance(tree, list) else _STRUCTURED


def _members(tree: object) -> dict[str, object]:
    if isinstance(tree, JsonObject):
        return dict(tree.pairs)
    raise Problem(
        422, "Not an event", "The body must be a CloudEvent: a JSON object. Nothing was taken."
    )


def _binary(request: Request, tree: object) -> dict[str, object]:
    """A CloudEvent whose attributes are HTTP headers, and whose data is the body."""
    names = request.headers.items()
    told: dict[str, object] = {
        name.removeprefix(_ATTRIBUTE): value for name, value in names if name.startswith(_ATTRIBUTE)
    }
    return {**told, "data": tree}


async def _batch(tree: object, asked: _Asked) -> JSONResponse:
    if not isinstance(tree, list) or not tree:
        raise Problem(
            422, "Not a batch", "The body must be a JSON array of CloudEvents. Nothing was taken."
        )
    if len(tree) > BATCH_EVENTS_MAX:
        raise Problem(
            413,
            "Too many events",
            f"A batch may have {BATCH_EVENTS_MAX}; this one has {len(tree)}. Nothing was taken.",
        )
    asked.access.count(asked.holder, len(tree))
    found = await asyncio.gather(
        *(
            _take(place, dict(item.pairs), asked)
            if isinstance(item, JsonObject)
            else _no_event(place)
            for place, item in enumerate(tree)
        )
    )
    return _many(found)


async def _no_event(place: int) -> Answer:
    return _refused(
        place, [json_text.Problem("undecodable", "$", "is no object", "Send CloudEvents.")]
    )


async def _take(place: int, attributes: dict[str, object], asked: _Asked) -> Answer:
    """Judge one event, send it, and say what became of it."""
    taken = _judged(place, attributes, asked)
    if isinstance(taken, Verdict):
        return _refused(place, taken.problems)
    wrong = not_allowed(asked.holder, taken)
    if wrong is not None:
        return _refused(place, [wrong], 403)
    if taken.envelope.type == SNAPSHOT and taken.body["complete"]:
        return _refused(place, [_NOT_WHOLE])
    told = taken.envelope
    answer: Answer = {
        "index": place,
        "status": 202,
        "id": told.id,
        "source": told.source,
        "type": told.type,
        **taken.about,
    }
    try:
        await asked.sending.send(taken)
    except UnavailableError as error:
        return {**answer, "status": 503, "detail": f"{error.what}. {error.remedy}"}
    except ContractError as error:
        problem = json_text.Problem(error.kind, "$", error.what, error.remedy)
        return _refused(place, [problem])
    log.info(
        "%s is taken, %s of %s",
        told.type.removeprefix("stockfold."),
        told.id,
        told.source,
        extra=about(told.correlation_id, CURRENT.get()),
    )
    return answer


def _judged(place: int, attributes: dict[str, object], asked: _Asked) -> Taken | Verdict:
    intake = asked.intake
    if asked.key:
        attributes["id"] = id_of(asked.key, place)
    if "id" in attributes:
        return intake.cloud_event("$", attributes)
    # Judged under any id, because the one that it shall have follows from its body.
    taken = intake.cloud_event("$", {**attributes, "id": "-"})
    if isinstance(taken, Verdict):
        return taken
    derived = derive_id(taken.envelope.type, taken.body, None)
    return intake.cloud_event("$", attributes if derived is None else {**attributes, "id": derived})


def _refused(place: int, problems: Sequence[json_text.Problem], status: int = 422) -> Answer:
    return {"index": place, "status": status, "problems": [_told(problem) for problem in problems]}


def _told(problem: json_text.Problem) -> Answer:
    told: Answer = msgspec.to_builtins(problem)
    return told


def _one(answer: Answer) -> JSONResponse:
    status = answer["status"]
    if status == 202:
        told = {name: value for name, value in answer.items() if name not in ("index", "status")}
        return JSONResponse(told, 202)
    if status == 503:
        raise Problem(503, "Not available now", answer["detail"], id=answer["id"])
    first = answer["problems"][0]
    detail = f"{first['path']} {first['what']}. {first['remedy']}"
    title = "Not allowed" if status == 403 else "Event not valid"
    raise Problem(status, title, detail, problems=answer["problems"])


def _many(found: list[Answer]) -> JSONResponse:
    statuses = {answer["status"] for answer in found}
    counted = {
        "accepted": sum(answer["status"] == 202 for answer in found),
        "refused": sum("problems" in answer for answer in found),
        "results": found,
    }
    if 503 in statuses:
        detail = (
            "Kafka has not acknowledged all events. Send the same request again: what it has "
            "taken already changes nothing."
        )
        raise Problem(503, "Not available now", detail, **counted)
    if 202 not in statuses:
        status = 403 if statuses == {403} else 422
        raise Problem(status, "Events not taken", "None was taken; see results.", **counted)
    return JSONResponse(counted, 202 if statuses == {202} else 207)
