"""What callers are told of a reservation: its lines, as of which position, and how old that is."""

from __future__ import annotations

from typing import Any

from fastapi.responses import JSONResponse

from stockfold.domain.times import format_us
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.problems import Problem
from stockfold_services.checkout.book import Book, Known, LineKnown, Told

Body = dict[str, Any]

_ENDED = {
    "released": "It was released. Reserve anew, with another Idempotency-Key.",
    "expired": "It has expired. Extend it to ask for its units again, or reserve anew, with "
    "another Idempotency-Key.",
    "partial": "Some of its lines hold their units no longer. Extend it to ask for them again, or "
    "release it.",
}
_REASONS = {
    "insufficient_stock": "there is not enough stock where it may come from",
    "line_reserved_by_another": "its order line is reserved already, under another reservation",
    "line_cancelled": "its order line was cancelled",
    "reservation_closed": "it holds nothing any more",
}


def body_of(known: Known, book: Book) -> Body:
    """The reservation as it is known now."""
    lines = known.in_order()
    expiries = [_expiry_us(line) for line in lines if _expiry_us(line)]
    partitions = {line.told.partition for line in lines}
    return {
        "reservation": known.reservation,
        "state": known.state,
        "channel": known.channel,
        "order": lines[0].told.order if lines else None,
        "expires_at": format_us(min(expiries)) if expiries else None,
        "lines": [_line(line) for line in lines],
        "as_of": {
            "position": known.position(),
            "age_ms": book.age_ms(partitions, SYSTEM_CLOCK.now_us()),
        },
    }


def _line(line: LineKnown) -> Body:
    told = line.told
    found: Body = {
        "line": told.line,
        "sku": told.sku,
        "quantity": told.name.quantity,
        "state": line.state,
        "reserved": told.reserved,
        "allocated": told.allocated,
        "shipped": told.shipped,
        "places": [{"location": place, "quantity": units} for place, units in told.places],
        "expires_at": format_us(_expiry_us(line)) if _expiry_us(line) else None,
        "partition": told.partition,
        "seq": told.seq,
    }
    refusal = line.refusal
    if refusal is not None:
        found |= {"reason": refusal.reason, "available": refusal.available}
    return found


def _expiry_us(line: LineKnown) -> int:
    """When its units lapse; 0 when they do not, or there are none."""
    return line.told.expires_us if line.told.reserved else 0


def place_of(reservation: str) -> str:
    """Where it can be asked for."""
    return f"/v1/reservations/{reservation}"


def held(known: Known, book: Book, status: int) -> JSONResponse:
    """It is as was asked for."""
    return JSONResponse(body_of(known, book), status, {"Location": place_of(known.reservation)})


def pending(reservation: str, known: Known | None, book: Book) -> JSONResponse:
    """The ledger has not decided yet; Kafka has what was asked."""
    told = body_of(known, book) if known is not None else {"reservation": reservation}
    place = {"Location": place_of(reservation), "Retry-After": "1"}
    return JSONResponse({**told, "state": "pending"}, 202, place)


def refused(known: Known, book: Book, by: Told | None = None) -> Problem:
    """The ledger has refused it, or a command about it; what there is instead."""
    if by is None:
        refusals = [line.refusal for line in known.in_order() if line.refusal is not None]
        by = refusals[0]
    why = by.detail or f"Line {by.line or by.name.place}: {_reason(by)}."
    return Problem(
        409,
        "Not reserved",
        why,
        reason=by.reason,
        available=by.available,
        **_members(known, book),
    )


def _reason(told: Told) -> str:
    why = _REASONS.get(told.reason, told.reason)
    if told.reason != "insufficient_stock":
        return why
    return f"{told.name.quantity} of {told.sku} were asked, {told.available} are available"


def ended(known: Known, book: Book) -> Problem:
    """It holds no longer what it held."""
    return Problem(409, "Reservation ended", _ENDED[known.state], **_members(known, book))


def _members(known: Known, book: Book) -> Body:
    told = body_of(known, book)
    return {name: value for name, value in told.items() if name != "status"}


def not_known(reservation: str) -> Problem:
    """Nobody has spoken of it lately."""
    return Problem(
        404,
        "Not known",
        f"There was nothing of {reservation} lately. Ended reservations are forgotten here after a "
        "while; what became of an order line is told by `stockfold explain`.",
    )
