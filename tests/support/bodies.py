"""The body of one random input of every type, with few ids so that entities collide."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
START_US = 1_793_534_400_000_000  # 2026-11-01T12:00:00Z
QUANTITY_MAX = 10**12

LOCATIONS = ("A", "B", "C")
CHANNELS = ("amazon", "shop", "web")
BUCKETS = ("on_hand", "on_hand", "on_hand", "quality_hold", "damaged")
CONDITIONS = ("on_hand", "on_hand", "on_hand", "on_hand", "quality_hold", "damaged")


def _of(name: str) -> Random:
    """What an entity is like is decided by its name, so that repeating it repeats it."""
    return Random(f"histories/{name}")


def _quantity(random: Random) -> int:
    return random.choice((1, 1, 2, 2, 3, 4, 5, 6))


def _order_line(random: Random) -> dict:
    return {"order": random.choice(("O1", "O2", "O3", "O4")), "line": random.choice(("1", "2"))}


def _channel_of(order: str) -> str:
    return _of(order).choice(CHANNELS)


def _reservation(random: Random) -> tuple[str, dict]:
    line = _order_line(random)
    return f"R-{line['order']}-{line['line']}-{random.choice((1, 1, 1, 2))}", line


def _allocation(random: Random) -> tuple[str, dict]:
    line = _order_line(random)
    return f"A-{line['order']}-{line['line']}-{random.choice((1, 1, 2, 3))}", line


def _expiry(random: Random, now_us: int) -> int | None:
    wait = random.choice((None, None, None, -SECOND_US, 0, SECOND_US, MINUTE_US, 30 * MINUTE_US))
    return None if wait is None else now_us + wait


def _document(random: Random) -> dict:
    if random.random() < 0.9:
        return {"document": None, "document_line": None}
    return {
        "document": random.choice(("GRN-1", "GRN-2")),
        "document_line": random.choice(("1", "2", None)),
    }


def _reserve(random: Random, now_us: int) -> dict:
    name, line = _reservation(random)
    own = _of(name)
    quantity = _quantity(own) if random.random() < 0.93 else _quantity(random)
    return {
        "reservation": name,
        **line,
        "channel": _channel_of(line["order"]),
        "quantity": quantity,
        "locations": random.sample(LOCATIONS, random.choice((1, 2, 2, 3))),
        "allow_split": own.random() < 0.5,
        "allow_partial": own.random() < 0.5,
        "allow_backorder": own.random() < 0.6,
        "needed_on": None,
        "supply_line": None,
        "expires_at": _expiry(random, now_us),
        "priority": own.choice((0, 0, 0, 1, 5)),
    }


def _extend(random: Random, now_us: int) -> dict:
    return {"reservation": _reservation(random)[0], "expires_at": _expiry(random, now_us)}


def _move(random: Random, now_us: int) -> dict:
    return {"reservation": _reservation(random)[0], "location": random.choice(LOCATIONS)}


def _release(random: Random, now_us: int) -> dict:
    quantity = random.choice((None, None, 1, 2, 3))
    return {"reservation": _reservation(random)[0], "quantity": quantity}


def _allocate(random: Random, now_us: int) -> dict:
    name, line = _allocation(random)
    own = _of(name) if random.random() < 0.9 else random
    named = f"R-{line['order']}-{line['line']}-1"
    return {
        "allocation": name,
        "reservation": named if own.random() < 0.4 else None,
        **line,
        "channel": _channel_of(line["order"]) if own.random() < 0.5 else None,
        "location": own.choice(LOCATIONS),
        "quantity": _quantity(own),
    }


def _deallocate(random: Random, now_us: int) -> dict:
    return {
        "allocation": _allocation(random)[0],
        "quantity": random.choice((None, 1, 2)),
        "to": random.choice(("reserved", "reserved", "free")),
    }


def _ship(random: Random, now_us: int) -> dict:
    allocation, line = _allocation(random)
    reservation = f"R-{line['order']}-{line['line']}-1"
    names = random.choice((("a",), ("r",), ("l",), ("l",), ("a", "l"), ("r", "l"), ("a", "r")))
    return {
        "shipment": random.choice(("S1", "S2", "S3")),
        "allocation": allocation if "a" in names else None,
        "reservation": reservation if "r" in names else None,
        "order": line["order"] if "l" in names else None,
        "line": line["line"] if "l" in names else None,
        "location": random.choice(LOCATIONS),
        "quantity": _quantity(random),
        **_document(random),
    }


def _cancel(random: Random, now_us: int) -> dict:
    return {**_order_line(random), "reason": None}


def _receive(random: Random, now_us: int) -> dict:
    inbound = random.choice((None, None, "P1", "P2"))
    return {
        "inbound": inbound,
        "line": random.choice(("1", "2", None)) if inbound else None,
        "location": random.choice(LOCATIONS),
        "quantity": random.choice((1, 2, 5, 10)),
        "condition": random.choice(CONDITIONS),
        **_document(random),
    }


def _expect(random: Random, now_us: int) -> dict:
    inbound, line = random.choice(("P1", "P2")), random.choice(("1", "2"))
    return {
        "inbound": inbound,
        "line": line,
        "location": _of(inbound).choice(LOCATIONS),
        "quantity": random.choice((0, 3, 10, 20)),
        "eta": random.choice((None, START_US + DAY_US, START_US + 2 * DAY_US)),
        "confidence": random.choice((50, 100)),
        "revision": random.randint(1, 6),
    }


def _close_inbound(random: Random, now_us: int) -> dict:
    return {
        "inbound": random.choice(("P1", "P2")),
        "line": random.choice(("1", "2", None)),
        "revision": random.choice((None, 1, 2, 4)),
    }


def _transfer(random: Random) -> tuple[str, str, str]:
    name = random.choice(("T1", "T2", "T3", "T4"))
    source, target = _of(name).sample(LOCATIONS, 2)
    return name, source, target


def _dispatch(random: Random, now_us: int) -> dict:
    name, source, target = _transfer(random)
    return {
        "transfer": name,
        "from": source,
        "to": target,
        "quantity": _quantity(random),
        "eta": None,
        "bucket": _of(name).choice(BUCKETS),
        **_document(random),
    }


def _arrive(random: Random, now_us: int) -> dict:
    name, _, target = _transfer(random)
    return {
        "transfer": name,
        "location": target if random.random() < 0.8 else random.choice(LOCATIONS),
        "quantity": _quantity(random),
        "condition": random.choice(CONDITIONS),
        **_document(random),
    }


def _close_transfer(random: Random, now_us: int) -> dict:
    name = _transfer(random)[0]
    own = _of(f"close {name}")
    return {"transfer": name, "remainder": own.choice(("lost", "returned_to_source"))}


def _authorize(random: Random, now_us: int) -> dict:
    return {"return": "RMA-1", **_order_line(random), "quantity": _quantity(random)}


def _come_back(random: Random, now_us: int) -> dict:
    line = _order_line(random) if random.random() < 0.5 else {"order": None, "line": None}
    return {
        "return": random.choice(("RMA-1", "RMA-2")),
        "location": random.choice(LOCATIONS),
        "quantity": _quantity(random),
        "condition": random.choice((None, None, "on_hand", "damaged")),
        **line,
        **_document(random),
    }


def _disposition(random: Random, now_us: int) -> dict:
    return {
        "return": random.choice(("RMA-1", "RMA-2")),
        "location": random.choice(LOCATIONS),
        "quantity": _quantity(random),
        "to": random.choice(("on_hand", "on_hand", "damaged", "scrapped")),
    }


def _adjust(random: Random, now_us: int) -> dict:
    return {
        "location": random.choice(LOCATIONS),
        "bucket": random.choice(BUCKETS),
        "delta": random.choice((-3, -2, -1, 1, 2, 5)),
        "reason": "cycle_counting",
        **_document(random),
    }


def _status(random: Random, now_us: int) -> dict:
    source, target = random.sample(("on_hand", "quality_hold", "damaged"), 2)
    return {
        "location": random.choice(LOCATIONS),
        "from": source,
        "to": random.choice((target, target, "scrapped", "lost")),
        "quantity": _quantity(random),
        "reason": None,
    }


def _count(random: Random, now_us: int) -> dict:
    ago = random.choice((0, 0, SECOND_US, MINUTE_US, HOUR_US, 3 * HOUR_US, -HOUR_US))
    return {
        "location": random.choice(LOCATIONS),
        "bucket": random.choice((*BUCKETS, *BUCKETS, "in_transit")),
        "counted": random.choice((0, 1, 3, 8)),
        "as_of": now_us - ago if random.random() < 0.98 else now_us - 8 * DAY_US,
    }


def _snapshot(random: Random, now_us: int) -> dict:
    return {
        "location": random.choice(LOCATIONS),
        "bucket": random.choice(BUCKETS),
        "quantity": random.choice((0, 2, 5)),
        "as_of": now_us - random.choice((0, MINUTE_US, HOUR_US)),
        "snapshot": None,
        "complete": False,
    }


def _fence(random: Random, now_us: int) -> dict:
    return {
        "channel": random.choice(CHANNELS),
        "quantity": random.choice((0, 0, 1, 3, 6)),
        "priority": random.choice((0, 1, 2)),
        "revision": random.randint(1, 8),
    }


def _limit(random: Random, now_us: int) -> dict:
    return {
        "channel": random.choice(CHANNELS),
        "quantity": random.choice((None, 0, 2, 5)),
        "revision": random.randint(1, 8),
    }


MAKERS: dict[str, Callable[[Random, int], dict]] = {
    "ReserveStock": _reserve,
    "ExtendReservation": _extend,
    "MoveReservation": _move,
    "ReleaseReservation": _release,
    "StockAllocated": _allocate,
    "StockDeallocated": _deallocate,
    "StockShipped": _ship,
    "OrderLineCancelled": _cancel,
    "GoodsReceived": _receive,
    "InboundExpected": _expect,
    "InboundClosed": _close_inbound,
    "TransferDispatched": _dispatch,
    "TransferReceived": _arrive,
    "TransferClosed": _close_transfer,
    "ReturnAuthorized": _authorize,
    "ReturnReceived": _come_back,
    "ReturnDispositioned": _disposition,
    "StockAdjusted": _adjust,
    "StockStatusChanged": _status,
    "StockCounted": _count,
    "StockSnapshotReported": _snapshot,
    "RingFenceSet": _fence,
    "BackorderLimitSet": _limit,
}
WEIGHTS: dict[str, float] = dict.fromkeys(MAKERS, 3) | {
    "ReserveStock": 22,
    "GoodsReceived": 16,
    "StockShipped": 10,
    "StockAllocated": 12,
    "StockDeallocated": 5,
    "ReleaseReservation": 6,
    "ExtendReservation": 5,
    "OrderLineCancelled": 2,
    "TransferDispatched": 5,
    "TransferReceived": 5,
    "TransferClosed": 1.5,
    "StockCounted": 5,
    "ReturnAuthorized": 1,
    "StockSnapshotReported": 1,
}
