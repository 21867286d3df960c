"""An order as its channel tells it, in our words. Values, never changed in place."""

from __future__ import annotations

from typing import Literal

import msgspec

Told = Literal[
    "draft", "pending", "on_hold", "processing", "completed", "cancelled", "failed", "refunded"
]
"""Where the channel sees its order; channels.md, section 1.1, says what each does to stock."""


class Terms(msgspec.Struct, frozen=True, gc=False):
    """On which terms lines are reserved. ``ttl_s`` of None: they do not expire."""

    ttl_s: int | None = None
    allow_partial: bool = False
    allow_backorder: bool = False
    priority: int = 0


class Tax(msgspec.Struct, frozen=True, gc=False):
    """One tax that a line bears, as the ERP knows it: handed on, never calculated with."""

    code: str
    rate_ppm: int = 0
    included: bool = True


class Line(msgspec.Struct, frozen=True):
    """One line as it was told, with our own name for its item.

    ``quantity`` is what was ordered, ``restocked`` what refunds have put back into stock, in base
    units of the SKU; ``refunded`` is all that was refunded, which moves nothing by itself.
    ``parts`` are (component, base units in one kit) by the frozen bill of materials whose version
    is ``bill``; the SKU itself, once, when it is no kit.
    """

    line: str
    sku: str
    quantity: int
    shipped: int = 0
    restocked: int = 0
    bill: str = ""
    parts: tuple[tuple[str, int], ...] = ()
    taxes: tuple[Tax, ...] = ()
    refunded: int = 0


class Parcel(msgspec.Struct, frozen=True, gc=False):
    """Units of a line that left from a location which the channel names."""

    line: str
    location: str
    quantity: int


class Authorised(msgspec.Struct, frozen=True, gc=False):
    """Units of a line that the customer may send back."""

    name: str
    line: str
    quantity: int


class Order(msgspec.Struct, frozen=True):
    """The whole order at one revision. ``hold_until_us`` of 0: the policy's time to live."""

    revision: int
    told: Told
    accepted: bool
    lines: tuple[Line, ...]
    terms: Terms = Terms()
    locations: tuple[str, ...] = ()
    hold_until_us: int = 0
    parcels: tuple[Parcel, ...] = ()
    authorised: tuple[Authorised, ...] = ()


def ledger_order(channel: str, order: str) -> str:
    """The order's name in reservations, allocations and shipments; a channel holds no slash."""
    return f"{channel}/{order}"


def split_ledger_order(name: str, channel: str) -> str | None:
    """The order of such a name, or None when it is not one of the channel's."""
    head = f"{channel}/"
    return name[len(head) :] if channel and name.startswith(head) else None
