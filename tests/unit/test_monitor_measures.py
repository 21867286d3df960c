"""What the monitor makes of our records, and how long something was sold out."""

from __future__ import annotations

from typing import Any

import pytest

from stockfold_services.monitor import measuring
from stockfold_services.monitor.stock_outs import SOLD_BEFORE_S, Episode, after

STATUS: dict[str, Any] = {
    "channel": "woo-de",
    "status": "confirmed",
    "accepted": True,
    "recorded_at": 10_000_000,
    "caused_at": 9_000_000,
    "lines": [{"sku": "B"}, {"sku": "A"}, {"sku": "A"}, {"sku": ""}],
}


def test_an_order_is_measured_from_when_it_began_to_wait_until_it_rests() -> None:
    reserving = {**STATUS, "status": "reserving"}
    assert measuring.is_waiting(reserving)
    assert not measuring.is_waiting(STATUS)
    assert measuring.waits_since_us(reserving) == 9_000_000
    assert measuring.waits_since_us({**reserving, "caused_at": 0}) == 10_000_000
    took, *sold = measuring.order(STATUS, 7_500_000)
    assert (took["what"], took["took_ms"], took["at"]) == ("order_ingestion", 2_500, 10.0)
    assert [(one["what"], one["sku"]) for one in sold] == [("sold", "A"), ("sold", "B")]
    assert measuring.order({**STATUS, "accepted": False}, None) == []


def test_only_what_was_applied_is_a_propagation() -> None:
    body = {"channel": "woo-de", "outcome": "applied", "took_us": 1_500_000, "finished_at": 5}
    found = measuring.delivery(body)
    assert found is not None
    assert (found["what"], found["took_ms"]) == ("inventory_propagation", 1_500)
    assert measuring.delivery({**body, "outcome": "gave_up"}) is None
    assert measuring.delivery({**body, "took_us": None}) is None


def test_a_parcel_is_measured_from_when_it_left() -> None:
    begun = {
        "command": "order shipment",
        "outcome": "begun",
        "subject": "woo-de/4711",
        "details": '{"shipped_at_us": 1000000}',
    }
    remembered = measuring.parcel(begun)
    assert remembered == {"channel": "woo-de", "shipped_us": 1_000_000}
    assert measuring.confirmed(remembered, {"at": 4_000_000})["took_ms"] == 3_000
    assert measuring.parcel({**begun, "outcome": "done"}) is None
    assert measuring.parcel({**begun, "command": "topics apply"}) is None


DAY = 86_400.0


def sold(at: float) -> dict[str, Any]:
    return {"what": "sold", "at": at}


def sells(at: float, *, yes: bool) -> dict[str, Any]:
    return {"what": "shown", "at": at, "sells": yes}


@pytest.mark.parametrize(
    ("measured", "episodes"),
    [
        ([sold(1), sells(5, yes=False), sells(9, yes=True)], [Episode(5, None), Episode(5, 9)]),
        ([sells(5, yes=False), sells(9, yes=True)], []),
        ([sold(1), sells(2 + SOLD_BEFORE_S, yes=False)], []),
        ([sold(1), sells(5, yes=True), sells(6, yes=True)], []),
        ([sold(1), sells(5, yes=False), sells(7, yes=False), sells(9, yes=True)],
         [Episode(5, None), Episode(5, 9)]),
        ([sold(DAY), sold(1), sells(2 + SOLD_BEFORE_S, yes=False)],
         [Episode(2 + SOLD_BEFORE_S, None)]),
    ],
)  # fmt: skip
def test_only_what_had_sold_is_missed_when_it_is_sold_out(
    measured: list[dict[str, Any]], episodes: list[Episode]
) -> None:
    known: dict[str, float] = {}
    found = []
    for one in measured:
        known, episode = after(known, one)
        found += [episode] if episode else []
    assert found == episodes
