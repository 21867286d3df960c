"""``stockfold import`` on a real Kafka and a real ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.command_line import stockfold, stockfold_json
from tests.support.kafka_io import Sender as OneByOne
from tests.support.kafka_io import committed, wait_for
from tests.support.running_ledger import ledger

from stockfold.contracts.topics import ADJUSTMENTS, EXCEPTIONS, JOURNAL, POSITIONS
from stockfold.domain.errors import SettingsError
from stockfold.domain.times import SECOND_US, format_us
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.settings import Settings
from stockfold_services.cli.loading import load as loading
from stockfold_services.cli.loading.opening import Opening

pytestmark = pytest.mark.integration

HEADER = ["Artikelnr", "Lager", "quantity"]
MAPPED = {"Artikelnr": "sku", "Lager": "location"}
OPTIONS = ("-m", "Artikelnr=sku", "-m", "Lager=location", "--source", "/erp/main")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "balances.csv"
    rows = [f'SKU-{n};DC;{n};"a; b"' for n in range(40)]
    rows[7] = 'SKU-7;DC;-7;"below zero"'
    rows[8] = "SKU-8;DC"
    rows[9] = 'SKU-1;DC;9;"again"'
    text = "\r\n".join(["Artikelnr;Lager;quantity;Name", *rows])
    path.write_text("\ufeff" + text + "\r\n", "utf-8")
    return path


def on_hand(settings: Settings) -> dict[str, int]:
    """What lies on hand at DC, by SKU."""
    found = [read.record for read in committed(settings, POSITIONS) if read.name == "Position"]
    return {record["sku"]: record["on_hand"] for record in found if record["location"] == "DC"}


def facts(settings: Settings) -> list[dict[str, Any]]:
    return [read.record for read in committed(settings, JOURNAL) if read.name == "JournalFact"]


def hour_ago_us() -> int:
    return SYSTEM_CLOCK.now_us() - 3_600 * SECOND_US


def test_balances_are_what_lies_there_whatever_moved_before_and_after_their_moment(
    environment: Settings, file: Path
) -> None:
    as_of_us = hour_ago_us()
    sender = OneByOne(environment)

    def receipt(sku: str, offset_s: int) -> None:
        at_us = as_of_us + offset_s * SECOND_US
        sender.event("GoodsReceived", occurred_us=at_us, sku=sku, location="DC", quantity=100)

    receipt("SKU-20", -60)
    receipt("SKU-21", +60)
    with ledger(environment):
        wait_for("both receipts", lambda: len(facts(environment)) == 2)
        command = ("import", str(file), "--as-of", format_us(as_of_us), *OPTIONS, "--yes")
        told = stockfold_json(environment, *command, exit_code=1)
        assert (told["good"], told["bad"]) == (37, 3)
        wait_for("the balances", lambda: len(facts(environment)) == 39)
        stockfold(environment, *command, exit_code=1)
        receipt("SKU-22", -60)
        receipt("SKU-23", +60)
        wait_for("both late receipts", lambda: len(facts(environment)) == 41)
    found = on_hand(environment)
    assert [found[f"SKU-{n}"] for n in (20, 21, 22, 23, 24)] == [20, 121, 22, 123, 24]
    assert committed(environment, EXCEPTIONS) == []
    assert len(committed(environment, ADJUSTMENTS)) == 2 * 37
    [again, first] = stockfold_json(environment, "audit", "list", "--command", "import")
    assert first["outcome"] == again["outcome"] == "done"


def test_bad_rows_are_told_by_number_field_and_reason(environment: Settings, file: Path) -> None:
    as_of = format_us(hour_ago_us())
    command = ("import", str(file), "--as-of", as_of, *OPTIONS)
    told = stockfold_json(environment, *command, "--dry-run", exit_code=1)
    assert told["sent"] is False
    assert [(bad["row"], bad["field"]) for bad in told["bad_rows"]] == [
        (8, "counted"),
        (9, ""),
        (10, "sku"),
    ]
    assert stockfold_json(environment, *command, "--atomic", "--yes", exit_code=1)["bad"] == 3
    assert committed(environment, ADJUSTMENTS) == []
    assert stockfold_json(environment, "audit", "list") == []


def test_an_interrupted_load_goes_on_behind_what_was_acknowledged(
    environment: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "MARK_EVERY_ROWS", 10)
    mark = loading.Mark(environment, "load-1")
    as_of_us = hour_ago_us()

    def balances() -> Opening:
        now_us = SYSTEM_CLOCK.now_us()
        return Opening("balances", HEADER, MAPPED, source="/erp", as_of_us=as_of_us, told_us=now_us)

    def rows(until: int) -> Iterator[list[str]]:
        for number in range(until):
            yield [f"SKU-{number}", "DC", "1"]
        if until < 50:
            raise KeyboardInterrupt

    def advance(_: int) -> None:
        pass

    with pytest.raises(KeyboardInterrupt):
        loading.load(balances().read(rows(35)), loading.Sender(environment), mark, advance)
    assert mark.read() == 30
    found = loading.load(balances().read(rows(50)), loading.Sender(environment), mark, advance)
    assert (found.good, found.skipped) == (50, 30)
    assert mark.read() == 0
    sent = committed(environment, ADJUSTMENTS)
    assert 50 <= len(sent) <= 55
    assert {read.record["sku"] for read in sent} == {f"SKU-{n}" for n in range(50)}


KINDS = {
    "balances": "sku,location,quantity\nS,A,20\n",
    "in-transit": "sku,transfer,from,to,quantity\nS,T-1,A,B,5\n",
    "inbound": "sku,inbound,line,location,quantity,eta\nS,PO-1,1,A,7,2027-01-01T00:00:00Z\n",
    "allocations": "sku,allocation,order,line,location,quantity\nS,AL-1,SO-1,1,A,3\n",
}


@pytest.mark.parametrize("order", [list(KINDS), list(reversed(KINDS))])
def test_everything_there_is_at_one_moment_is_loaded_in_any_order(
    environment: Settings, tmp_path: Path, order: list[str]
) -> None:
    as_of = format_us(hour_ago_us())
    with ledger(environment):
        for _ in range(2):
            for kind in order:
                path = tmp_path / f"{kind}.csv"
                path.write_text(KINDS[kind], "utf-8")
                command = ("import", str(path), "--kind", kind, "--as-of", as_of, "--yes")
                assert stockfold_json(environment, *command)["good"] == 1
            wait_for("the facts", lambda: len(facts(environment)) == 4)
    found = {
        read.record["location"]: read.record
        for read in committed(environment, POSITIONS)
        if read.name == "Position"
    }
    assert (found["A"]["on_hand"], found["A"]["allocated"], found["A"]["atp"]) == (20, 3, 17)
    assert (found["B"]["on_hand"], found["B"]["in_transit"]) == (0, 5)
    assert [line["quantity"] for line in found["A"]["expected"]] == [7]
    assert len(facts(environment)) == 4
    # Claims before the stock that they are on are folded, and found to be too many meanwhile.
    told = [read.record for read in committed(environment, EXCEPTIONS)]
    assert all(one["folded"] for one in told)
    assert not told or order[0] != "balances"


@pytest.mark.parametrize(("age_s", "told"), [(-60, "in the future"), (8 * 86_400, "8|7 days ago")])
def test_a_moment_that_the_ledger_would_refuse_is_refused_first(
    environment: Settings, file: Path, age_s: int, told: str
) -> None:
    as_of = (datetime.now(UTC) - timedelta(seconds=age_s)).isoformat()
    with pytest.raises(SettingsError, match=told):
        stockfold(environment, "import", str(file), "--as-of", as_of, *OPTIONS, "--yes")


def test_a_file_of_another_encoding_says_so(environment: Settings, tmp_path: Path) -> None:
    path = tmp_path / "balances.csv"
    path.write_bytes("sku,location,quantity\nGröße,DC,1\n".encode("cp1252"))
    command = ("import", str(path), "--as-of", format_us(hour_ago_us()), "--dry-run")
    with pytest.raises(SettingsError, match="not utf-8"):
        stockfold(environment, *command)
    told = stockfold_json(environment, *command, "--encoding", "cp1252")
    assert told["good"] == 1
