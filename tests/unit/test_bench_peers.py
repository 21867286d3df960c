"""What the benchmark's peers do is the work that the ledger does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from infra.bench.peers import page
from infra.bench.peers.fold import JOURNAL, Out, fold
from infra.bench.peers.proof import gathered
from infra.bench.results import keep
from infra.bench.workload import events
from tests.support.ledger_in_memory import NOW_US, LedgerInMemory

from stockfold.domain.errors import SettingsError, UnavailableError


def _run(pace: float) -> dict[str, float]:
    return {
        "events_per_s": pace,
        "running_cpu_s_per_million": 30,
        "broker_cpu_s_per_million": 12,
        "memory_mb": 100,
    }


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


def test_a_peer_that_tells_a_fact_twice_is_found_out() -> None:
    event = next(events(10, 1, 1, NOW_US))
    told = _told(event, Store())
    assert list(gathered(told).positions.values()) == [(1, [1_000, 0, 0, 0, 0])]
    with pytest.raises(UnavailableError, match="number 1 of SKU-0000000 twice"):
        gathered([*told, told[0]])


def test_figures_are_kept_beside_those_of_other_benchmarks(tmp_path: Path) -> None:
    results = tmp_path / "build" / "bench.json"
    keep(results, kits=1)
    keep(results, race=[2])
    keep(results, kits=3)
    assert json.loads(results.read_text()) == {"kits": 3, "race": [2]}


RACE = {
    "ledger": [_run(30_000), _run(20_000), _run(34_000)],
    "<peer>": [_run(3_000), _run(2_000)],
}


def test_a_race_is_told_by_medians_and_their_spread() -> None:
    assert page.table(RACE, "ledger").splitlines()[2:] == [
        "| ledger | 30,000 | 20,000 | 34,000 | 30 | 12 | 100 | 100% |",
        "| <peer> | 2,500 | 2,000 | 3,000 | 30 | 12 | 100 | 8% |",
    ]
    assert "&lt;peer&gt;" in page.picture(RACE, "ledger")


def test_a_race_says_who_is_ahead_of_whom_and_what_it_costs() -> None:
    close = {"ours": [_run(31_000)], "theirs": [_run(30_500)], "slow": [_run(20_000)]}
    duels = [
        page.Duel("One", ["slow"], ["theirs"]),
        page.Duel("Two", ["slow", "ours", "absent"], ["theirs"]),
        page.Duel("Three", ["ours"], ["absent"]),
    ]
    assert page.told(close, duels).splitlines() == [
        (
            "- One, “theirs” is **52% faster** than “slow”: 30,500 against 20,000 events a second, "
            "42 against 42 µs of CPU an event with the broker's."
        ),
        (
            "- Two, “ours” is as fast as “theirs”: 31,000 against 30,500 events a second, "
            "42 against 42 µs of CPU an event with the broker's."
        ),
    ]


def test_a_page_keeps_what_stands_around_its_table(tmp_path: Path) -> None:
    written = tmp_path / "page.md"
    written.write_text(f"before\n{page.BEGIN}old\n{page.END}after\n")
    page.write(written, tmp_path / "page.svg", RACE, "ledger", "200 events")
    text = written.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "| ledger | 30,000 |" in text
    assert "\n\n200 events\n" in text


def test_a_page_without_a_place_for_the_table_is_left_as_it_is(tmp_path: Path) -> None:
    written = tmp_path / "page.md"
    written.write_text("nothing\n")
    with pytest.raises(SettingsError, match="no place for the table"):
        page.write(written, tmp_path / "page.svg", RACE, "ledger", "")
    assert written.read_text() == "nothing\n"
