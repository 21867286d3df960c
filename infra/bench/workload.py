"""The benchmark's events: a skewed mixture of the vocabulary, from a seed, as Kafka messages."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from stockfold.contracts import envelope
from stockfold.contracts.codec import encoder
from stockfold.contracts.topics import INPUT_OF, Topic

SOURCE = "/bench/erp"
LOCATIONS = [f"L{i}" for i in range(8)]
CHANNELS = ["web", "market", "store"]


class Event(NamedTuple):
    """One message to produce."""

    topic: Topic
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


def events(
    count: int, skus: int, seed: int, now_us: int, first: int = 0, *, evenly: bool = False
) -> Iterator[Event]:
    """``count`` events over ``skus`` SKUs; a few SKUs take much of the traffic (Pareto 1.1).

    Every type of the vocabulary occurs. About seven in ten serve demand lines (reserve, allocate,
    ship). Occurrence times rise up to ``now_us``. Events are numbered behind ``first``, so that
    others may come before. ``evenly``: every SKU is as likely as any other.
    """
    make = _Maker(random.Random(seed), now_us, count, first)
    made = 0
    for sku in range(min(skus, count // 10)):
        yield make.receipt(f"SKU-{sku:07d}", sku % len(LOCATIONS), 1_000)
        made += 1
    while made < count:
        number = make.random.randrange(skus) if evenly else _skewed(make.random, skus)
        for event in make.episode(f"SKU-{number:07d}"):
            if made == count:
                return
            yield event
            made += 1


def _skewed(dice: random.Random, skus: int) -> int:
    return int(dice.paretovariate(1.1)) % skus


class _Maker:
    def __init__(self, dice: random.Random, now_us: int, count: int, first: int) -> None:
        self.random = dice
        self._now_us = now_us
        self._start_us = now_us - (count + first) * 100
        self._number = first
        self._encoders = {name: encoder(name) for name in INPUT_OF}

    def _event(self, kind: str, body: dict[str, object]) -> Event:
        name = f"stockfold.{kind}"
        self._number += 1
        sku = str(body["sku"])
        attributes = envelope.Envelope(
            f"e-{self._number}",
            SOURCE,
            name,
            self._start_us + self._number * 100,
            f"c-{self._number}",
        )
        headers = envelope.build(attributes)
        return Event(INPUT_OF[name], sku.encode(), self._encoders[name](body), headers)

    def receipt(self, sku: str, place: int, units: int) -> Event:
        """Goods received."""
        return self._event(
            "GoodsReceived",
            {"sku": sku, "location": LOCATIONS[place], "quantity": units, "condition": "on_hand"},
        )

    def episode(self, sku: str) -> Iterator[Event]:
        """A few events that belong together."""
        dice = self.random.random()
        place = self.random.randrange(len(LOCATIONS))
        if dice < 0.60:
            yield from self._demand(sku, place)
        elif dice < 0.76:
            yield self.receipt(sku, place, self.random.randint(20, 40))
        elif dice < 0.82:
            yield from self._transfer(sku, place)
        elif dice < 0.88:
            yield from self._inbound(sku, place)
        elif dice < 0.92:
            yield from self._return(sku, place)
        else:
            yield from self._correction(sku, place)

    def _inbound(self, sku: str, place: int) -> Iterator[Event]:
        name: dict[str, object] = {"sku": sku, "inbound": f"PO-{self._number}", "line": "1"}
        here = {**name, "location": LOCATIONS[place], "quantity": 12}
        yield self._event(
            "InboundExpected", {**here, "eta": self._now_us + 86_400_000_000, "revision": 1}
        )
        yield self._event("GoodsReceived", {**here, "quantity": 10})
        yield self._event("InboundClosed", name)

    def _return(self, sku: str, place: int) -> Iterator[Event]:
        name = {"sku": sku, "return": f"RMA-{self._number}", "quantity": 1}
        here = {**name, "location": LOCATIONS[place]}
        yield self._event("ReturnAuthorized", name)
        yield self._event("ReturnReceived", here)
        yield self._event("ReturnDispositioned", {**here, "to": "on_hand"})

    def _correction(self, sku: str, place: int) -> Iterator[Event]:
        here = {"sku": sku, "location": LOCATIONS[place]}
        dice = self.random.random()
        if dice < 0.5:
            yield self._event("StockAdjusted", {**here, "delta": -1, "reason": "bench"})
        elif dice < 0.75:
            yield self._event(
                "StockStatusChanged", {**here, "from": "on_hand", "to": "damaged", "quantity": 1}
            )
        elif dice < 0.85:
            at_us = self._start_us + self._number * 100
            yield self._event("StockCounted", {**here, "counted": 900, "as_of": at_us})
        elif dice < 0.95:
            at_us = self._start_us + self._number * 100
            yield self._event("StockSnapshotReported", {**here, "quantity": 900, "as_of": at_us})
        else:
            fence = {"sku": sku, "channel": "web", "quantity": 2, "revision": self._number}
            yield self._event("RingFenceSet", fence)
            yield self._event("BackorderLimitSet", {**fence, "quantity": 50})

    def _demand(self, sku: str, place: int) -> Iterator[Event]:
        order, units = f"O-{self._number}", self.random.randint(1, 3)
        other = LOCATIONS[(place + 1) % len(LOCATIONS)]
        line = {"sku": sku, "order": order, "line": "1", "quantity": units}
        yield self._event(
            "ReserveStock",
            {
                **line,
                "reservation": f"R-{order}",
                "channel": self.random.choice(CHANNELS),
                "locations": [LOCATIONS[place], other],
                "allow_split": True,
            },
        )
        at = {**line, "location": LOCATIONS[place]}
        name: dict[str, object] = {"sku": sku, "reservation": f"R-{order}"}
        dice = self.random.random()
        if dice < 0.03:
            yield self._event("ReleaseReservation", name)
            return
        if dice < 0.06:
            yield self._event("OrderLineCancelled", {"sku": sku, "order": order, "line": "1"})
            return
        if dice < 0.09:
            later_us = self._now_us + 3_600_000_000
            yield self._event("ExtendReservation", {**name, "expires_at": later_us})
        elif dice < 0.12:
            yield self._event("MoveReservation", {**name, "location": LOCATIONS[place]})
        yield self._event("StockAllocated", {**at, "allocation": f"A-{order}"})
        if dice > 0.97:
            yield self._event("StockDeallocated", {"sku": sku, "allocation": f"A-{order}"})
        yield self._event(
            "StockShipped", {**at, "shipment": f"S-{order}", "allocation": f"A-{order}"}
        )

    def _transfer(self, sku: str, place: int) -> Iterator[Event]:
        name, to = f"T-{self._number}", LOCATIONS[(place + 3) % len(LOCATIONS)]
        yield self._event(
            "TransferDispatched",
            {"sku": sku, "transfer": name, "from": LOCATIONS[place], "to": to, "quantity": 2},
        )
        received = 2 if self.random.random() < 0.9 else 1
        yield self._event(
            "TransferReceived", {"sku": sku, "transfer": name, "location": to, "quantity": received}
        )
        if received < 2:
            yield self._event("TransferClosed", {"sku": sku, "transfer": name, "remainder": "lost"})
