"""Rebuilding the read model from the topics, on a real Kafka and PostgreSQL."""

from __future__ import annotations

import pytest
from tests.support import servers
from tests.support.command_line import stockfold, stockfold_json
from tests.support.read_model import fetch, project_all, write_history

from stockfold.domain.errors import SettingsError
from stockfold.runtime import partition_reader
from stockfold.runtime.postgres import schema_name
from stockfold.runtime.settings import Settings
from stockfold_services.rebuild.building import build
from stockfold_services.rebuild.plans import Wanted
from stockfold_services.rebuild.positions import Path

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
    told = stockfold(settings, "diff", "live", "tampered", exit_code=1)
    assert all(word in told for word in ("first divergence", event_id, "on_hand", location))


def test_people_are_told_in_tables_what_programs_get_as_json(settings: Settings) -> None:
    assert "would build" in stockfold(settings, "rebuild", "shown", "--dry-run")
    told = stockfold(settings, "rebuild", "shown", "--yes", "--path", "scalar")
    assert all(word in told for word in ("digest", "facts", "journal read to", "rows of journal"))
    listed = stockfold(settings, "rebuild", "--list")
    assert all(word in listed for word in ("live", "shown", "ready", "journal"))
    total = stockfold_json(settings, "digest", "shown")["digest"]
    assert total in told
    assert total in stockfold(settings, "digest", "shown")
    assert "are equal" in stockfold(settings, "diff", "live", "shown")
    assert "nothing will be told" in stockfold(settings, "cutover", "shown", "--dry-run")
    assert "would drop" in stockfold(settings, "rebuild", "shown", "--drop", "--dry-run")
    with pytest.raises(SettingsError, match="nobody can be asked"):
        stockfold(settings, "cutover", "shown")
    with pytest.raises(SettingsError, match="neither rebuilt in place"):
        stockfold(settings, "rebuild", "live", "--yes")
    with pytest.raises(SettingsError, match="cannot name a generation"):
        stockfold(settings, "rebuild", "Robert'); DROP", "--yes")


class Cut(Exception):  # noqa: N818
    """The process is gone."""


class Counting:
    """Progress that counts by stage, and cuts the work off after so many records of one."""

    def __init__(self, stage: str = "", records_max: int = 0) -> None:
        self.counts: dict[str, int] = {}
        self._now = ""
        self._cut = (stage, records_max)

    def stage(self, name: str, total: int) -> None:
        self._now = name
        self.counts[name] = 0

    def done(self, records: int) -> None:
        self.counts[self._now] += records
        stage, records_max = self._cut
        if self._now == stage and self.counts[stage] >= records_max:
            raise Cut


@pytest.mark.parametrize(
    ("path", "stage"), [("bulk", "records to rows"), ("scalar", "journal to positions")]
)
def test_a_rebuild_that_was_cut_off_goes_on_behind_what_was_written(
    settings: Settings, path: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition_reader, "BATCH", 50)
    wanted = Wanted(f"cut_{path}", path)
    first = Counting(stage, 300)
    with pytest.raises(Cut):
        servers.run(build(settings, wanted, first))
    with pytest.raises(SettingsError, match="not built to its end"):
        stockfold_json(settings, "cutover", wanted.name, "--yes")
    second = Counting()
    report = servers.run(build(settings, wanted, second))
    whole = Counting()
    whole_name = f"whole_{wanted.name}"
    expected = servers.run(build(settings, Wanted(whole_name, path), whole))
    copied = first.counts["records to rows"] + second.counts["records to rows"]
    assert copied == whole.counts["records to rows"]
    assert (report.digest, report.rows) == (expected.digest, expected.rows)
    assert stockfold_json(settings, "diff", "live", wanted.name)["equal"]


def test_a_rebuild_until_an_offset_holds_that_much_and_cannot_become_live(
    settings: Settings,
) -> None:
    report = stockfold_json(settings, "rebuild", "early", "--yes", "--until", "0:50,1:40")
    ((facts,),) = fetch(
        settings,
        "SELECT count(*) FROM journal "
        "WHERE record_offset < CASE partition WHEN 0 THEN 50 ELSE 40 END",
    )
    assert report["facts"] == report["rows"]["journal"] == facts > 0
    assert report["rows"]["exceptions"] == 0
    found = stockfold_json(settings, "diff", "live", "early")
    assert found["equal"]
    assert found["moving_skus"] > 0
    ((recorded_at,),) = fetch(
        settings, "SELECT recorded_at FROM journal WHERE partition = 0 AND record_offset = 60"
    ) or fetch(settings, "SELECT min(recorded_at) FROM journal WHERE record_offset > 60")
    told = stockfold_json(
        settings, "rebuild", "timely", "--yes", "--until", recorded_at.isoformat()
    )
    assert told["facts"] > 0
    for name in ("early", "timely"):
        with pytest.raises(SettingsError, match="not what the journal says today"):
            stockfold_json(settings, "cutover", name, "--yes")
