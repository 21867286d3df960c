"""``/v1/reservations``: reserve for a checkout, extend, commit, release, and look."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from stockfold.domain.times import SECOND_US
from stockfold.runtime.access import Access
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.http_bodies import Budget, whole
from stockfold.runtime.idempotency import idempotency_key
from stockfold.runtime.keys import RESERVE, ApiKey
from stockfold.runtime.problems import Problem
from stockfold.runtime.settings import CheckoutSettings, Settings
from stockfold_services.checkout import answers
from stockfold_services.checkout.book import Book, Known, Told
from stockfold_services.checkout.commands import checked
from stockfold_services.checkout.following import Following
from stockfold_services.checkout.names import is_reservation
from stockfold_services.checkout.running import Running, Work
from stockfold_services.checkout.saga import reserving
from stockfold_services.checkout.terms import (
    ExtensionAsked,
    ReservationAsked,
    Terms,
    read,
    terms_of,
    ttl_of,
)

router = APIRouter(tags=["reservations"])

_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?([0-9]{1,4}(?:\.[0-9]{1,3})?)")
_POSITION = re.compile(r"[0-9]{1,18}(?:-[0-9]{1,18})*")
After = Annotated[
    str | None,
    Query(
        description="The `as_of.position` of an earlier answer: wait until this one is as new.",
        max_length=2000,
    ),
]


class Parts(NamedTuple):
    """What answers are made of."""

    settings: Settings
    access: Access
    book: Book
    following: Following
    running: Running
    budget: Budget

    @property
    def limits(self) -> CheckoutSettings:
        """The limits of this service."""
        return self.settings.checkout


@router.post("/v1/reservations", status_code=201)
async def reserve(request: Request) -> Response:
    """Reserve one or many lines: all of them, or none.

    201: held until `expires_at`. 202: the ledger takes longer than the caller waits (`Prefer:
    wait=SECONDS`); poll `Location`. 409: refused, with what is available. 503: Kafka is away, or
    too many wait; repeat the request as it is. The Idempotency-Key is required: the same request
    repeated is the same reservation.
    """
    parts, holder = _parts(request)
    key = idempotency_key(request.headers.get("idempotency-key"))
    if not key:
        raise Problem(
            400,
            "Idempotency-Key missing",
            "Send the header Idempotency-Key with a value of this checkout's own, such as a UUID: "
            "repeated with the same key, the request reserves once.",
        )
    asked = read(await _body(request, parts, holder), ReservationAsked)
    terms = terms_of(asked, holder.key if holder is not None else "", key, parts.settings)
    for line in terms.lines:
        checked(reserving(line, terms, SYSTEM_CLOCK.now_us()))
        _may(holder, terms.channel, line.locations)
    parts.access.count(holder, len(terms.lines))
    known = parts.book.get(terms.reservation)
    if known is not None and known.fingerprint not in ("", terms.fingerprint):
        raise Problem(
            422,
            "Idempotency-Key used before",
            "It came with another request. Use a new key for a new reservation.",
        )
    if terms.reservation not in parts.running and (known is None or known.state == "pending"):
        parts.running.begin(terms.reservation, "reserve", lambda saga: saga.reserve(terms))
    return await _reserved(request, parts, terms)


async def _reserved(request: Request, parts: Parts, terms: Terms) -> Response:
    """Wait for what becomes of a reservation, and say it."""
    name, book = terms.reservation, parts.book
    done, told = await _wait(request, parts, name)
    known = book.get(name)
    if not done or known is None:
        return answers.pending(name, known, book)
    if told is not None and told.is_refusal:
        raise answers.refused(known, book, told)
    match known.state:
        case "held" | "committed":
            return answers.held(known, book, 201)
        case "pending":
            return answers.pending(name, known, book)
        case "refused":
            raise answers.refused(known, book)
    raise answers.ended(known, book)


@router.get("/v1/reservations/{reservation}")
async def get(request: Request, reservation: str, after: After = None) -> Response:
    """A reservation as it is now. While it is pending, `Prefer: wait=SECONDS` waits for more."""
    parts, holder = _parts(request)
    seqs = _seqs(after)
    deadline_s = asyncio.get_running_loop().time() + _wait_s(request, parts.limits, 0.0)
    while True:
        known = _known(parts, holder, reservation)
        is_new = known is not None and known.is_past(seqs)
        if known is not None and is_new and known.state != "pending":
            return answers.held(known, parts.book, 200)
        left_s = deadline_s - asyncio.get_running_loop().time()
        if left_s <= 0:
            break
        if parts.book.waiting >= parts.limits.waiting_max:
            raise Problem(503, "Too busy", "Too many requests wait already.")
        await parts.book.change(reservation, left_s)
    if known is None:
        raise answers.not_known(reservation)
    if not is_new:
        raise Problem(503, "Not there yet", f"Position {after} of {reservation} is not known yet.")
    return answers.pending(reservation, known, parts.book)


@router.post("/v1/reservations/{reservation}/extend")
async def extend(request: Request, reservation: str) -> Response:
    """Hold it for `ttl_s` seconds from now; units that have expired are asked for again.

    409: it was refused, released or committed, or its expired units are gone.
    """
    parts, holder = _parts(request)
    raw = await _body(request, parts, holder)
    asked = read(raw, ExtensionAsked) if raw else ExtensionAsked()
    ttl_s = ttl_of(asked.ttl_s, parts.limits)
    known = await _existing(request, parts, holder, reservation)
    if known.state == "committed":
        raise Problem(409, "Committed", "It is committed already, and expires no more.")
    until_us = SYSTEM_CLOCK.now_us() + ttl_s * SECOND_US
    return await _changed(
        request, parts, known, "extend", lambda saga: saga.extend(known, until_us)
    )


@router.post("/v1/reservations/{reservation}/commit")
async def commit(request: Request, reservation: str) -> Response:
    """The order is placed: it expires no more, and waits to be allocated and shipped.

    Units that have expired are asked for again. 409: they are gone, or it was refused or released.
    """
    parts, holder = _parts(request)
    await _body(request, parts, holder)
    known = await _existing(request, parts, holder, reservation)
    if known.state == "committed":
        return answers.held(known, parts.book, 200)
    return await _changed(request, parts, known, "commit", lambda saga: saga.extend(known, None))


@router.post("/v1/reservations/{reservation}/release")
@router.delete("/v1/reservations/{reservation}")
async def release(request: Request, reservation: str) -> Response:
    """Give up what it still holds. One that holds nothing stays as it is."""
    parts, holder = _parts(request)
    await _body(request, parts, holder)
    known = await _existing(request, parts, holder, reservation)
    if not any(line.told.reserved for line in known.lines.values()):
        return answers.held(known, parts.book, 200)
    return await _changed(
        request, parts, known, "release", lambda saga: saga.release(known), ends=True
    )


async def _changed(
    request: Request, parts: Parts, known: Known, what: str, work: Work, *, ends: bool = False
) -> Response:
    """Carry a command about a reservation out, and say how it is then."""
    book, name = parts.book, known.reservation
    if known.state == "refused" or (not ends and known.state == "released"):
        raise (
            answers.refused(known, book) if known.state == "refused" else answers.ended(known, book)
        )
    parts.access.count(request.state.holder, known.count)
    parts.running.begin(name, what, work)
    done, told = await _wait(request, parts, name)
    if not done:
        return answers.pending(name, known, book)
    if told is not None:
        raise answers.refused(known, book, told)
    return answers.held(known, book, 200)


async def _existing(
    request: Request, parts: Parts, holder: ApiKey | None, reservation: str
) -> Known:
    """A reservation that a command is about, once nothing else is under way. Problem 404, 409."""
    if reservation in parts.running:
        await _wait(request, parts, reservation)
    known = _known(parts, holder, reservation)
    if known is None:
        raise answers.not_known(reservation)
    if reservation in parts.running or known.state == "pending":
        raise Problem(
            409,
            "Not decided yet",
            "The ledger has not decided on it yet. Try again.",
            retry_after_s=1,
        )
    return known


def _known(parts: Parts, holder: ApiKey | None, reservation: str) -> Known | None:
    """What is known of a reservation of one of the holder's channels."""
    known = parts.book.get(reservation) if is_reservation(reservation) else None
    if known is not None:
        _may(holder, known.channel)
    return known


def _may(holder: ApiKey | None, channel: str, locations: Sequence[str] = ()) -> None:
    """Problem 403 when the holder's key does not reach so far."""
    if holder is None:
        return
    beyond = ""
    if holder.channels is not None and channel not in holder.channels:
        beyond = f"channel {channel}"
    elif holder.locations is not None:
        outside = [name for name in locations if name not in holder.locations]
        beyond = f"location {outside[0]}" if outside else ""
    if beyond:
        raise Problem(
            403,
            "Not allowed",
            f"It is of {beyond}, which the key {holder.name} may not name. Use a key that may, or "
            "have this one made wider.",
        )


def _parts(request: Request) -> tuple[Parts, ApiKey | None]:
    parts: Parts = request.app.state.parts
    holder = parts.access.caller(request, RESERVE)
    request.state.holder = holder
    if not parts.following.is_caught_up:
        raise Problem(503, "Not ready", "What the ledger decided lately is still being read.")
    return parts, holder


async def _body(request: Request, parts: Parts, holder: ApiKey | None) -> bytes:
    bytes_max = parts.limits.body_bytes_max
    if holder is not None:
        bytes_max = min(bytes_max, holder.body_bytes_max)
    async with whole(request, bytes_max, parts.budget) as raw:
        return raw


async def _wait(request: Request, parts: Parts, reservation: str) -> tuple[bool, Told | None]:
    wait_s = _wait_s(request, parts.limits, parts.limits.wait_ms / 1000)
    try:
        return await parts.running.wait(reservation, request, wait_s)
    except TimeoutError:
        return False, None


def _wait_s(request: Request, limits: CheckoutSettings, default_s: float) -> float:
    """How long the caller wants to wait (RFC 7240), at most as long as we let anybody."""
    found = _WAIT.search(request.headers.get("prefer", "").lower())
    return min(float(found[1]) if found is not None else default_s, limits.wait_s_max)


def _seqs(after: str | None) -> list[int]:
    if after is None:
        return []
    if not _POSITION.fullmatch(after):
        raise Problem(422, "Position not valid", "Send the as_of.position of an earlier answer.")
    return [int(part) for part in after.split("-")]
