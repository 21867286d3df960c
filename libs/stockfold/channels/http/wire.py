"""The messages between us and a receiver. ``schemas/http-channel`` has them as JSON Schema."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

AVAILABILITY = "stockfold.availability.v1"
RESULTS = "stockfold.results.v1"
LISTINGS = "stockfold.listings.v1"

Count = Annotated[int, Meta(ge=0)]
RETRY_AFTER_S_MAX = 3600
Seconds = Annotated[float, Meta(ge=0, le=RETRY_AFTER_S_MAX)]
TICKET_CHARACTERS_MAX = 200
Ticket = Annotated[str, Meta(max_length=TICKET_CHARACTERS_MAX)]
Day = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Status = Literal["in_stock", "low_stock", "out_of_stock", "backorder", "preorder"]


class AtLocation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units at one location, by the receiver's own name of it."""

    location: str
    quantity: Count


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one SKU may be sold at: ``quantity`` from stock, ``ahead`` without it.

    Units ``ahead`` are backorders or preorders, as ``status`` says. ``version`` rises with every
    change. ``locations`` is empty where the receiver is not told them apart.
    """

    sku: str
    version: Annotated[int, Meta(ge=1)]
    quantity: Count
    ahead: Count
    status: Status
    next_available: Day | None
    lead_time_days: Count | None
    locations: tuple[AtLocation, ...]


class Items(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most one item per SKU. No items at all ask whether the receiver serves."""

    channel: str
    items: tuple[Item, ...]


class Availability(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag=AVAILABILITY
):
    """What shall be shown from now on."""

    data: Items


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which message is meant, by the ticket that its answer had."""

    channel: str
    ticket: Ticket


class AskResults(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag=RESULTS
):
    """What became of a message whose items were ``accepted``."""

    data: Asked


class Skus(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which listings are meant."""

    channel: str
    skus: tuple[str, ...]


class AskListings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag=LISTINGS
):
    """What is shown of these; nothing shall change."""

    data: Skus


class Result(msgspec.Struct, frozen=True):
    """What became of one item, or how it stands.

    ``applied``: done, ``code`` and ``detail`` are a warning. ``accepted``: will be done, ask by the
    ticket. ``stale``: what is there is newer, ``version`` says of which version. ``rejected``: will
    not be done. ``unmapped``: nothing is listed under that SKU. ``failed``: try again. ``shown``:
    the answer to ``AskListings``.
    ``quantity`` is what is shown now, where the receiver can tell.
    """

    sku: str
    outcome: Literal["applied", "accepted", "stale", "rejected", "unmapped", "failed", "shown"]
    code: str = ""
    detail: str = ""
    version: int | None = None
    quantity: int | None = None
    retry_after_s: Seconds | None = None


class Results(msgspec.Struct, frozen=True):
    """An answer that speaks of single items; ``ticket`` where some are ``accepted``."""

    results: tuple[Result, ...]
    ticket: Ticket = ""
