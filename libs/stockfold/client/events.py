"""Every event type that a producer may send, as its newest schema has it.

Written by ``python -m infra.generate.client_events``; change the schemas, not this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal

import msgspec

from stockfold.client.event import Event

__all__ = [
    "BackorderLimitSet",
    "Bucket",
    "Condition",
    "DeallocationTarget",
    "Disposition",
    "ExtendReservation",
    "GoodsReceived",
    "InboundClosed",
    "InboundExpected",
    "MoveReservation",
    "OrderLineCancelled",
    "ReleaseReservation",
    "Remainder",
    "ReserveStock",
    "ReturnAuthorized",
    "ReturnDispositioned",
    "ReturnReceived",
    "RingFenceSet",
    "StatusTarget",
    "StockAdjusted",
    "StockAllocated",
    "StockCounted",
    "StockDeallocated",
    "StockShipped",
    "StockSnapshotReported",
    "StockStatusChanged",
    "SupplyLine",
    "TransferClosed",
    "TransferDispatched",
    "TransferReceived",
]

Condition = Literal["on_hand", "quality_hold", "damaged"]
"""The bucket that units of this condition go to. An unknown condition is held for inspection,
never sold.
"""


Bucket = Literal["on_hand", "quality_hold", "damaged", "in_transit"]
"""A physical bucket of a SKU at a location."""


Remainder = Literal["lost", "returned_to_source"]
"""Where the rest goes."""


Disposition = Literal["on_hand", "damaged", "scrapped"]
"""Where inspected units go."""


StatusTarget = Literal["on_hand", "quality_hold", "damaged", "scrapped", "lost"]
"""Where units go."""


class SupplyLine(msgspec.Struct, frozen=True, kw_only=True):
    """An inbound line a backorder is tied to."""

    inbound: str
    """Inbound document."""
    line: str
    """Inbound line."""


DeallocationTarget = Literal["reserved", "free"]
"""What the units become."""


class InboundExpected(Event, frozen=True, kw_only=True):
    """A purchase order or ASN line is expected. A newer revision replaces it; quantity is all
    that was ordered, received units included.
    """

    inbound: str
    """Purchase order or ASN."""
    line: str
    """Line of the inbound document."""
    location: str
    """Where the units are expected."""
    quantity: int
    """All units ordered on this line, 0 to 10^12, base units."""
    eta: datetime | None = None
    """Expected arrival; null when undated."""
    confidence: int = 100
    """Percent, 0 to 100, that the units come as said."""
    revision: int
    """Rises with every change of this thing; a lower or equal one is ignored."""
    unit: str | None = None
    """Unit of the quantity, as the catalogue or an alias of the source names it; null for the
    base unit. Converted exactly, or refused.
    """


class InboundClosed(Event, frozen=True, kw_only=True):
    """What remains of an inbound line, or of the whole document, is no longer expected."""

    inbound: str
    """Purchase order or ASN."""
    line: str | None = None
    """Line; null closes every line of this SKU."""
    revision: int | None = None
    """Revision that is closed; a newer InboundExpected reopens."""


class GoodsReceived(Event, frozen=True, kw_only=True):
    """Units came from a supplier. Never refused: they are on the floor."""

    inbound: str | None = None
    """Inbound document the units belong to."""
    line: str | None = None
    """Inbound line; null uses up the earliest ETA of the document."""
    location: str
    """Where the units arrived."""
    quantity: int
    """Units received. Base units, 1 to 10^12."""
    condition: Condition = "on_hand"
    """Bucket the units go to."""
    document: str | None = None
    """Receipt or delivery note this movement stands on, never the order. With document_line, the
    same movement told twice folds once.
    """
    document_line: str | None = None
    """Line of that document."""
    unit: str | None = None
    """Unit of the quantity, as the catalogue or an alias of the source names it; null for the
    base unit. Converted exactly, or refused.
    """


class TransferDispatched(Event, frozen=True, kw_only=True):
    """Units left one location for another."""

    transfer: str
    """Transfer."""
    from_: str = msgspec.field(name="from")
    """Location the units left."""
    to: str
    """Planned destination."""
    quantity: int
    """Units dispatched. Base units, 1 to 10^12."""
    eta: datetime | None = None
    """Expected arrival."""
    bucket: Bucket = "on_hand"
    """Bucket the units left; not in_transit."""
    document: str | None = None
    """Receipt or delivery note this movement stands on, never the order. With document_line, the
    same movement told twice folds once.
    """
    document_line: str | None = None
    """Line of that document."""
    unit: str | None = None
    """Unit of the quantity, as the catalogue or an alias of the source names it; null for the
    base unit. Converted exactly, or refused.
    """


class TransferReceived(Event, frozen=True, kw_only=True):
    """Units of a transfer arrived, in part or whole, at the planned place or another."""

    transfer: str
    """Transfer."""
    location: str
    """Where the units arrived."""
    quantity: int
    """Units received. Base units, 1 to 10^12."""
    condition: Condition = "on_hand"
    """Bucket the units go to."""
    document: str | None = None
    """Receipt or delivery note this movement stands on, never the order. With document_line, the
    same movement told twice folds once.
    """
    document_line: str | None = None
    """Line of that document."""
    unit: str | None = None
    """Unit of the quantity, as the catalogue or an alias of the source names it; null for the
    base unit. Converted exactly, or refused.
    """


class TransferClosed(Event, frozen=True, kw_only=True):
    """Nothing more of this transfer is expected; the signed rest leaves transit."""

    transfer: str
    """Transfer."""
    remainder: Remainder
    """Where the rest goes."""


class ReturnAuthorized(Event, frozen=True, kw_only=True):
    """A return was allowed. Informative: moves nothing."""

    return_: str = msgspec.field(name="return")
    """Return authorisation."""
    order: str | None = None
    """Order by its id alone."""
    line: str | None = None
    """Line of the order."""
    quantity: int
    """Units allowed back. Base units, 1 to 10^12."""
    unit: str | None = None
    """Unit of the quantity, as the catalogue or an alias of the source names it; null for the
    base unit. Converted exactly, or refused.
    """


class ReturnReceived(Event, frozen=True, kw_only=True):
    """Units came back from a customer, to any location."""

    return_: str = msgspec.field(name="return")
    """Return."""
    location: str
    """Where the units came back."""
    quantity: int
    """Units that came back. Base units, 1 to 10^12."""
    condition: Condition | None = None
    """Bucket; null means quality_hold."""
    order: str | None = None
    """Order by its id alone."""
    line: str | None = None
    """Line of the order."""
    document: str | None = None
    """Receipt or delivery note this movement stands on, never the order. With document_line, the
    same movement told twice folds once.
    """
    document_line: str | None = None
    """Line of that document."""
    unit: str | None = None
    """Unit of the quantity, as the catalogue or an alias of the source names it; null for the
    base unit. Converted exactly, or refused.
    """


class ReturnDispositioned(Event, frozen=True, kw_only=True):
    """Inspection decided about held units. ATP rises only here."""

    return_: str = msgspec.field(name="return")
    """Return."""
    location: str
    """Where the units are held."""
    quantity: int
    """Units decided on. Base units, 1 to 10^12."""
    to: Disposition
    """Where the units go, from quality_hold."""
    unit: str | None = None
    """Unit of the quantity, as the catalogue or an alias of the source names it; null for the
    base unit. Converted exactly, or refused.
    """


class StockAdjusted(Event, frozen=True, kw_only=True):
    """A correction of a bucket against the adjustment account."""

    location: str
    """Location whose stock moves."""
    bucket: Bucket = "on_hand"
    """Bucket that changes; not in_transit."""
    delta: int
    """Signed change in base units, not 0, at most 10^12 either way."""
    reason: str
    """Why, best a CBV business step or disposition."""
    document: str | None = None
    """Receipt or delivery note this movement stands on, never the order. With document_line, the
    same movement told twice folds once.
    """
    document_line: str | None = None
    """Line of that document."""
    unit: str | None = None
    """Unit of the quantity, as the catalogue or an alias of the source names it; null for the
    base unit. Converted exactly, or refused.
    """


class StockStatusChanged(Event, frozen=True, kw_only=True):
    """Units change bucket at one location, or leave as scrapped or lost."""

    location: str
    """Location whose stock moves."""
    from_: Bucket = msgspec.field(name="from")
    """Bucket the units leave; not in_transit."""
    to: StatusTarget
    """Where the units go."""
    quantity: int
    """Units changed. Base units, 1 to 10^12."""
    reason: str | None = None
    """Why."""
    unit: str | None = None
    """Unit of the quantity, as the catalogue or an alias of the source names it; null for the
    base unit. Converted exactly, or refused.
    """


class StockCounted(Event, frozen=True, kw_only=True):
    """A bucket was counted: absolute at that time. Movements that occurred after as_of are
    added.
    """

    location: str
    """Location counted."""
    bucket: Bucket = "on_hand"
    """Bucket counted; not in_transit."""
    counted: int
    """Units found, 0 to 10^12; picked units still in the building included."""
    as_of: datetime
    """When the count was true; not in the future."""
    unit: str | None = None
    """Unit of the quantity, as the catalogue or an alias of the source names it; null for the
    base unit. Converted exactly, or refused.
    """


class StockSnapshotReported(Event, frozen=True, kw_only=True):
    """A nightly figure of the ERP: compared, and the difference is a finding; an adjustment only
    where the location is snapshot_driven.
    """

    location: str
    """Location reported."""
    bucket: Bucket = "on_hand"
    """Bucket reported."""
    quantity: int
    """Units reported, at most 10^12 either way."""
    as_of: datetime
    """When the figure was true."""
    snapshot: str | None = None
    """Name of the run it belongs to."""
    complete: bool = False
    """Whether the run lists every row of its location."""
    unit: str | None = None
    """Unit of the quantity, as the catalogue or an alias of the source names it; null for the
    base unit. Converted exactly, or refused.
    """


class ReserveStock(Event, frozen=True, kw_only=True):
    """Command: promise units of this SKU to one demand line, sourced at once to the listed
    locations. May be refused.
    """

    reservation: str
    """Reservation; repeating it repeats the answer."""
    order: str
    """Order by its id alone."""
    line: str
    """Line of the order."""
    channel: str
    """Sales channel."""
    quantity: int
    """Units of the whole demand line; what the line already has open or shipped is not asked
    again. Base units, 1 to 10^12.
    """
    locations: Sequence[str]
    """Locations in order of preference; at least one."""
    allow_split: bool = False
    """May several locations share it."""
    allow_partial: bool = False
    """May a part be held when the whole is not there."""
    allow_backorder: bool = False
    """May what is not there wait for stock."""
    needed_on: date | None = None
    """Day the demand falls on, in the location's zone; dates the demand only, units are held
    today.
    """
    supply_line: SupplyLine | None = None
    """Inbound line that a backorder waits for."""
    expires_at: datetime | None = None
    """When the open units lapse; null never."""
    priority: int = 0
    """Higher is served first among backorders."""
    unit: str | None = None
    """Unit of the quantity, as the catalogue or an alias of the source names it; null for the
    base unit. Converted exactly, or refused.
    """


class ExtendReservation(Event, frozen=True, kw_only=True):
    """Command: move the expiry; asks expired units again."""

    reservation: str
    """Reservation."""
    expires_at: datetime | None = None
    """New expiry; null never."""


class MoveReservation(Event, frozen=True, kw_only=True):
    """Command: move all reserved units to one location, or nothing."""

    reservation: str
    """Reservation."""
    location: str
    """Target location."""


class ReleaseReservation(Event, frozen=True, kw_only=True):
    """Command: give reserved and backordered units back; backordered first, then the last
    preference.
    """

    reservation: str
    """Reservation."""
    quantity: int | None = None
    """Units; null releases all that is open."""


class RingFenceSet(Event, frozen=True, kw_only=True):
    """Units kept for one channel. A fact of the ledger, sent by the policy compiler."""

    channel: str
    """Sales channel."""
    quantity: int
    """Units fenced, 0 to 10^12."""
    priority: int = 0
    """Higher is granted first."""
    revision: int
    """Rises with every change of this thing; a lower or equal one is ignored."""


class BackorderLimitSet(Event, frozen=True, kw_only=True):
    """How many units a channel may have waiting."""

    channel: str
    """Sales channel."""
    quantity: int | None = None
    """Units, 0 to 10^12; null lifts the limit."""
    revision: int
    """Rises with every change of this thing; a lower or equal one is ignored."""


class StockAllocated(Event, frozen=True, kw_only=True):
    """Units at a location are committed to an order line. Happened on the floor: acts at once."""

    allocation: str
    """Allocation."""
    reservation: str | None = None
    """Reservation it hardens; null finds it by order and line."""
    order: str
    """Order by its id alone."""
    line: str
    """Line of the order."""
    channel: str | None = None
    """Channel of a direct claim."""
    location: str
    """Committed location."""
    quantity: int
    """Units allocated. Base units, 1 to 10^12."""
    unit: str | None = None
    """Unit of the quantity, as the catalogue or an alias of the source names it; null for the
    base unit. Converted exactly, or refused.
    """


class StockDeallocated(Event, frozen=True, kw_only=True):
    """An allocation is given up, in part or whole."""

    allocation: str
    """Allocation."""
    quantity: int | None = None
    """Units; null gives up all that is open."""
    to: DeallocationTarget = "reserved"
    """What the units become; without an open reservation always free."""
    unit: str | None = None
    """Unit of the quantity, as the catalogue or an alias of the source names it; null for the
    base unit. Converted exactly, or refused.
    """


class StockShipped(Event, frozen=True, kw_only=True):
    """Units left for a customer; the claim they satisfy shrinks. Happened even if the shelf goes
    negative. Names an allocation, a reservation, or an order line.
    """

    shipment: str
    """Shipment."""
    allocation: str | None = None
    """Allocation that is satisfied first."""
    reservation: str | None = None
    """Reservation that is satisfied."""
    order: str | None = None
    """Order by its id alone."""
    line: str | None = None
    """Line of the order."""
    location: str
    """Location the units left."""
    quantity: int
    """Units shipped. Base units, 1 to 10^12."""
    document: str | None = None
    """Receipt or delivery note this movement stands on, never the order. With document_line, the
    same movement told twice folds once.
    """
    document_line: str | None = None
    """Line of that document."""
    unit: str | None = None
    """Unit of the quantity, as the catalogue or an alias of the source names it; null for the
    base unit. Converted exactly, or refused.
    """


class OrderLineCancelled(Event, frozen=True, kw_only=True):
    """The line is over: what it still has open is released, once, for good."""

    order: str
    """Order by its id alone."""
    line: str
    """Line of the order."""
    reason: str | None = None
    """Why."""
