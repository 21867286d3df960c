"""A seeded mixed workload, and what must come of it: sums, whatever the order of arrival.

Nothing here knows the ledger. Every event commutes with every other one that is sent in the same
wave, so the expected numbers are additions made the moment an event is drawn. Reservations ask for
less than the first wave brought, except those of the scarce SKUs: there the first so many buyers of
one unit each are confirmed and all others refused, whoever they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from stockfold.contracts import codec, envelope
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import INPUT_OF, RECEIPTS, Topic

CHANNEL = "shop"
SAFETY_STOCK = 2
LOCATIONS = ("DC", "WEST")
BASE_UNITS = 100_000
PARTITIONS = 4
FOREIGN_ID = 7_001
"""The id that a producer's own registry gives to GoodsReceived."""
SOURCE = "/faults/wms"

Headers = list[tuple[str, bytes]]


@dataclass(frozen=True)
class Event:
    """One message as it is sent; ``poison`` is the kind of exception it must become, or empty."""

    topic: Topic
    key: bytes
    value: bytes
    headers: Headers
    event_id: str
    partition: int
    poison: str = ""


@dataclass
class Expected:
    """What must be true once everything sent was folded once."""

    numbers: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(SKU, location, bucket or claim) → units; outside accounts have no location."""
    told: set[str] = field(default_factory=set)
    """Ids of events that must have been folded."""
    poison: Counter[str] = field(default_factory=Counter)
    """Kind of exception → how many."""
    answers: dict[str, str] = field(default_factory=dict)
    """Reservation → its first answer, where that does not depend on the order of arrival."""
    confirmed: dict[str, int] = field(default_factory=dict)
    """Scarce SKU → buyers that are confirmed."""

    def atp(self, sku: str, location: str) -> int:
        """ATP now, signed."""
        n = self.numbers
        return (
            n[sku, location, "on_hand"]
            - n[sku, location, "reserved"]
            - n[sku, location, "allocated"]
        )

    def availability(self, sku: str) -> int:
        """What the channel may show: Σ max(ATP, 0) less safety stock, at least nothing."""
        pool = sum(max(self.atp(sku, location), 0) for location in LOCATIONS)
        return max(pool - SAFETY_STOCK, 0)


class Workload:
    """Draws events from a seed and adds up what they must come to."""

    def __init__(self, seed: int, skus: int = 24) -> None:
        self.random = Random(seed)
        self.expected = Expected()
        self.skus = [f"SKU-{seed % 10_000}-{i:02d}" for i in range(skus)]
        self._plenty = self.skus[: skus * 5 // 6]
        self._scarce = self.skus[skus * 5 // 6 :]
        self._buyers: Counter[str] = Counter()
        self._stock_of_scarce = {sku: self.random.randint(1, 6) for sku in self._scarce}
        self._count = 0
        self._sent: list[Event] = []
        self._now_us = 0
        self.foreign = 0.0
        """How many receipts carry the schema id of the producer's own registry."""
        self._makers: list[tuple[Callable[[str], list[Event]], int]] = [
            (self._receive, 6),
            (self._adjust, 4),
            (self._change_status, 2),
            (self._transfer, 4),
            (self._come_back, 2),
            (self._order, 12),
        ]

    def first_wave(self, now_us: int) -> list[Event]:
        """What is on the shelves before anything is sold."""
        self._now_us = now_us
        events = [
            self._received(sku, location, BASE_UNITS, "on_hand")
            for sku in self._plenty
            for location in LOCATIONS
        ]
        events += [
            self._received(sku, "DC", units, "on_hand")
            for sku, units in self._stock_of_scarce.items()
        ]
        return events

    def wave(self, size: int, now_us: int, *, poison: float = 0.03) -> list[Event]:
        """About ``size`` events: life, contention, repeats, and some that make no sense."""
        self._now_us = now_us
        makers, weights = zip(*self._makers, strict=True)
        events: list[Event] = []
        while len(events) < size:
            dice = self.random.random()
            if dice < poison:
                events.append(self._poison())
            elif dice < poison + 0.08 and self._sent:
                events.append(self.random.choice(self._sent[-200:]))
            elif dice < poison + 0.14:
                events.append(self._contend())
            else:
                make = self.random.choices(makers, weights)[0]
                events += make(self.random.choice(self._plenty))
        return events

    # Life on the floor.

    def _receive(self, sku: str) -> list[Event]:
        bucket = self.random.choice(("on_hand", "on_hand", "quality_hold", "damaged"))
        location = self.random.choice(LOCATIONS)
        return [self._received(sku, location, self.random.randint(1, 9), bucket)]

    def _received(self, sku: str, location: str, units: int, bucket: str) -> Event:
        self._move(sku, units, ("", "supplier"), (location, bucket))
        event = self._event(
            "GoodsReceived", sku=sku, location=location, quantity=units, condition=bucket
        )
        if self.foreign and self.random.random() < self.foreign:
            event = replace(event, value=b"\0" + FOREIGN_ID.to_bytes(4, "big") + event.value[5:])
            self._sent[-1] = event
        return event

    def _adjust(self, sku: str) -> list[Event]:
        location, bucket = self.random.choice(LOCATIONS), self.random.choice(("on_hand", "damaged"))
        delta = self.random.choice((-2, -1, 1, 2, 3))
        if bucket == "damaged":
            delta = abs(delta)
        self._move(sku, delta, ("", "adjustment"), (location, bucket))
        body = {"location": location, "bucket": bucket, "delta": delta, "reason": "counted"}
        return [self._event("StockAdjusted", sku=sku, **body)]

    def _change_status(self, sku: str) -> list[Event]:
        location, units = self.random.choice(LOCATIONS), self.random.randint(1, 3)
        to = self.random.choice(("damaged", "quality_hold"))
        self._move(sku, units, (location, "on_hand"), (location, to))
        body = {"location": location, "from": "on_hand", "to": to, "quantity": units}
        return [self._event("StockStatusChanged", sku=sku, **body)]

    def _transfer(self, sku: str) -> list[Event]:
        source, target = self.random.sample(LOCATIONS, 2)
        units = self.random.randint(2, 9)
        arrived = self.random.choice((0, units - 1, units))
        name = self._name("T")
        self._move(sku, units, (source, "on_hand"), (target, "in_transit"))
        body = {"transfer": name, "from": source, "to": target, "quantity": units}
        events = [self._event("TransferDispatched", sku=sku, **body)]
        if arrived:
            self._move(sku, arrived, (target, "in_transit"), (target, "on_hand"))
            body = {"transfer": name, "location": target, "quantity": arrived}
            events.append(self._event("TransferReceived", sku=sku, **body))
        return events

    def _come_back(self, sku: str) -> list[Event]:
        location, units = self.random.choice(LOCATIONS), self.random.randint(1, 3)
        self._move(sku, units, ("", "customer"), (location, "quality_hold"))
        body = {"return": self._name("RMA"), "location": location, "quantity": units}
        return [self._event("ReturnReceived", sku=sku, **body)]

    def _order(self, sku: str) -> list[Event]:
        """One order line, with one of five fates."""
        units = self.random.randint(1, 3)
        order = {"order": self._name("O"), "line": "1"}
        name = f"R-{order['order']}"
        fate = self.random.choice(("reserved", "allocated", "shipped", "released", "cancelled"))
        events = [self._reserve(sku, name, order, units, LOCATIONS)]
        if fate != "cancelled":  # A cancellation may overtake its order, and then refuses it.
            self.expected.answers[name] = "confirmed"
        if fate == "reserved":
            self.expected.numbers[sku, "DC", "reserved"] += units
        elif fate == "released":
            events.append(self._event("ReleaseReservation", sku=sku, reservation=name))
        elif fate == "cancelled":
            events.append(self._event("OrderLineCancelled", sku=sku, **order))
        else:
            body = {"allocation": f"A-{order['order']}", "location": "DC", "quantity": units}
            events.append(self._event("StockAllocated", sku=sku, channel=CHANNEL, **order, **body))
            if fate == "allocated":
                self.expected.numbers[sku, "DC", "allocated"] += units
            else:
                self._move(sku, units, ("DC", "on_hand"), ("", "customer"))
                body["shipment"] = f"S-{order['order']}"
                events.append(self._event("StockShipped", sku=sku, **order, **body))
        return events

    def _reserve(
        self, sku: str, name: str, order: dict[str, str], units: int, places: tuple[str, ...]
    ) -> Event:
        body = {"reservation": name, "channel": CHANNEL, "quantity": units}
        return self._event("ReserveStock", sku=sku, **order, **body, locations=list(places))

    def _contend(self) -> Event:
        """One more buyer of the last units."""
        sku = self.random.choice(self._scarce)
        order = {"order": self._name("O"), "line": "1"}
        self._buyers[sku] += 1
        confirmed = min(self._buyers[sku], self._stock_of_scarce[sku])
        self.expected.numbers[sku, "DC", "reserved"] = confirmed
        self.expected.confirmed[sku] = confirmed
        return self._reserve(sku, f"R-{order['order']}", order, 1, ("DC",))

    # What makes no sense.

    def _poison(self) -> Event:
        kind = self.random.choice(
            (
                "undecodable",
                "unknown_schema",
                "quantity_out_of_range",
                "payload_conflict",
                "misrouted_key",
            )
        )
        sku = self.random.choice(self._plenty)
        event = self._event("GoodsReceived", told=False, sku=sku, location="DC", quantity=77)
        value, event_id, headers = event.value, event.event_id, event.headers
        partition = event.partition
        if kind == "undecodable":
            value = value[:5] + self.random.randbytes(3)
        elif kind == "unknown_schema":
            value = b"\x00\x00\x0f\x00\x00" + value[5:]
        elif kind == "quantity_out_of_range":
            body = {"sku": sku, "location": "DC", "quantity": 0}
            value = codec.encode("stockfold.GoodsReceived", body)
        elif kind == "misrouted_key":
            partition = (partition + 1) % PARTITIONS
        else:
            known = [e for e in self._sent[-100:] if e.topic is RECEIPTS and e.key == event.key]
            if not known:
                return self._poison()
            event_id, headers = known[-1].event_id, known[-1].headers
        self.expected.poison[kind] += 1
        return Event(RECEIPTS, event.key, value, headers, event_id, partition, kind)

    # Making events.

    def _move(self, sku: str, units: int, source: tuple[str, str], to: tuple[str, str]) -> None:
        self.expected.numbers[sku, *source] -= units
        self.expected.numbers[sku, *to] += units

    def _name(self, head: str) -> str:
        self._count += 1
        return f"{head}{self._count}"

    def _event(self, kind: str, *, told: bool = True, **body: Any) -> Event:
        name = f"stockfold.{kind}"
        event_id = self._name("e-")
        described = envelope.Envelope(event_id, SOURCE, name, self._now_us)
        event = Event(
            INPUT_OF[name],
            body["sku"].encode(),
            codec.encode(name, body),
            list(envelope.build(described)),
            event_id,
            partition_of(body["sku"].encode(), PARTITIONS),
        )
        if told:
            self.expected.told.add(event_id)
            self._sent.append(event)
        return event
