"""What a checkout asks for: read from the body of a request, held to the limits, put in order."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from stockfold.runtime.problems import Problem
from stockfold.runtime.settings import CheckoutSettings, Settings
from stockfold_services.checkout.names import (
    LineName,
    fingerprint_of,
    reservation_of,
)

T = TypeVar("T")


class LineAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line as it is asked for."""

    sku: str
    quantity: int
    line: str | None = None
    locations: list[str] | None = None


class ReservationAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of ``POST /v1/reservations``."""

    channel: str
    lines: list[LineAsked]
    order: str | None = None
    locations: list[str] | None = None
    allow_split: bool = False
    ttl_s: int | None = None


class ExtensionAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of an extension."""

    ttl_s: int | None = None


class LineTerms(msgspec.Struct, frozen=True):
    """A line as it goes to the ledger."""

    name: LineName
    sku: str
    order: str
    line: str
    locations: tuple[str, ...]


class Terms(msgspec.Struct, frozen=True):
    """A reservation as it goes to the ledger; its lines are in SKU order."""

    reservation: str
    fingerprint: str
    channel: str
    lines: tuple[LineTerms, ...]
    allow_split: bool
    ttl_s: int


def read(raw: bytes, kind: type[T]) -> T:
    """The body as ``kind``. Problem 400 when it is no JSON, 422 when it says something else."""
    try:
        tree = json.loads(raw.decode(), object_pairs_hook=_unique, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "Not JSON", f"{error}. Nothing was reserved.") from None
    try:
        return msgspec.convert(tree, kind)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key comes twice in one object")
    return found


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def ttl_of(ttl_s: int | None, settings: CheckoutSettings) -> int:
    """How long it shall hold, in seconds. Problem 422."""
    if ttl_s is None:
        return settings.ttl_s
    if not 1 <= ttl_s <= settings.ttl_s_max:
        raise _invalid(f"ttl_s is {ttl_s}; it must be 1 to {settings.ttl_s_max} seconds")
    return ttl_s


def terms_of(asked: ReservationAsked, holder: str, key: str, settings: Settings) -> Terms:
    """The terms of a reservation. Problem 422 names what is beyond the limits."""
    limits = settings.checkout
    if not 1 <= len(asked.lines) <= limits.lines_max:
        raise _invalid(f"there are {len(asked.lines)} lines; there may be 1 to {limits.lines_max}")
    numbered = [(line.sku, line.line or str(at), line) for at, line in enumerate(asked.lines, 1)]
    if len({(sku, name) for sku, name, _ in numbered}) < len(numbered):
        raise _invalid("two lines have the same SKU and line; add them up, or name them apart")
    reservation = reservation_of(holder, asked.channel, key)
    default = _places(asked.locations) or _of_channel(asked.channel, settings)
    lines = []
    for place, (sku, name, line) in enumerate(sorted(numbered, key=lambda row: row[:2]), 1):
        if not 1 <= line.quantity <= limits.quantity_max:
            raise _invalid(
                f"line {name}: quantity is {line.quantity}; it must be 1 to {limits.quantity_max}"
            )
        places = _places(line.locations) or default
        if not places:
            raise _invalid(f"line {name}: no locations; name those that may serve it")
        if len(places) > limits.locations_max:
            raise _invalid(f"line {name}: there may be {limits.locations_max} locations")
        full = LineName(reservation, place, len(numbered), line.quantity)
        lines.append(LineTerms(full, sku, asked.order or reservation, name, places))
    return Terms(
        reservation,
        fingerprint_of(repr(msgspec.to_builtins(asked))),
        asked.channel,
        tuple(lines),
        asked.allow_split,
        ttl_of(asked.ttl_s, limits),
    )


def _places(locations: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(locations or ()))


def _of_channel(channel: str, settings: Settings) -> tuple[str, ...]:
    """The locations that the settings give to a channel; empty when they know none."""
    known: Mapping[str, list[str] | None] = {c.name: c.locations for c in settings.channels}
    if channel not in known:
        return ()
    return _places(known[channel]) or tuple(location.name for location in settings.locations)


def _invalid(what: str) -> Problem:
    return Problem(422, "Reservation not valid", f"{what}. Nothing was reserved.")
