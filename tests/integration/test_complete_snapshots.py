"""Complete ERP snapshots on a real Kafka and ledger: what a run does not list is zero."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.conftest import NewEnvironment
from tests.support.command_line import stockfold, stockfold_json
from tests.support.gateway import event, gateway
from tests.support.kafka_io import Sender, committed, wait_for
from tests.support.running_ledger import ledger

from stockfold.contracts.topics import ADJUSTMENTS, JOURNAL
from stockfold.domain.errors import SettingsError
from stockfold.domain.times import SECOND_US, format_us
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration

LISTED = "sku,quantity\nLISTED,5\nNEW,2\n"


@pytest.fixture
def as_of() -> str:
    return format_us(SYSTEM_CLOCK.now_us() - 600 * SECOND_US)


@pytest.fixture
def settings(new_environment: NewEnvironment) -> Iterator[Settings]:
    """Stock at two locations; GONE left one after the snapshot's time, EMPTY never had any left."""
    made = new_environment()
    sender = Sender(made)
    now_us = SYSTEM_CLOCK.now_us()
    for sku, location, age_s, quantity in (
        ("LISTED", "DC", 3_000, 5),
        ("MISSING", "DC", 3_000, 7),
        ("GONE", "DC", 3_000, 3),
        ("GONE", "DC", 60, -3),
        ("ELSEWHERE", "STORE", 3_000, 4),
    ):
        at_us = now_us - age_s * SECOND_US
        if quantity > 0:
            told = {"sku": sku, "location": location, "quantity": quantity}
            sender.event("GoodsReceived", occurred_us=at_us, **told)
        else:
            told = {"sku": sku, "location": location, "delta": quantity, "reason": "sold"}
            sender.event("StockAdjusted", occurred_us=at_us, **told)
    with ledger(made):
        wait_for("the stock", lambda: len(facts(made)) == 5)
        yield made


def facts(settings: Settings) -> list[str]:
    return [r.record["sku"] for r in committed(settings, JOURNAL) if r.name == "JournalFact"]


def reported(settings: Settings) -> dict[str, tuple[str, int]]:
    found = [read.record for read in committed(settings, ADJUSTMENTS)]
    return {r["sku"]: (r["location"], r["quantity"]) for r in found if "quantity" in r}


def send(client: httpx.Client, text: str, as_of: str, **query: object) -> httpx.Response:
    fixed = ["location=DC", f"as_of={as_of}", "complete=true", "snapshot=NIGHT-1"]
    named = {"type": "StockSnapshotReported", "source": "/erp/main", "time": as_of, "set": fixed}
    headers = {"content-type": "text/csv", "idempotency-key": "night-1"}
    return client.post("/v1/files", content=text, params={**named, **query}, headers=headers)


def test_what_a_complete_file_does_not_list_is_told_as_zero(settings: Settings, as_of: str) -> None:
    with gateway(settings) as client:
        dry = send(client, LISTED, as_of, dry_run=True).json()
        assert (dry["rows_of_zero"], reported(settings)) == (2, {})
        for _ in range(2):
            told = send(client, LISTED, as_of)
            assert (told.status_code, told.json()["rows_of_zero"]) == (202, 2), told.text
        wait_for("the snapshot", lambda: len(facts(settings)) == 9)
    assert reported(settings) == {
        "LISTED": ("DC", 5),
        "NEW": ("DC", 2),
        "MISSING": ("DC", 0),
        "GONE": ("DC", 0),
    }
    differing = [
        read.record["sku"]
        for read in committed(settings, JOURNAL)
        if read.name == "JournalFact" and "snapshot_differs" in read.record["flags"]
    ]
    assert sorted(differing) == ["GONE", "MISSING", "NEW"]
    assert len(facts(settings)) == 9


def test_a_file_that_lost_rows_makes_nothing_zero(settings: Settings, as_of: str) -> None:
    with gateway(settings) as client:
        bad = send(client, LISTED + "MISSING,seven\n", as_of)
        assert (bad.status_code, bad.json()["rows_of_zero"]) == (207, 0)
        assert "bad rows" in bad.json()["rows_of_zero_withheld"]
        cut = send(client, "sku,quantity\nNEW,2\n", as_of)
        assert cut.status_code == 207
        assert "zeros_max" in cut.json()["rows_of_zero_withheld"]
        assert set(reported(settings)) == {"LISTED", "NEW"}
        meant = send(client, "sku,quantity\nNEW,2\n", as_of, zeros_max=3)
        assert (meant.status_code, meant.json()["rows_of_zero"]) == (202, 3)


def test_events_one_by_one_cannot_say_that_a_run_is_complete(
    settings: Settings, as_of: str
) -> None:
    data = {"sku": "LISTED", "location": "DC", "quantity": 5, "as_of": as_of, "complete": True}
    told = event(type="stockfold.StockSnapshotReported", data=data)
    with gateway(settings) as client:
        headers = {"content-type": "application/cloudevents+json"}
        refused = client.post("/v1/events", json=told, headers=headers)
        assert refused.status_code == 422
        assert "/v1/files" in refused.json()["detail"]


def test_import_takes_snapshots_and_knows_what_the_erp_calls_things(
    settings: Settings, as_of: str, tmp_path: Path
) -> None:
    names = tmp_path / "names.yaml"
    names.write_text(
        "aliases:\n"
        "- {scope: /erp/main, kind: location, code: L01, target: DC}\n"
        "- {scope: /erp/main, kind: sku, code: '4711', target: MISSING}\n"
        "locations: [{location: DC, zone: UTC}]\n"
        "items: [{sku: MISSING, base_unit: piece, name: M}]\n",
        "utf-8",
    )
    stockfold(settings, "catalog", "import", str(names), "--yes")
    file = tmp_path / "night.csv"
    file.write_text("Artikel;Lager;quantity\nLISTED;L01;5\n4711;L01;7\n", "utf-8")
    command = ("import", str(file), "--kind", "snapshots", "--as-of", as_of, "--yes")
    named = ("-m", "Artikel=sku", "-m", "Lager=location", "--source", "/erp/main", "--complete")
    dry = stockfold_json(settings, *command, *named, "--dry-run")
    assert (dry["zeros"], dry["sent"], reported(settings)) == (1, False, {})
    told = stockfold_json(settings, *command, *named)
    assert (told["good"], told["zeros"]) == (2, 1)
    assert reported(settings) == {"LISTED": ("L01", 5), "MISSING": ("L01", 7), "GONE": ("L01", 0)}
    with pytest.raises(SettingsError, match="not complete"):
        stockfold(settings, "import", str(file), "--as-of", as_of, "--complete", "--yes")
