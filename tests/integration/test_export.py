"""Parquet for BI from a real Kafka: typed, documented, and its sums are the positions."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from confluent_kafka import Producer
from tests.support.command_line import stockfold, stockfold_json
from tests.support.kafka_io import Sender, committed, wait_for
from tests.support.running_ledger import ledger

from stockfold.contracts import codec
from stockfold.contracts.topics import DELIVERIES, JOURNAL
from stockfold.domain.errors import SettingsError
from stockfold.runtime import audit
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.settings import Settings
from stockfold_services.cli.exporting import parquet
from stockfold_services.cli.exporting.tables import TABLES, markdown

pytestmark = pytest.mark.integration

PAGE = Path(__file__).parents[2] / "infra/docs/export.md"
SENT_US = 1_793_534_402_000_000


def deliver(settings: Settings) -> None:
    record = {
        "channel": "web",
        "sku": "S0",
        "version": 3,
        "quantity": 12,
        "outcome": "applied",
        "attempts": 1,
        "detail": "",
        "sent_at": SENT_US,
        "finished_at": SENT_US + 1,
        "correlation_id": "c",
        "caused_at": 0,
    }
    producer = Producer(confluent_config(settings))
    name = DELIVERIES.full_name(settings.prefix)
    producer.produce(name, codec.encode("stockfold.Delivery", record), b"web|S0", 0)
    assert producer.flush(30) == 0


def test_every_table_is_written_typed_and_its_movements_add_up_to_the_positions(
    environment: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 5)
    with ledger(environment):
        sender = Sender(environment)
        for number in range(24):
            sku, quantity = f"S{number % 4}", number + 1
            sender.event("GoodsReceived", sku=sku, location="A", quantity=quantity, flush=False)
        sender.flush()
        wait_for("the facts", lambda: len(committed(environment, JOURNAL)) > 24)
    deliver(environment)
    to = tmp_path / "day"
    done = stockfold_json(environment, "export", "parquet", "--to", str(to), "--yes")
    assert done["rows"] == {"positions": 4, "journal": 24, "movements": 48, "deliveries": 1}
    found = {table.name: pq.read_table(to / table.name) for table in TABLES}
    for table in TABLES:
        assert found[table.name].schema.remove_metadata() == (
            parquet.arrow_schema(table).remove_metadata()
        )
        assert all(field.metadata[b"doc"] for field in found[table.name].schema)
    moved: dict[str, int] = {}
    for row in found["movements"].to_pylist():
        if row["account"] == "on_hand":
            moved[row["sku"]] = moved.get(row["sku"], 0) + row["quantity"]
    assert moved == {r["sku"]: r["on_hand"] for r in found["positions"].to_pylist()}
    assert sum(found["movements"]["quantity"].to_pylist()) == 0
    (delivery,) = found["deliveries"].to_pylist()
    assert delivery["sent_at"] == datetime(2026, 11, 1, 12, 0, 2, tzinfo=UTC)
    assert delivery["caused_at"] is None
    assert found["journal"].schema.field("recorded_at").type == pa.timestamp("us", "UTC")
    (change,) = audit.changes(environment)
    assert (change.command, change.result) == ("export parquet", {"rows": done["rows"]})
    with pytest.raises(SettingsError, match="there is a table positions already"):
        stockfold(environment, "export", "parquet", "--to", str(to), "--positions", "--yes")


def test_without_pyarrow_the_command_says_what_to_install(
    environment: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stockfold_services.cli.export.find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"stockfold\[export\]"):
        stockfold(environment, "export", "parquet", "--to", str(tmp_path), "--yes")


def test_the_columns_in_the_docs_are_those_of_the_tables() -> None:
    """Otherwise put ``tables.markdown()`` between the marks of the page."""
    text = PAGE.read_text("utf-8")
    assert text.split("<!-- tables -->\n")[1].split("\n<!-- /tables -->")[0] == markdown()


def test_a_dry_run_of_an_export_writes_nothing(environment: Settings, tmp_path: Path) -> None:
    deliver(environment)
    place = tmp_path / "export"
    command = ("export", "parquet", "--to", str(place), "--deliveries", "--dry-run")
    assert stockfold_json(environment, *command)["offsets"] == {"deliveries": 1}
    assert not place.exists()
    (place / "deliveries").mkdir(parents=True)
    with pytest.raises(SettingsError, match="already"):
        stockfold(environment, *command)
