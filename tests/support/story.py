"""A small language for given, when and then: inputs with their dull fields filled in."""

from __future__ import annotations

from .bodies import DAY_US, MINUTE_US, START_US
from .subject import SKU, Subject

ZERO_ROW = dict.fromkeys(
    ("on_hand", "quality_hold", "damaged", "in_transit", "reserved", "allocated", "atp"), 0
)
ZERO_LINE = dict.fromkeys(
    (
        "ordered",
        "unordered",
        "reserved",
        "allocated",
        "backordered",
        "shipped",
        "cancelled",
        "expired",
        "rejected",
    ),
    0,
)


def minutes(count: float) -> int:
    """That many minutes after the story began, in UTC microseconds."""
    return START_US + int(count * MINUTE_US)


def days(count: float) -> int:
    """That many days after the story began, in UTC microseconds."""
    return START_US + int(count * DAY_US)


class Story:
    """Tells a subject what happened. The clock stands still unless ``at`` moves it."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.now_us = START_US
        self.told = 0

    def at(self, now_us: int) -> Story:
        """Move the clock; nothing else happens."""
        self.now_us = now_us
        return self

    def tick(self) -> Story:
        self.subject.tick(self.now_us)
        return self

    def tell(
        self,
        event_type: str,
        *,
        event_id: str | None = None,
        source: str = "wms",
        occurred: int | None = None,
        sequence: int | None = None,
        **body,
    ) -> Story:
        """One input; id new, occurred now unless told."""
        self.told += 1
        self.subject.feed(
            event_type,
            {"sku": SKU, **body},
            event_id=event_id or f"event-{self.told}",
            source=source,
            occurred_us=self.now_us if occurred is None else occurred,
            now_us=self.now_us,
            sequence=sequence,
        )
        return self

    # Inputs ------------------------------------------------------------------------------------

    def receive(self, location: str, quantity: int, condition: str = "on_hand", **more) -> Story:
        body = {"inbound": None, "line": None, "document": None, "document_line": None, **more}
        return self.tell(
            "GoodsReceived", location=location, quantity=quantity, condition=condition, **body
        )

    def expect(self, inbound: str, line: str, quantity: int, revision: int = 1, **more) -> Story:
        body = {"location": "A", "eta": None, "confidence": 100, **more}
        return self.tell(
            "InboundExpected",
            inbound=inbound,
            line=line,
            quantity=quantity,
            revision=revision,
            **body,
        )

    def close_inbound(
        self, inbound: str, line: str | None = None, revision: int | None = None
    ) -> Story:
        return self.tell("InboundClosed", inbound=inbound, line=line, revision=revision)

    def dispatch(self, transfer: str, source: str, to: str, quantity: int, **more) -> Story:
        body = {
            "from": source,
            "to": to,
            "eta": None,
            "bucket": "on_hand",
            "document": None,
            "document_line": None,
            **more,
        }
        return self.tell("TransferDispatched", transfer=transfer, quantity=quantity, **body)

    def arrive(
        self, transfer: str, location: str, quantity: int, condition: str = "on_hand", **more
    ) -> Story:
        body = {"document": None, "document_line": None, **more}
        return self.tell(
            "TransferReceived",
            transfer=transfer,
            location=location,
            quantity=quantity,
            condition=condition,
            **body,
        )

    def close_transfer(self, transfer: str, remainder: str = "lost") -> Story:
        return self.tell("TransferClosed", transfer=transfer, remainder=remainder)

    def come_back(
        self, location: str, quantity: int, condition: str | None = None, **more
    ) -> Story:
        body = {
            "return": "RMA-1",
            "order": None,
            "line": None,
            "document": None,
            "document_line": None,
            **more,
        }
        return self.tell(
            "ReturnReceived", location=location, quantity=quantity, condition=condition, **body
        )

    def disposition(self, location: str, quantity: int, to: str) -> Story:
        body = {"return": "RMA-1", "to": to}
        return self.tell("ReturnDispositioned", location=location, quantity=quantity, **body)

    def adjust(self, location: str, delta: int, bucket: str = "on_hand", **more) -> Story:
        body = {"reason": "cycle_counting", "document": None, "document_line": None, **more}
        return self.tell("StockAdjusted", location=location, bucket=bucket, delta=delta, **body)

    def change_status(self, location: str, quantity: int, source: str, to: str, **more) -> Story:
        body = {"from": source, "to": to, "reason": None, **more}
        return self.tell("StockStatusChanged", location=location, quantity=quantity, **body)

    def count(
        self, location: str, counted: int, as_of: int | None = None, bucket: str = "on_hand"
    ) -> Story:
        return self.tell(
            "StockCounted",
            location=location,
            bucket=bucket,
            counted=counted,
            as_of=self.now_us if as_of is None else as_of,
        )

    def snapshot(self, location: str, quantity: int, as_of: int | None = None) -> Story:
        return self.tell(
            "StockSnapshotReported",
            location=location,
            bucket="on_hand",
            quantity=quantity,
            as_of=self.now_us if as_of is None else as_of,
            snapshot=None,
            complete=False,
        )

    def reserve(
        self, reservation: str, quantity: int, locations: str = "A", order: str = "", **more
    ) -> Story:
        """``locations`` is one letter per location; the order is named like the reservation."""
        body = {
            "order": order or f"order of {reservation}",
            "line": "1",
            "channel": "web",
            "allow_split": False,
            "allow_partial": False,
            "allow_backorder": False,
            "needed_on": None,
            "supply_line": None,
            "expires_at": None,
            "priority": 0,
            **more,
        }
        return self.tell(
            "ReserveStock",
            reservation=reservation,
            quantity=quantity,
            locations=list(locations),
            **body,
        )

    def extend(self, reservation: str, expires_at: int | None) -> Story:
        return self.tell("ExtendReservation", reservation=reservation, expires_at=expires_at)

    def move(self, reservation: str, location: str) -> Story:
        return self.tell("MoveReservation", reservation=reservation, location=location)

    def release(self, reservation: str, quantity: int | None = None) -> Story:
        return self.tell("ReleaseReservation", reservation=reservation, quantity=quantity)

    def allocate(
        self, allocation: str, order: str, quantity: int, location: str = "A", **more
    ) -> Story:
        body = {"reservation": None, "line": "1", "channel": None, **more}
        return self.tell(
            "StockAllocated",
            allocation=allocation,
            order=order,
            quantity=quantity,
            location=location,
            **body,
        )

    def deallocate(
        self, allocation: str, quantity: int | None = None, to: str = "reserved"
    ) -> Story:
        return self.tell("StockDeallocated", allocation=allocation, quantity=quantity, to=to)

    def ship(
        self, quantity: int, location: str = "A", *, order: str | None = None, **more
    ) -> Story:
        body = {
            "shipment": "S-1",
            "allocation": None,
            "reservation": None,
            "line": None if order is None else "1",
            "document": None,
            "document_line": None,
            **more,
        }
        return self.tell("StockShipped", quantity=quantity, location=location, order=order, **body)

    def cancel(self, order: str, line: str = "1") -> Story:
        return self.tell("OrderLineCancelled", order=order, line=line, reason=None)

    def fence(self, channel: str, quantity: int, priority: int = 0, revision: int = 1) -> Story:
        return self.tell(
            "RingFenceSet",
            channel=channel,
            quantity=quantity,
            priority=priority,
            revision=revision,
        )

    def limit(self, channel: str, quantity: int | None, revision: int = 1) -> Story:
        return self.tell("BackorderLimitSet", channel=channel, quantity=quantity, revision=revision)

    # Numbers -----------------------------------------------------------------------------------

    def position(self, location: str = "A") -> dict[str, int]:
        """Every number of one location, zeros included."""
        return {**ZERO_ROW, **self.subject.positions().get(location, {})}

    def has(self, location: str = "A", **numbers: int) -> bool:
        """Whether the location has exactly these numbers; true or AssertionError that shows."""
        row = self.position(location)
        assert {name: row[name] for name in numbers} == numbers, row
        return True

    def line(self, order: str, line: str = "1") -> dict[str, int]:
        """The terms of a line that are not zero."""
        row = {**ZERO_LINE, **self.subject.lines().get((order, line), {})}
        assert row["ordered"] + row["unordered"] == sum(list(row.values())[2:])
        return {name: n for name, n in row.items() if n}

    def answer(self, reservation: str | None = None) -> tuple[str, int]:
        """(status, quantity) of the last answer, of one reservation if named."""
        answers = [a for a in self.subject.answers() if reservation in {None, a.reservation}]
        return answers[-1].status, answers[-1].quantity

    def reason(self) -> str:
        return self.subject.answers()[-1].reason

    def numbers(self) -> tuple:
        """Everything that a repeat may not change."""
        s = self.subject
        queries = (s.positions, s.outside, s.claims, s.backordered, s.lines, s.expected, s.parked)
        return tuple(query() for query in queries)
