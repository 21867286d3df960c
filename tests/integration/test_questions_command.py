"""The questions on the command line, against a real journal."""

from __future__ import annotations

import pytest
from tests.support.command_line import stockfold, stockfold_json
from tests.support.kafka_io import Sender, committed, wait_for
from tests.support.running_ledger import ledger

from stockfold.contracts.topics import JOURNAL
from stockfold.domain.errors import StockfoldError
from stockfold.runtime.audit import changes
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def told(new_environment) -> Settings:
    """A SKU that was received, reserved, and allocated beyond its stock."""
    environment = new_environment()
    sender = Sender(environment)
    with ledger(environment):
        sender.event("GoodsReceived", sku="milk", location="A", quantity=5)
        sender.event(
            "ReserveStock",
            sku="milk",
            reservation="R-1",
            order="o-1",
            line="1",
            channel="web",
            quantity=2,
            locations=["A"],
        )
        sender.event(
            "StockAllocated",
            sku="milk",
            allocation="AL",
            order="o-2",
            line="1",
            location="A",
            quantity=6,
        )
        sender.event("ReturnReceived", sku="bread", location="A", quantity=2, **{"return": "RMA"})
        sender.event("GoodsReceived", sku="bread", location="A", quantity=1)
        wait_for(
            "five facts",
            lambda: sum(r.name == "JournalFact" for r in committed(environment, JOURNAL)) == 5,
        )
    return environment


def test_explain_is_a_paragraph_and_the_facts_of_each_number(told: Settings) -> None:
    shown = stockfold(told, "explain", "milk")
    assert shown.startswith("SKU milk: 5 units are on hand at A. 8 are promised: 6 to order o-2,")
    assert "A is oversold: 1 unit is allocated" in shown
    assert "conservation holds: 5 received + 0 adjusted = 5" in shown
    assert "as of journal partition" in shown


def test_explain_as_json_names_the_place_of_every_fact(told: Settings) -> None:
    found = stockfold_json(told, "explain", "milk", "A", "--number", "allocated")
    (number,) = found["explanation"]["numbers"]
    (step,) = number["steps"]
    assert (number["value"], step["delta"]) == (6, 6)
    facts = {
        record.record["kind"]: record
        for record in committed(told, JOURNAL)
        if record.name == "JournalFact" and record.record["sku"] == "milk"
    }
    allocated = facts["StockAllocated"]
    assert step["fact"]["journal"] == {
        "topic": "stockfold.journal.v1",
        "partition": allocated.partition,
        "offset": allocated.offset,
    }
    assert step["fact"]["cause"]["topic"] == "stockfold.allocations.v1"
    assert step["fact"]["cause"]["offset"] == allocated.record["offset"]
    assert step["fact"]["event_id"] == allocated.record["event_id"]
    assert found["as_of"]["seq"] == 3
    assert found["as_of"]["offset"] == allocated.offset
    assert 0 <= found["as_of"]["age_ms"] < 60_000


def test_a_sku_is_found_whatever_the_settings_say_about_partitions(told: Settings) -> None:
    other = told.model_copy(update={"kafka": told.kafka.model_copy(update={"sku_partitions": 7})})
    for sku in ("milk", "bread"):
        assert stockfold(other, "explain", sku, "--brief").startswith(f"SKU {sku}: ")


def test_a_place_where_the_sku_never_was_is_said_to_be_unknown(told: Settings) -> None:
    with pytest.raises(StockfoldError, match="never at 'NOWHERE'"):
        stockfold(told, "explain", "milk", "NOWHERE")
    with pytest.raises(StockfoldError, match="no number"):
        stockfold(told, "explain", "milk", "--number", "happiness")
    with pytest.raises(StockfoldError, match="knows no SKU"):
        stockfold(told, "explain", "nobody")


def test_as_of_tells_both_times_and_what_was_learned_since(told: Settings) -> None:
    found = stockfold_json(told, "as-of", "milk", "--at", "0s")
    (place,) = found["picture"]["known_then"]["positions"]
    assert (place["on_hand"], place["allocated"], place["atp"]) == (5, 6, -3)
    assert found["picture"]["known_later"] == found["picture"]["known_then"]
    assert found["channels"] == []
    shown = stockfold(told, "as-of", "milk", "--at", "1d")
    assert "0 units could be promised as it was known then" in shown
    with pytest.raises(StockfoldError, match="future"):
        stockfold(told, "as-of", "milk", "--at", "2999-01-01T00:00:00Z")
    with pytest.raises(StockfoldError, match="before --at"):
        stockfold(told, "as-of", "milk", "--at", "1m", "--known-at", "2m")
    with pytest.raises(StockfoldError, match="no time"):
        stockfold(told, "as-of", "milk", "--at", "noon")


def test_oversell_names_the_cause_and_who_holds_the_units(told: Settings) -> None:
    found = stockfold_json(told, "oversell", "milk")
    (one,) = found["oversells"]
    assert (one["deficit"]["cause"], one["deficit"]["units"]) == ("allocated_without_stock", 3)
    assert [claim["order"] for claim in one["deficit"]["claims"]] == ["o-2", "o-1"]
    assert one["channels"] == []
    shown = stockfold(told, "oversell", "milk", "A")
    assert "SKU milk at A: 3 missing now, 3 at worst (short, oversold)" in shown
    assert "held by order o-1, line 1 (web): 2 reserved, 0 allocated" in shown
    assert "nothing is missing; --past" in stockfold(told, "oversell", "bread")


def test_every_sku_in_deficit_is_listed(told: Settings) -> None:
    (one,) = stockfold_json(told, "oversell", "--all")["shortages"]
    assert (one["sku"], one["location"], one["units"]) == ("milk", "A", 3)
    assert "1 in deficit" in stockfold(told, "oversell", "--all")
    with pytest.raises(StockfoldError, match="one SKU, or --all"):
        stockfold(told, "oversell")


def test_leaks_are_listed_with_the_event_that_ends_them(told: Settings) -> None:
    found = stockfold_json(told, "leaks", "--older-than", "0s")
    proposals = {leak["kind"]: leak["proposal"] for leak in found["leaks"]}
    assert found["total"] == 3
    assert proposals["return"]["type"] == "ReturnDispositioned"
    assert proposals["allocation"]["body"] == {
        "sku": "milk",
        "allocation": "AL",
        "quantity": 6,
        "to": "free",
    }
    assert len(found["as_of"]["offsets"]) == 2
    assert stockfold_json(told, "leaks")["leaks"] == []
    shown = stockfold(told, "leaks", "--older-than", "0s", "--kind", "return")
    assert "SKU bread: 2 units wait for inspection at A (return RMA)." in shown
    assert "ends it: ReturnDispositioned, sku bread, return RMA, location A, quantity 2" in shown
    only = stockfold_json(told, "leaks", "--older-than", "0s", "--sku", "milk")
    assert {leak["kind"] for leak in only["leaks"]} == {"reservation", "allocation"}


@pytest.mark.parametrize(
    "wrong",
    [
        ("--older-than", "old"),
        ("--kind", "wish"),
        ("--remainder", "mine"),
        ("--disposition", "eaten"),
    ],
)
def test_a_leak_that_cannot_be_meant_is_refused(told: Settings, wrong: tuple[str, str]) -> None:
    with pytest.raises(StockfoldError, match=f"'{wrong[1]}' is no"):
        stockfold(told, "leaks", *wrong)


def test_sending_ends_the_leaks_once_and_leaves_an_audit_record(new_environment) -> None:
    environment = new_environment()
    sender = Sender(environment)

    def facts() -> list[str]:
        records = committed(environment, JOURNAL)
        return [r.record["kind"] for r in records if r.name == "JournalFact"]

    send = ("leaks", "--older-than", "0s", "--send")
    with ledger(environment):
        sender.event("GoodsReceived", sku="s", location="A", quantity=5)
        sender.event(
            "StockAllocated",
            sku="s",
            allocation="AL",
            order="o",
            line="1",
            location="A",
            quantity=2,
        )
        wait_for("both facts", lambda: len(facts()) == 2)
        with pytest.raises(StockfoldError, match="nobody can be asked: 1 events will be sent"):
            stockfold(environment, *send)
        dry = stockfold_json(environment, *send, "--dry-run")
        assert (dry["dry_run"], len(dry["sent"])) == (True, 1)
        assert changes(environment) == []
        sent = stockfold_json(environment, *send, "--yes")["sent"]
        assert sent == dry["sent"]
        wait_for("the end of the allocation", lambda: len(facts()) == 3)
        assert facts()[-1] == "StockDeallocated"
        assert stockfold_json(environment, "leaks", "--older-than", "0s")["leaks"] == []
    (change,) = changes(environment)
    assert (change.command, change.outcome, change.result) == ("leaks", "done", {"sent": 1})
    assert change.details["events"][0]["event_id"] == sent[0]["event_id"]
