"""What the benchmark's peers do is the work that the ledger does."""

from __future__ import annotations

import json
from typing import Any

from infra.bench.peers.fold import JOURNAL, Out, fold
from infra.bench.workload import events
from tests.support.ledger_in_memory import NOW_US, LedgerInMemory

COUNTED = ("StockCounted", "StockSnapshotReported")
"""The peers take these as of now; the ledger as of their own time."""


class Store(dict[str, Any]):
    """A framework's state of one SKU: what comes out is a copy of what went in."""

    def get(self, name: str) -> Any:  # type: ignore[override] # no default is asked for
        return json.loads(super().get(name, "null"))

    def set(self, name: str, value: Any) -> None:
        self[name] = json.dumps(value)


def test_a_peer_comes_to_the_ledgers_positions_and_journals_every_event() -> None:
    made = list(events(4_000, 40, 3, NOW_US))
    ledger = LedgerInMemory()
    ledger.take([(event.topic, event.key, event.value, event.headers) for event in made])

    stores: dict[bytes, Store] = {}
    facts: list[dict[str, Any]] = []
    numbers: dict[tuple[str, str], list[int]] = {}
    for offset, event in enumerate(made):
        store = stores.setdefault(event.key, Store())
        for out in fold(event.key, event.value, event.headers, offset, store):
            told = json.loads(out.value)
            if out.topic == JOURNAL:
                facts.append(told)
            else:
                numbers[told["sku"], told["location"]] = told["numbers"]

    assert len(facts) == len(made)
    counted = {fact["sku"] for fact in facts if fact["type"] in COUNTED}
    same = {place for place in ledger.positions if place[0] not in counted}
    assert len(same) > 50
    for place in same:
        told = ledger.positions[place]
        expected = [told["on_hand"], told["reserved"], told["allocated"]]
        assert numbers.get(place, [0, 0, 0])[:3] == expected, place


def test_a_peer_knows_a_repeat() -> None:
    event = next(events(10, 1, 1, NOW_US))
    store = Store()
    assert _told(event, store)
    assert _told(event, store) == []


def _told(event: Any, store: Store) -> list[Out]:
    return fold(event.key, event.value, event.headers, 0, store)
