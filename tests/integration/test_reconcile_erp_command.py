"""``stockfold reconcile erp`` on a real Kafka and a real ledger."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import NewEnvironment
from tests.support.command_line import stockfold, stockfold_json
from tests.support.kafka_io import Sender, committed, wait_for
from tests.support.running_ledger import ledger

from stockfold.contracts.reference import encode_record, topic_of
from stockfold.contracts.topics import ADJUSTMENTS, EXCEPTIONS, JOURNAL
from stockfold.domain.errors import ContractError, SettingsError
from stockfold.domain.reference import Alias, CatalogItem, Record, UnitOfMeasure, key_of
from stockfold.domain.times import DAY_US, SECOND_US, format_us
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration

OPTIONS = ("-m", "Material=sku", "-m", "Werk=location", "-m", "Bestandsart=account",
           "-m", "Menge=quantity", "-m", "ME=unit", "--account", "FREI=on_hand",
           "--account", "QI=quality_hold", "--source", "/erp/main")  # fmt: skip
FILE = """Material;Werk;Bestandsart;Menge;ME;Text
ART-milk;DC;FREI;10;;agrees under its alias
bread;DC;FREI;2;case;two cases of 12, one in the ERP only
cheese;DC;FREI;7;;3 were shipped just before the time, and are booked later there
butter;DC;FREI;4;;unexplained, and in
butter;DC;FREI;1;;two lots
ghost;DC;FREI;9;;nobody knows it
eggs;DC;QI;5;;never told here
eggs;DC;GESPERRT;1;;no such account
flour;DC;FREI;zwei;;no number
tea;DC;FREI;5;;its receipt was refused here
"""


@pytest.fixture(scope="module")
def hour_ago_us() -> int:
    return SYSTEM_CLOCK.now_us() - 3_600 * SECOND_US


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "closing.csv"
    path.write_text(FILE, "utf-8")
    return path


@pytest.fixture(scope="module")
def told(new_environment: NewEnvironment, hour_ago_us: int) -> Iterator[Settings]:
    """A shelf of five SKUs two hours ago, a shipment just before the time, and a refused receipt.

    The ledger runs as long as the tests; the last of them corrects it.
    """
    environment = new_environment()
    sender = Sender(environment)

    def publish(record: Record) -> None:
        sender.raw(topic_of(record), key_of(record).encode(), encode_record(record))

    publish(Alias("/erp/main", "sku", "ART-milk", "milk"))
    publish(CatalogItem("bread", units=(UnitOfMeasure("case", 12),)))
    publish(CatalogItem("eggs"))
    publish(CatalogItem("tea"))
    before_us = hour_ago_us - 3_600 * SECOND_US
    for sku, units in (("milk", 10), ("bread", 12), ("cheese", 7), ("butter", 8), ("salt", 3)):
        sender.event("GoodsReceived", occurred_us=before_us, sku=sku, location="DC", quantity=units)
    old_us = hour_ago_us - 9 * DAY_US
    sender.event("GoodsReceived", occurred_us=old_us, sku="tea", location="DC", quantity=5)
    sender.event(
        "StockShipped",
        occurred_us=hour_ago_us - 1,
        sku="cheese",
        location="DC",
        quantity=3,
        shipment="S",
    )
    with ledger(environment):
        wait_for("six facts", lambda: facts(environment) == 6)
        wait_for("the refusal", lambda: refused(environment) == ["tea"])
        yield environment


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text("utf-8").splitlines()))


def facts(settings: Settings) -> int:
    return sum(read.name == "JournalFact" for read in committed(settings, JOURNAL))


def refused(settings: Settings) -> list[str]:
    return [e.record["sku"] for e in committed(settings, EXCEPTIONS) if not e.record["folded"]]


def test_reports_are_a_table_a_csv_and_a_page(
    told: Settings, file: Path, hour_ago_us: int, tmp_path: Path
) -> None:
    csv_file, page = tmp_path / "out.csv", tmp_path / "out.html"
    printed = stockfold(
        told, "reconcile", "erp", str(file), "--period-end", format_us(hour_ago_us), *OPTIONS,
        "--csv", str(csv_file), "--html", str(page), "--all", exit_code=1,
    )  # fmt: skip
    rows = rows_of(csv_file)
    assert {row["sku"] for row in rows} >= {"milk", "butter", "ghost"}
    assert "figures differ." in printed
    text = page.read_text("utf-8")
    assert text.startswith("<!doctype html>")
    assert "Period end as of" in text
    assert "<script" not in text


def test_ndjson_and_a_column_for_each_account_are_taken_too(
    told: Settings, hour_ago_us: int, tmp_path: Path
) -> None:
    path = tmp_path / "closing.ndjson"
    rows = [
        {"sku": "milk", "on_hand": 10, "damaged": 0},
        {"sku": "butter", "on_hand": 8, "damaged": None},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    command = ("reconcile", "erp", str(path), "--as-of", format_us(hour_ago_us))
    assert stockfold_json(told, *command, "--location", "DC", exit_code=1)["kinds"] == {
        "agrees": 3,
        "missing_there": 3,
    }
    with pytest.raises(ContractError, match="no column is location"):
        stockfold(told, *command)


def test_a_file_is_compared_corrected_once_and_then_agrees(
    told: Settings, file: Path, hour_ago_us: int, tmp_path: Path
) -> None:
    command = ("reconcile", "erp", str(file), "--as-of", format_us(hour_ago_us), *OPTIONS)
    found = stockfold_json(told, *command, exit_code=1)
    kinds = {one["sku"]: one["kind"] for one in found["findings"] if one["account"] != "GESPERRT"}
    # All of it was recorded after the time: nothing was known then, so nothing is "late".
    assert kinds == {
        "bread": "unexplained",
        "butter": "unexplained",
        "cheese": "timing",
        "eggs": "missing_here",
        "flour": "bad_row",
        "ghost": "mapping_unknown",
        "salt": "missing_there",
        "tea": "not_here_yet",
    }
    assert found["kinds"]["agrees"] == 1
    shelf = next(t for t in found["totals"] if (t["location"], t["account"]) == ("DC", "on_hand"))
    assert (shelf["rows"], shelf["in file"], shelf["theirs"]) == (8, 60, 60)
    assert (shelf["ours"], shelf["difference"], shelf["not listed"]) == (34, 26, 3)
    assert all(total["balances"] for total in found["totals"])
    assert found["ignored_columns"] == ["Text"]
    (tea,) = [one for one in found["findings"] if one["sku"] == "tea"]
    assert "lies at the exception desk: older_than_horizon" in tea["why"]
    with pytest.raises(SettingsError, match="corrected by what is known now"):
        stockfold(told, *command, "--known-at", "1m", "--apply")
    with pytest.raises(SettingsError, match="nobody can be asked: Send 3 corrections"):
        stockfold(told, *command, "--apply")
    out = tmp_path / "corrections.csv"
    dry = stockfold_json(
        told, *command, "--apply", "--dry-run", "--corrections", str(out), exit_code=1
    )
    assert (dry["sent"], committed(told, ADJUSTMENTS)) == (0, [])
    assert [row["quantity"] for row in rows_of(out)] == ["24", "5", "5"]
    assert stockfold_json(told, *command, "--apply", "--yes", exit_code=1)["sent"] == 3
    wait_for("three counts", lambda: facts(told) == 9)
    again = stockfold_json(told, *command, "--apply", "--yes", exit_code=1)
    assert (again["sent"], again["kinds"]["agrees"]) == (0, 4)
    assert refused(told) == ["tea"], "and no correction"
    (change,) = stockfold_json(told, "audit", "list")
    assert (change["command"], change["result"]) == ("reconcile erp", {"sent": 3})
