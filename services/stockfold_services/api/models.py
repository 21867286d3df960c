"""What the api answers. Times are RFC 3339 in UTC; quantities are signed base units."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field


class AsOf(BaseModel):
    """Which state an answer shows."""

    partition: int | None = Field(
        default=None, description="The SKU's partition, if it is one SKU."
    )
    offset: int | None = Field(
        default=None,
        description="Journal offset of the SKU's newest fact in the read model.",
    )
    seq: int | None = Field(default=None, description="Number of that fact within the SKU.")
    offsets: dict[int, int] | None = Field(
        default=None, description="For many SKUs: next journal offset by partition."
    )
    age_ms: int | None = Field(
        default=None,
        description="It holds all that was committed this long ago; null: unknown.",
    )
    lag: int = Field(default=0, description="Records that were unread at the last look.")


class Position(BaseModel):
    """The numbers of a SKU at a location."""

    sku: str
    location: str
    seq: int = Field(description="SKU sequence number that these numbers are as of.")
    on_hand: int
    quality_hold: int
    damaged: int
    in_transit: int
    reserved: int
    allocated: int
    atp: int = Field(description="on_hand - allocated - reserved, signed.")
    claims: list[dict[str, Any]] = Field(description="Claims by channel.")
    expected: list[dict[str, Any]] = Field(description="Inbound lines still expected.")
    recorded_at: datetime
    correlation_id: str
    partition: int


class Positions(BaseModel):
    """Positions of one SKU."""

    sku: str
    positions: list[Position]
    as_of: AsOf


class PositionPage(BaseModel):
    """A page of positions, by SKU and location."""

    positions: list[Position]
    next: str | None = Field(description="Hand it back as `after`; null at the end.")
    as_of: AsOf


class Difference(BaseModel):
    """A number of a position that the journal's deltas do not give."""

    location: str
    account: str
    position: int
    journal: int


class Conservation(BaseModel):
    """The audit's proof, computed from the journal's deltas."""

    holds: bool = Field(description="The physical sum is zero and no fact is missing.")
    physical_sum: int = Field(description="Sum over all physical accounts; always 0.")
    accounts: dict[str, int] = Field(description="Sum of the deltas by account.")
    facts: int
    last_seq: int = Field(description="Equal to facts: numbers have no gaps.")
    differences: list[Difference] = Field(
        description="Positions that differ from the journal's sums up to their own seq."
    )
    compared: int = Field(description="Positions that were compared.")


class Sku(BaseModel):
    """A SKU over all its locations."""

    sku: str
    locations: int
    on_hand: int
    quality_hold: int
    damaged: int
    in_transit: int
    reserved: int
    allocated: int
    atp: int = Field(description="Sum of max(atp, 0) over locations.")
    deficit: int = Field(description="Sum of max(-atp, 0); beside the ATP, never netted.")
    backordered: int
    backordered_by_channel: list[dict[str, Any]]
    fences: list[dict[str, Any]]
    limits: list[dict[str, Any]]
    conservation: Conservation | None = Field(description="Null when `prove=false`.")
    as_of: AsOf


class Availability(BaseModel):
    """What a channel may promise of a SKU."""

    channel: str
    sku: str
    quantity: int
    status: str
    next_available: date | None
    lead_time_days: int | None
    locations: list[dict[str, Any]]
    version: int
    policy_revision: int
    seq: int
    steps: list[dict[str, Any]]
    recorded_at: datetime
    correlation_id: str
    partition: int


class AvailabilityAnswer(Availability):
    """One availability, and which state it shows."""

    as_of: AsOf


class AvailabilityPage(BaseModel):
    """A page of availability, by channel and SKU."""

    availability: list[Availability]
    next: str | None
    as_of: AsOf


class Fact(BaseModel):
    """A fact of the journal."""

    seq: int
    partition: int
    offset: int
    kind: str
    source: str
    event_id: str
    correlation_id: str
    cause_topic: str
    cause_partition: int
    cause_offset: int
    schema_id: int
    payload_hash: str
    occurred_at: datetime
    recorded_at: datetime
    caused_at: datetime | None
    deltas: list[dict[str, Any]]
    flags: list[str]
    body: Any = Field(description="The entities as they are after this fact, and details.")


class Journal(BaseModel):
    """Facts of a SKU, in order."""

    sku: str
    facts: list[Fact]
    next_after_seq: int | None = Field(description="Hand it back as `after_seq`; null at the end.")
    as_of: AsOf


class DemandLine(BaseModel):
    """An order line and what became of its units.

    Always: ordered + unordered = open + shipped + cancelled + expired + rejected.
    """

    sku: str
    order: str
    line: str
    seq: int
    reservation: str
    channel: str
    ordered: int
    unordered: int
    reserved: int
    allocated: int
    backordered: int
    shipped: int
    cancelled: int
    expired: int
    rejected: int
    final: bool
    places: list[dict[str, Any]]
    allocations: list[dict[str, Any]]
    expires_at: datetime | None
    recorded_at: datetime
    partition: int


class Status(BaseModel):
    """An answer to a reservation command, or what became of the reservation."""

    sku: str
    seq: int
    status: str
    command: str
    quantity: int
    reason: str
    available: int
    order: str
    line: str
    source: str
    event_id: str
    recorded_at: datetime
    partition: int


class Reservation(BaseModel):
    """A reservation: its demand lines as they are, and the newest answers first."""

    reservation: str
    lines: list[DemandLine]
    history: list[Status]
    as_of: AsOf


class OrderLines(BaseModel):
    """The demand lines of an order."""

    order: str
    lines: list[DemandLine]
    as_of: AsOf


class ExceptionRow(BaseModel):
    """Something that needs a person."""

    id: str = Field(description="partition-offset in the exceptions topic.")
    exception: str
    kind: str
    folded: bool
    reason: str
    remedy: str
    sku: str
    source: str
    event_id: str
    event_type: str
    cause_topic: str
    cause_partition: int
    cause_offset: int
    value_bytes: int
    recorded_at: datetime
    correlation_id: str
    owner: str | None = Field(description="The role that looks after this kind; null: unknown.")
    runbook: str | None = Field(description="The page that tells how, in stockfold's repository.")
    repair: str | None = Field(description="The first thing to do about it.")


class ExceptionDetail(ExceptionRow):
    """The same with the original input."""

    key_base64: str | None
    value_base64: str | None
    headers: list[dict[str, Any]]


class ExceptionPage(BaseModel):
    """A page of exceptions, newest first."""

    exceptions: list[ExceptionRow]
    kinds: dict[str, int] = Field(description="How many there are of each kind, all in all.")
    next: str | None
    as_of: AsOf


class Runbook(BaseModel):
    """Who looks after a kind of what may need a person, and what to do first."""

    about: str = Field(description="exception, case, delivery, listing, channel, alert and so on.")
    kind: str
    title: str
    owner: str
    page: str = Field(description="Where the page lies in stockfold's repository.")
    repair: str


class RunbookList(BaseModel):
    """Every kind."""

    runbooks: list[Runbook]


class Delivery(BaseModel):
    """What a channel made of a published availability."""

    channel: str
    sku: str
    version: int
    quantity: int
    outcome: str
    attempts: int
    detail: str
    sent_at: datetime
    finished_at: datetime
    correlation_id: str
    took_us: int | None = Field(
        description="Microseconds from the stock event to finished_at; null unless applied."
    )
    partition: int


class DeliveryPage(BaseModel):
    """A page of deliveries: the latest of each listing, by channel and SKU."""

    deliveries: list[Delivery]
    next: str | None
    as_of: AsOf


class DeliveryHistory(BaseModel):
    """The newest deliveries of one listing."""

    deliveries: list[Delivery]
    as_of: AsOf


class OrderCase(BaseModel):
    """What a person must settle about an order."""

    case_id: str
    channel: str
    order_id: str
    line: str
    kind: str = Field(description="oversold: the channel sold what cannot be reserved.")
    state: str = Field(description="open or closed.")
    owner: str = Field(description="Who looks after it.")
    sku: str
    missing: int = Field(description="Units that were sold and are not there.")
    reason: str
    changed_by: str
    opened_at: datetime
    changed_at: datetime


class OrderCasePage(BaseModel):
    """A page of cases, the oldest first."""

    cases: list[OrderCase]
    next: str | None
    as_of: AsOf
