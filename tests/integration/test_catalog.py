"""Reference data on a real Kafka: imported by the command line, obeyed by the ledger."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import NewEnvironment
from tests.support.kafka_io import Sender, committed, wait_for, wait_for_records

from stockfold.contracts.reference import decode_item, decode_reference
from stockfold.contracts.topics import CATALOG, EXCEPTIONS, JOURNAL, POSITIONS, REFERENCE
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold_services.ledger.main import run

pytestmark = pytest.mark.integration

ITEMS = """\
sku,name,base_unit,units,active,bill_of_materials
BEANS,Espresso beans,each,case=24; pallet=960,yes,
CUP,Cup,each,,yes,
GIFT,Gift box,each,,yes,BEANS*2; CUP
OLD,Old beans,each,case=12,no,
"""
REFERENCES = """\
locations:
  - {location: DC, zone: Europe/Berlin, tags: [warehouse]}
  - {location: STORE, zone: Europe/Berlin, snapshot_driven: true, snapshot_limit: 5}
authorities:
  - {source: /test/erp, role: secondary}
  - {source: /test/wms, locations: [DC]}
  - {source: /test/shop, types: [StockSnapshotReported], locations: [STORE]}
aliases:
  - {scope: /test/erp, kind: location, code: W01, target: DC}
  - {scope: /test/erp, kind: unit, code: CS, target: case}
"""


def stockfold(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.defpath,
        "HOME": str(settings.environment.data_dir),
        "STOCKFOLD_ENVIRONMENT__PREFIX": settings.prefix,
        "STOCKFOLD_KAFKA__BOOTSTRAP": settings.kafka.bootstrap or "",
        "STOCKFOLD_KAFKA__SKU_PARTITIONS": str(settings.kafka.sku_partitions),
    }
    return subprocess.run(
        [sys.executable, "-m", "stockfold_services.cli.main", "catalog", *arguments],
        cwd=settings.environment.data_dir,
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
    )


def file_of(settings: Settings, name: str, text: str) -> str:
    path: Path = settings.environment.data_dir / name
    path.write_text(text, "utf-8")
    return str(path)


def imported(settings: Settings, name: str, text: str, *options: str) -> dict[str, Any]:
    done = stockfold(settings, "import", file_of(settings, name, text), "--yes", "--json", *options)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@contextmanager
def ledger(settings: Settings) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(settings, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()


def facts(settings: Settings) -> list[dict[str, Any]]:
    return [r.record for r in committed(settings, JOURNAL) if r.name == "JournalFact"]


def on_hand(settings: Settings, sku: str, location: str) -> int | None:
    found = [
        r.record["on_hand"]
        for r in committed(settings, POSITIONS)
        if r.name == "Position" and (r.record["sku"], r.record["location"]) == (sku, location)
    ]
    return found[-1] if found else None


def test_a_full_import_publishes_what_differs_and_importing_it_again_publishes_nothing(
    environment: Settings,
) -> None:
    told = imported(environment, "items.csv", ITEMS, "--full")
    assert (told["published"], told["counts"]["added"]) == (4, 4)
    again = imported(environment, "items.csv", ITEMS, "--full")
    assert (again["published"], again["counts"]["unchanged"]) == (0, 4)
    less = ITEMS.replace("CUP,Cup,each,,yes,\n", "").replace("; CUP", "")
    told = imported(environment, "less.csv", less, "--full")
    assert told["counts"] == {"added": 0, "changed": 1, "deactivated": 1, "unchanged": 2}
    assert {c["what"]: (c["action"], c["revision"]) for c in told["changes"]} == {
        "SKU CUP": ("deactivated", 2),
        "SKU GIFT": ("changed", 2),
    }
    reader = PartitionReader(environment)
    items = {}
    for partition in range(2):
        for batch in reader.read(CATALOG, partition):
            for record in batch:
                item = decode_item(record.value(), record.key())
                items[item.sku] = (item.revision, item.active)
    assert items == {
        "BEANS": (1, True),
        "CUP": (2, False),
        "GIFT": (2, True),
        "OLD": (1, False),
    }


def test_a_dry_run_shows_old_and_new_and_publishes_nothing(environment: Settings) -> None:
    imported(environment, "items.csv", ITEMS)
    change = file_of(environment, "change.csv", "sku,units\nBEANS,case=12\nTEA,\n")
    done = stockfold(environment, "import", change, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "units case=24, pallet=960 → case=12" in done.stdout
    assert "1 added, 1 changed, 0 deactivated, 0 unchanged" in done.stdout
    assert len(committed(environment, CATALOG)) == 4


def test_without_somebody_to_ask_nothing_is_published(environment: Settings) -> None:
    done = stockfold(environment, "import", file_of(environment, "items.csv", ITEMS))
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert committed(environment, CATALOG) == []


def test_what_is_exported_can_be_imported_again_and_changes_nothing(environment: Settings) -> None:
    imported(environment, "items.csv", ITEMS)
    imported(environment, "reference.yaml", REFERENCES)
    for name, options in {"all.ndjson": (), "items.csv": ("--record", "item")}.items():
        done = stockfold(environment, "export", name, *options)
        assert done.returncode == 0, done.stderr
        path = environment.environment.data_dir / name
        told = imported(environment, name, path.read_text("utf-8"), "--full")
        assert told["published"] == 0, told["changes"]


def test_show_tells_everything_about_a_name(environment: Settings) -> None:
    imported(environment, "items.csv", ITEMS)
    imported(environment, "reference.yaml", REFERENCES)
    (item,) = json.loads(stockfold(environment, "show", "GIFT", "--json").stdout)
    assert [c["sku"] for c in item["bill_of_materials"]["components"]] == ["BEANS", "CUP"]
    told = json.loads(stockfold(environment, "show", "DC", "--json").stdout)
    assert [record["record"] for record in told] == ["location", "alias"]
    unknown = stockfold(environment, "show", "NOTHING")
    assert (unknown.returncode, "knows nothing called NOTHING" in unknown.stderr) == (2, True)


def test_references_are_published_whole_with_their_keys(environment: Settings) -> None:
    imported(environment, "reference.yaml", REFERENCES)
    reader = PartitionReader(environment)
    keys = set()
    for batch in reader.read(REFERENCE, 0):
        for record in batch:
            decode_reference(record.value(), record.key())
            keys.add((record.key() or b"").decode())
    assert "alias|location|/test/erp|W01" in keys
    assert len(keys) == 7


def test_the_ledger_obeys_what_was_imported_also_after_a_restart(
    new_environment: NewEnvironment,
) -> None:
    settings = new_environment(ledger={"enforce_catalogue": True})
    imported(settings, "items.csv", ITEMS)
    imported(settings, "reference.yaml", REFERENCES)
    erp, wms = Sender(settings, "/test/erp"), Sender(settings, "/test/wms")
    shop = Sender(settings, "/test/shop")
    note = {"document": "GRN-1", "document_line": "1"}

    def tell(quantity: int) -> None:
        erp.event("GoodsReceived", sku="BEANS", location="W01", quantity=quantity, unit="CS")
        erp.event("GoodsReceived", sku="BEANS", location="DC", quantity=1, unit="barrel")
        erp.event("GoodsReceived", sku="NEW", location="DC", quantity=1)
        wms.event("GoodsReceived", sku="BEANS", location="STORE", quantity=1)
        shop.event("GoodsReceived", sku="BEANS", location="STORE", quantity=1)

    with ledger(settings):
        tell(2)
        raised = wait_for_records(settings, EXCEPTIONS, 4)
        wait_for("the receipt", lambda: len(facts(settings)) == 1)
    kinds = ["no_authority", "no_authority", "unknown_sku", "unknown_unit"]
    assert sorted(r.record["kind"] for r in raised) == kinds
    assert all(r.record["value"] and not r.record["folded"] for r in raised)
    assert on_hand(settings, "BEANS", "DC") == 48

    with ledger(settings):
        tell(1)
        raised = wait_for_records(settings, EXCEPTIONS, 8)
        assert sorted(r.record["kind"] for r in raised[:8]) == sorted(kinds * 2)
        erp.event("GoodsReceived", sku="CUP", location="DC", quantity=6, **note)
        wms.event("GoodsReceived", sku="CUP", location="DC", quantity=5, **note)
        wait_for("the corrected receipt", lambda: on_hand(settings, "CUP", "DC") == 5)
        imported(settings, "more.csv", "sku,units\nNEW,\n")
        erp.event("GoodsReceived", sku="NEW", location="DC", quantity=1)
        wait_for("the new SKU", lambda: on_hand(settings, "NEW", "DC") == 1)
        wms_more = "authorities:\n  - {source: /test/wms, locations: [DC, STORE]}\n"
        imported(settings, "more.yaml", wms_more)
        told = 0

        def allowed() -> bool:
            nonlocal told
            told += 1
            wms.event("GoodsReceived", sku="CUP", location="STORE", quantity=1)
            return on_hand(settings, "CUP", "STORE") is not None

        wait_for("the authority to be followed", allowed)
    assert on_hand(settings, "BEANS", "DC") == 72
    assert "document_differs" in {r.record["kind"] for r in committed(settings, EXCEPTIONS)}
