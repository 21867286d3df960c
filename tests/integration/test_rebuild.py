"""Rebuilding the read model from the topics, on a real Kafka and PostgreSQL."""

from __future__ import annotations

import pytest
from tests.support.command_line import stockfold_json
from tests.support.read_model import fetch, project_all, write_history

from stockfold.runtime.postgres import schema_name
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def settings(new_environment, postgres: str) -> Settings:
    """An environment whose ledger has written every kind of fact, and whose projector read it."""
    settings = new_environment(postgres={"dsn": postgres})
    write_history(settings, seed=4)
    project_all(settings)
    return settings


def shadow(settings: Settings, name: str, table: str) -> str:
    return f'"{schema_name(settings.prefix)}__gen_{name}".{table}'


@pytest.mark.parametrize("path", ["bulk", "scalar"])
def test_a_rebuild_equals_the_live_read_model(settings: Settings, path: str) -> None:
    report = stockfold_json(settings, "rebuild", f"eq_{path}", "--yes", "--path", path)
    assert report["rows"]["positions"] > 10
    assert report["rows"]["demand_lines"] > 10
    assert report["rows"]["exceptions"] > 10
    found = stockfold_json(settings, "diff", "live", f"eq_{path}")
    assert found["equal"]
    assert found["rows"] == {}
    live = stockfold_json(settings, "digest", "live")
    assert stockfold_json(settings, "digest", f"eq_{path}")["digest"] == live["digest"]
    assert set(live["partitions"]) == {"0", "1"}


def test_a_tampered_row_is_found_with_its_sku_and_fact(settings: Settings) -> None:
    stockfold_json(settings, "rebuild", "tampered", "--yes")
    positions = shadow(settings, "tampered", "positions")
    ((sku, location),) = fetch(
        settings,
        f"UPDATE {positions} SET on_hand = on_hand + 1 WHERE (sku, location) = ("
        f"SELECT sku, location FROM {positions} ORDER BY sku, location LIMIT 1) "
        "RETURNING sku, location",
    )
    found = stockfold_json(settings, "diff", "live", "tampered", exit_code=1)
    assert found["rows"] == {"positions": 1}
    ((table, key, column),) = [(d["table"], d["key"], d["column"]) for d in found["page"]]
    assert (table, key, column) == ("positions", {"sku": sku, "location": location}, "on_hand")
    assert found["page"][0]["right"] == found["page"][0]["left"] + 1
    ((seq, event_id),) = fetch(
        settings,
        "SELECT seq, event_id FROM journal WHERE sku = $1 AND $2 = ANY(places) "
        "ORDER BY seq DESC LIMIT 1",
        sku,
        location,
    )
    first = found["first"]
    assert (first["sku"], first["seq"], first["event_id"]) == (sku, seq, event_id)
    live = stockfold_json(settings, "digest", "live")["digest"]
    assert stockfold_json(settings, "digest", "tampered")["digest"] != live
