"""What a SKU remembers besides its numbers. Facts carry entities whole, as they are afterwards.

Entities are values: a decision copies one, changes the copy, and the fold puts the copy in place.
``omit_defaults`` keeps the journal small and lets later versions add fields with defaults.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

E = TypeVar("E", bound=msgspec.Struct)


def copied(entity: E) -> E:
    """A copy to change; ``copy.copy`` takes six times as long to find the same method."""
    made: E = entity.__copy__()  # type: ignore[attr-defined]
    return made


class Allocation(msgspec.Struct, array_like=True, frozen=True):
    """A hard claim. ``quantity`` as told, ``open`` what still claims; both in base units."""

    id: str
    location: str
    channel: str
    quantity: int
    open: int


class Answer(msgspec.Struct, array_like=True, frozen=True):
    """The last answer to ReserveStock, repeated when the command is repeated."""

    status: str
    quantity: int
    reason: str = ""
    available: int = 0


class PastReservation(msgspec.Struct, array_like=True, frozen=True):
    """A reservation that another has replaced on its line; repeated, it repeats its answer."""

    id: str
    quantity: int
    answer: Answer


class Ahead(msgspec.Struct, array_like=True, frozen=True):
    """Units shipped against an allocation or reservation that is not known yet (ruling 5)."""

    seq: int
    """SKU sequence number of the shipment: its place among what waits."""
    allocation: str
    reservation: str
    location: str
    units: int


class Line(msgspec.Struct, omit_defaults=True):
    """A demand line (order, line) with its reservation and allocations.

    Always: ordered + unordered = open + shipped + cancelled + expired + rejected (ruling 2).
    """

    order: str
    line: str
    ordered: int = 0
    unordered: int = 0
    shipped: int = 0
    cancelled: int = 0
    expired: int = 0
    rejected: int = 0
    shipped_free: int = 0
    """Shipped units that no allocation has met yet (ruling 3)."""
    final: bool = False
    """Cancelled for good (ruling 1)."""
    reservation: str = ""
    live: bool = False
    """The reservation is open: not expired, not rejected whole, its line never ran empty since."""
    past: tuple[PastReservation, ...] = ()
    """Reservations that another has replaced, with their answers."""
    channel: str = ""
    quantity: int = 0
    """Units the reservation asked for."""
    locations: tuple[str, ...] = ()
    split: bool = False
    partial: bool = False
    backorder: bool = False
    needed_on: int | None = None
    supply: tuple[str, str] | None = None
    expires_us: int = 0
    """0: never."""
    priority: int = 0
    reserved: tuple[tuple[str, int], ...] = ()
    backordered: int = 0
    waiting_seq: int = 0
    """SKU sequence number at which it began to wait: age among backorders."""
    lapsed: int = 0
    """Expired units that a repeated or extended reservation asks for again (ruling 10)."""
    allocations: tuple[Allocation, ...] = ()
    answer: Answer | None = None
    at_us: int = 0
    """When the ledger last recorded a fact about it, UTC microseconds."""

    def reserved_units(self) -> int:
        """Soft claims over all locations."""
        total = 0
        for _, units in self.reserved:
            total += units
        return total

    def allocated_units(self) -> int:
        """Hard claims over all allocations."""
        total = 0
        for allocation in self.allocations:
            total += allocation.open
        return total

    def open_units(self) -> int:
        """Reserved, allocated and backordered."""
        return self.reserved_units() + self.allocated_units() + self.backordered

    def closed_units(self) -> int:
        """Cancelled, expired and rejected."""
        return self.cancelled + self.expired + self.rejected

    def places_to_wait(self) -> tuple[str, ...]:
        """Where a backorder may be served: without allow_split only where the line holds a part."""
        if self.split:
            return self.locations
        held = {place for place, _ in self.reserved}
        held.update(a.location for a in self.allocations if a.open)
        return tuple(p for p in self.locations if p in held) if held else self.locations

    def settle(self) -> None:
        """A reservation whose line has nothing open is over."""
        if self.live and not (self.reserved or self.backordered or self.allocated_units()):
            self.live = False

    def add_reserved(self, location: str, units: int) -> None:
        """Change the soft claim at a location; a claim that reaches zero is dropped."""
        kept = []
        found = False
        for place, held in self.reserved:
            if place == location:
                found = True
                units += held
                if units:
                    kept.append((place, units))
            else:
                kept.append((place, held))
        if not found and units:
            kept.append((location, units))
        self.reserved = tuple(kept)


class Transfer(msgspec.Struct, omit_defaults=True):
    """A transfer as its totals (ruling 7). Pairs are (location, units)."""

    id: str
    source: str = ""
    source_bucket: int = 0
    dispatched: tuple[tuple[str, int], ...] = ()
    received: tuple[tuple[str, int], ...] = ()
    remainder: str = ""
    """Empty while open; lost or returned_to_source once closed."""
    posted: tuple[tuple[str, int], ...] = ()
    """Units in transit as posted so far, by location, signed."""
    settled: int = 0
    """Units moved out of transit by closing, signed."""
    eta_us: int | None = None
    at_us: int = 0
    """When the ledger last recorded a fact about it, UTC microseconds."""


class InboundLine(msgspec.Struct, omit_defaults=True):
    """A line of a purchase order or ASN. ``quantity`` is all that was ordered (ruling 15)."""

    line: str
    location: str = ""
    quantity: int = 0
    eta_us: int | None = None
    confidence: int = 100
    revision: int = -1
    """-1 while the line itself is not known yet."""
    received: int = 0
    closed_through: int | None = None
    """Closed up to this revision; a newer one reopens (ruling 36)."""
    closed_first: bool = False
    """Closed before it was known: the first revision to come is closed."""

    def is_open(self) -> bool:
        """Known, and its revision is newer than a close."""
        return self.revision >= 0 and (
            self.closed_through is None or self.revision > self.closed_through
        )


class Inbound(msgspec.Struct, omit_defaults=True):
    """An inbound document, of this SKU. ``unlined`` are units received without a line."""

    id: str
    lines: tuple[InboundLine, ...] = ()
    unlined: int = 0
    closed_through: int | None = None
    closed_first: bool = False
    """Closed as a whole; lines that were not known yet take it over (ruling 36)."""
    at_us: int = 0
    """When the ledger last recorded a fact about it, UTC microseconds."""


class Return(msgspec.Struct, omit_defaults=True):
    """A return by its totals, in base units."""

    id: str
    authorized: int = 0
    received: int = 0
    dispositioned: int = 0
    at_us: int = 0
    """When the ledger last recorded a fact about it, UTC microseconds."""


class Fence(msgspec.Struct, array_like=True, frozen=True):
    """Units kept for a channel; 0 units keep only the revision."""

    channel: str
    quantity: int
    priority: int
    revision: int


class Limit(msgspec.Struct, array_like=True, frozen=True):
    """Backorder limit of a channel; None lifts it."""

    channel: str
    quantity: int | None
    revision: int


class SecondHand(msgspec.Struct, array_like=True, frozen=True):
    """A movement that a secondary source told first: what it takes to correct it (ruling 20)."""

    units: int
    place: str
    """Locations, bucket and entity as told; what is told elsewhere cannot be corrected."""
    line: tuple[str, str] | None = None
    """(order, line) that a shipment was drawn on."""
    drawn: tuple[tuple[str, str, int], ...] = ()
    """(term of the line, allocation or location, units) that a shipment drew, in that order."""


class Parked(msgspec.Struct, omit_defaults=True):
    """A command that came before its entity (ruling 26), kept whole until it does."""

    seq: int
    """SKU sequence number at which it was parked: its place among what waits."""
    waits_for: str
    type: str
    body: dict[str, object]
    source: str
    event_id: str
    correlation_id: str
    occurred_us: int
    caused_us: int
    topic: str
    partition: int
    offset: int
    schema_id: int
    payload_hash: int
    at_us: int = 0
    """When it was parked, UTC microseconds."""
    reported: bool = False
    """Parked too long, and said so to the exception desk."""


class Forgotten(msgspec.Struct, omit_defaults=True):
    """Finished entities that leave memory, by their names."""

    lines: tuple[tuple[str, str], ...] = ()
    transfers: tuple[str, ...] = ()
    inbounds: tuple[str, ...] = ()
    returns: tuple[str, ...] = ()
    documents: tuple[tuple[str, str, str], ...] = ()
    moves_through_us: int = 0
    """Movements that occurred at or before this, UTC microseconds; 0: none are forgotten."""


class Change(msgspec.Struct, omit_defaults=True):
    """The transition part of a fact: entities as they are afterwards. JSON in the journal."""

    v: int = 1
    line: Line | None = None
    transfer: Transfer | None = None
    inbound: Inbound | None = None
    left: str = ""
    """Location that a line of the inbound has left for another: nothing of it is due there now."""
    returned: Return | None = None
    count: tuple[str, int, int] | None = None
    """(location, bucket account, as_of UTC microseconds) of an applied count."""
    fence: Fence | None = None
    limit: Limit | None = None
    park: Parked | None = None
    forget: Forgotten | None = None
    parked_too_long: tuple[str, str, str] | None = None
    """(waits_for, source, event id) of a parked command that was reported."""
    unpark: tuple[str, str, str] | None = None
    """(waits_for, source, event id) of the parked command that was decided."""
    ahead: Ahead | None = None
    """Units shipped before what they name was known."""
    met: int | None = None
    """Sequence number of the shipment ahead that has been drawn on its line."""
    number: int | None = None
    """The producer's own number of the event (sequence)."""
    document: tuple[str, str, str, int] | None = None
    """(event type, document, document line, units) of a movement told by its document."""
    shelves: str | None = None
    """Beside ``document``, when the authority told it: the locations and buckets it posted to."""
    second_hand: SecondHand | None = None
    """Beside ``document``, when a secondary source told it first."""
    status: tuple[str, str, str, int, str, int] | None = None
    """(reservation, status, command, quantity, reason, available) of the answer this fact gives."""
    note: dict[str, object] | None = None
    """Details for people: reasons, documents, differences. The fold never reads them."""


encode_change = msgspec.json.Encoder().encode
decode_change = msgspec.json.Decoder(Change).decode
