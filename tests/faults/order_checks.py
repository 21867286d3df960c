"""What must be true of a stream of orders at its end. Each check returns differences.

Expected is what the stream worked out; found is what the ledger's journal and answers say, never
what the orders service says of itself, but for where each order stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from stockfold.contracts.codec import decode
from stockfold.contracts.topics import (
    ALLOCATIONS,
    EXCEPTIONS,
    JOURNAL,
    ORDER_JOURNAL,
    ORDER_STATUS,
    RESERVATION_STATUS,
    RESERVATIONS,
    Topic,
)
from stockfold.runtime.kafka import partitions_of
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from tests.faults.order_stream import (
    CHANNEL,
    PLENTY,
    PLENTY_UNITS,
    SCARCE,
    SCARCE_UNITS,
    OrderStream,
)

SHOWN_MAX = 5
TOPICS = (
    ALLOCATIONS,
    EXCEPTIONS,
    JOURNAL,
    ORDER_JOURNAL,
    ORDER_STATUS,
    RESERVATION_STATUS,
    RESERVATIONS,
)
Bodies = list[tuple[str, dict[str, Any]]]
"""(schema, record), by partition and offset."""


class OrderEvidence(NamedTuple):
    """What a stream was told to expect, and the final log."""

    stream: OrderStream
    log: dict[str, Bodies]

    @property
    def statuses(self) -> dict[str, str]:
        """Order → where it stands."""
        return {body["order"]: body["status"] for _, body in self.log[ORDER_STATUS.name]}


def statuses(settings: Settings) -> dict[str, str]:
    """Order → where it stands now."""
    return {body["order"]: body["status"] for _, body in _read(settings, ORDER_STATUS)}


def gather_orders(settings: Settings, stream: OrderStream) -> OrderEvidence:
    """The final log."""
    return OrderEvidence(stream, {topic.name: _read(settings, topic) for topic in TOPICS})


def _read(settings: Settings, topic: Topic) -> Bodies:
    reader = PartitionReader(settings)
    found: Bodies = []
    for partition in range(partitions_of(settings, topic)):
        end = reader.settled_end(topic, partition)
        for batch in reader.read(topic, partition, None, end):
            for record in batch:
                schema, body = decode(record.value())
                found.append((schema.name.removeprefix("stockfold."), body))
    return found


def every_order_ends_as_it_was_told(evidence: OrderEvidence) -> list[str]:
    """None is lost, and of the last units exactly as many are sold as there are."""
    found = evidence.statuses
    wrong = [
        f"order {order} must be {' or '.join(sorted(wanted.statuses))}, is {found.get(order)}"
        for order, wanted in evidence.stream.wanted.items()
        if found.get(order) not in wanted.statuses
    ]
    buyers = [order for order, wanted in evidence.stream.wanted.items() if wanted.is_scarce]
    served = sum(found.get(order) == "confirmed" for order in buyers)
    if served != min(SCARCE_UNITS, len(buyers)):
        wrong.append(f"{served} of {len(buyers)} buyers have one of {SCARCE_UNITS} units")
    return wrong


def the_ledger_holds_what_is_wanted_and_nothing_else(evidence: OrderEvidence) -> list[str]:
    """Per order and SKU, added up over the ledger's newest answer about each line."""
    newest = {
        (body["sku"], body["order"], body["line"]): body
        for _, body in evidence.log[RESERVATION_STATUS.name]
        if body["channel"] == CHANNEL
    }
    held: Counter[tuple[str, str]] = Counter()
    shipped: Counter[tuple[str, str]] = Counter()
    for (sku, order, _), body in newest.items():
        held[order, sku] += body["reserved"] + body["allocated"] + body["backordered"]
        shipped[order, sku] += body["shipped"]
    known = evidence.statuses
    return [
        *_differ("held of", evidence.stream.units(known, "confirmed"), +held),
        *_differ("shipped of", evidence.stream.units(known, "fulfilled"), +shipped),
    ]


def the_shelf_lacks_what_was_shipped(evidence: OrderEvidence) -> list[str]:
    """On hand and reserved by the journal's own deltas, against the orders' units."""
    sums: Counter[tuple[str, str]] = Counter()
    for name, body in evidence.log[JOURNAL.name]:
        if name == "JournalFact" and body["sku"] in (*PLENTY, SCARCE):
            for delta in body["deltas"]:
                if delta["account"] in ("on_hand", "reserved", "allocated"):
                    sums[body["sku"], delta["account"]] += delta["quantity"]
    known = evidence.statuses
    wanted: Counter[tuple[str, str]] = Counter({(sku, "on_hand"): PLENTY_UNITS for sku in PLENTY})
    wanted[SCARCE, "on_hand"] = SCARCE_UNITS
    for (_, sku), units in evidence.stream.units(known, "fulfilled").items():
        wanted[sku, "on_hand"] -= units
    for (_, sku), units in evidence.stream.units(known, "confirmed").items():
        wanted[sku, "reserved"] += units
    return _differ("units", +wanted, +sums)


def nothing_is_asked_twice(evidence: OrderEvidence) -> list[str]:
    """A reservation is asked once; facts of an order count up without a gap; none is refused."""
    asked = Counter(
        body["reservation"]
        for name, body in evidence.log[RESERVATIONS.name]
        if name == "ReserveStock" and body["channel"] == CHANNEL
    )
    found = [f"{name} was asked {times} times" for name, times in asked.items() if times > 1]
    counts: Counter[str] = Counter()
    for name, body in evidence.log[ORDER_JOURNAL.name]:
        if name == "OrderFact":
            counts[body["order"]] += 1
            if body["seq"] != counts[body["order"]]:
                found.append(f"order {body['order']}: fact {body['seq']} is the {counts}")
    return found + [
        f"exception {body['kind']}: {body['reason']}"
        for _, body in evidence.log[EXCEPTIONS.name]
        if not body["folded"]
    ]


CHECKS: tuple[Callable[[OrderEvidence], list[str]], ...] = (
    every_order_ends_as_it_was_told,
    the_ledger_holds_what_is_wanted_and_nothing_else,
    the_shelf_lacks_what_was_shipped,
    nothing_is_asked_twice,
)


def judge_orders(evidence: OrderEvidence) -> dict[str, list[str]]:
    """Check → what differs, a few of each."""
    verdict = {}
    for check in CHECKS:
        found = check(evidence)
        rest = [f"and {len(found) - SHOWN_MAX} more"] if len(found) > SHOWN_MAX else []
        verdict[check.__name__] = found[:SHOWN_MAX] + rest
    return verdict


def _differ(what: str, wanted: Counter[Any], found: Counter[Any]) -> list[str]:
    return [
        f"{what} {key} must be {wanted[key]}, is {found[key]}"
        for key in sorted(wanted.keys() | found.keys())
        if wanted[key] != found[key]
    ]
