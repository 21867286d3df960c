"""The exception desk with a real ledger: what was refused is shown, mended, and folded once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.command_line import stockfold, stockfold_json
from tests.support.kafka_io import Sender, committed, wait_for, wait_for_records
from tests.support.running_ledger import ledger

from stockfold.contracts import codec, envelope
from stockfold.contracts.topics import (
    EXCEPTION_RESOLUTIONS,
    EXCEPTIONS,
    JOURNAL,
    RECEIPTS,
    RESERVATION_STATUS,
)
from stockfold.domain.errors import StockfoldError
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration


def facts(settings: Settings) -> list[dict]:
    return [r.record for r in committed(settings, JOURNAL) if r.name == "JournalFact"]


def headers(kind: str, event_id: str) -> list[tuple[str, bytes]]:
    at_us = SYSTEM_CLOCK.now_us()
    told = envelope.Envelope(event_id, "/test/erp", f"stockfold.{kind}", at_us, "corr-1")
    return envelope.build(told)


def test_a_refused_event_is_listed_shown_corrected_and_folded(environment: Settings) -> None:
    with ledger(environment):
        sender = Sender(environment)
        sender.event("GoodsReceived", event_id="bad", sku="S", location="A", quantity=-5)
        wait_for_records(environment, EXCEPTIONS, 1)
        (listed,) = stockfold_json(environment, "exceptions", "list", "--sku", "S", "--not-folded")
        assert (listed["kind"], listed["state"]) == ("quantity_out_of_range", "open")

        told = stockfold_json(environment, "exceptions", "show", listed["place"])
        assert told["body"]["quantity"] == -5
        assert told["headers"]["ce_id"] == "bad"
        assert told["topic"] == RECEIPTS.name
        assert "10^12" in told["reason"]

        place = listed["place"]
        set_five = ("exceptions", "correct", place, "--set", "quantity=5", "--by", "desk")
        would = stockfold_json(environment, *set_five, "--dry-run")
        assert committed(environment, EXCEPTION_RESOLUTIONS) == []
        done = stockfold_json(environment, *set_five, "--yes")
        assert done["decisions"] == would["decisions"]
        (fact,) = wait_for("the fact", lambda: facts(environment))

        after = stockfold_json(environment, "exceptions", "show", listed["exception"])
    new_id = done["decisions"][0]["event_id"]
    assert fact["event_id"] == new_id != "bad"
    assert after["state"] == "corrected"
    assert after["aftermath"]["folded"] == [[1, "GoodsReceived", new_id]]
    (audit,) = committed(environment, EXCEPTION_RESOLUTIONS)
    assert audit.record["by"] == "desk"
    assert audit.record["replacement_event_id"] == new_id
    sent = done["decisions"][0]["headers"]
    assert (sent["corrects"], sent["ce_source"]) == ("bad", "/test/erp")
    assert stockfold_json(environment, "exceptions", "list", "--state", "open") == []


def test_correcting_the_same_event_twice_folds_it_once(environment: Settings) -> None:
    with ledger(environment):
        sender = Sender(environment)
        sender.event("GoodsReceived", event_id="bad", sku="S", location="A", quantity=-5)
        sender.event("GoodsReceived", event_id="bad", sku="S", location="A", quantity=-5)
        wait_for_records(environment, EXCEPTIONS, 2)
        stockfold(
            environment, "exceptions", "correct", "--sku", "S", "--set", "quantity=5", "--yes"
        )
        wait_for("the fact", lambda: facts(environment))
        (first, _) = stockfold_json(environment, "exceptions", "list")
        with pytest.raises(StockfoldError, match="corrected already"):
            stockfold(
                environment, "exceptions", "correct", first["place"], "--set", "quantity=6", "--yes"
            )
        stockfold(
            environment,
            "exceptions",
            "correct",
            first["place"],
            "--set",
            "quantity=6",
            "--again",
            "--yes",
        )
        raised = wait_for_records(environment, EXCEPTIONS, 3)
        told = stockfold_json(environment, "exceptions", "show", first["place"])
    assert [r.record["kind"] for r in raised].count("payload_conflict") == 1
    assert len(facts(environment)) == 1
    assert len(told["aftermath"]["refused_again"]) >= 1


def test_correlation_and_time_are_kept_and_a_wrong_topic_is_put_right(
    environment: Settings,
) -> None:
    body = {"sku": "S", "reservation": "R", "location": "A"}
    value = codec.encode("stockfold.MoveReservation", body)
    given = headers("MoveReservation", "m1")
    with ledger(environment):
        Sender(environment).raw(RECEIPTS, b"S", value, given)
        wait_for_records(environment, EXCEPTIONS, 1)
        (case,) = stockfold_json(environment, "exceptions", "list", "--kind", "wrong_topic")
        done = stockfold_json(
            environment, "exceptions", "correct", case["place"], "--set", "location=B", "--yes"
        )
        (fact,) = wait_for("the fact", lambda: facts(environment))
    sent = done["decisions"][0]
    assert sent["topic"] == "stockfold.reservations.v1"
    assert sent["headers"]["ce_time"] == dict(given)["ce_time"].decode()
    assert (fact["kind"], fact["correlation_id"]) == ("Parked", "corr-1")


def test_resubmitting_twice_folds_once(environment: Settings) -> None:
    """What was refused for a cause that has passed is sent as it was, and again."""
    ahead_us = SYSTEM_CLOCK.now_us() + 4_000_000
    count = {"sku": "S", "location": "A", "bucket": "on_hand", "counted": 9, "as_of": ahead_us}
    with ledger(environment):
        Sender(environment).event("StockCounted", event_id="c1", **count)
        wait_for_records(environment, EXCEPTIONS, 1)
        (case,) = stockfold_json(environment, "exceptions", "list")
        wait_for("the time of the count", lambda: SYSTEM_CLOCK.now_us() > ahead_us)
        stockfold(environment, "exceptions", "resubmit", case["place"], "--yes")
        (fact,) = wait_for("the fact", lambda: facts(environment))
        stockfold(environment, "exceptions", "resubmit", case["place"], "--yes")
        Sender(environment).event("GoodsReceived", sku="S", location="A", quantity=1)
        wait_for("what came after", lambda: len(facts(environment)) == 2)
        told = stockfold_json(environment, "exceptions", "show", case["place"])
    assert (fact["event_id"], fact["kind"]) == ("c1", "StockCounted")
    assert [f["kind"] for f in facts(environment)] == ["StockCounted", "GoodsReceived"]
    assert told["state"] == "resubmitted"
    assert len(told["resolutions"]) == 2


def test_commands_that_wait_behind_a_refused_reservation_are_shown_and_released_by_its_correction(
    environment: Settings,
) -> None:
    reserve = {
        "sku": "S",
        "reservation": "R",
        "order": "O",
        "line": "1",
        "channel": "web",
        "locations": ["A"],
    }
    with ledger(environment):
        sender = Sender(environment)
        sender.event("GoodsReceived", sku="S", location="A", quantity=9)
        sender.event("ReserveStock", event_id="res", **reserve, quantity=0)
        sender.event("ReleaseReservation", event_id="rel", sku="S", reservation="R", quantity=1)
        sender.event("GoodsReceived", sku="S", location="A", quantity=1)
        wait_for("the SKU to move on", lambda: len(facts(environment)) == 3)
        (case,) = stockfold_json(environment, "exceptions", "list", "--sku", "S")
        before = stockfold_json(environment, "exceptions", "show", case["place"])
        stockfold(
            environment, "exceptions", "correct", case["place"], "--set", "quantity=4", "--yes"
        )
        statuses = wait_for_records(environment, RESERVATION_STATUS, 2)
        after = stockfold_json(environment, "exceptions", "show", case["place"])
    assert before["aftermath"]["waiting"] == [
        {"type": "ReleaseReservation", "event_id": "rel", "waits_for": "r:R"}
    ]
    assert after["aftermath"]["waiting"] == []
    assert [(r.record["status"], r.record["quantity"]) for r in statuses] == [
        ("confirmed", 4),
        ("released", 1),
    ]


def test_bytes_that_cannot_be_read_are_replaced_by_a_body_from_a_file(
    environment: Settings, tmp_path: Path
) -> None:
    body = {"sku": "S", "location": "A", "quantity": 3, "condition": "damaged"}
    path = tmp_path / "body.json"
    path.write_text(json.dumps(body), "utf-8")
    with ledger(environment):
        Sender(environment).raw(RECEIPTS, b"S", b"{oh no", headers("GoodsReceived", "x"))
        wait_for_records(environment, EXCEPTIONS, 1)
        (case,) = stockfold_json(environment, "exceptions", "list")
        told = stockfold_json(environment, "exceptions", "show", case["place"])
        assert (told["body"], bool(told["not_decoded"])) == (None, True)
        stockfold(environment, "exceptions", "correct", case["place"], "--body", str(path), "--yes")
        (fact,) = wait_for("the fact", lambda: facts(environment))
    assert {d["account"] for d in fact["deltas"]} == {"damaged", "supplier"}


def test_a_finding_cannot_be_sent_again_but_resolved_and_many_are_discarded_after_asking(
    environment: Settings,
) -> None:
    sender = Sender(environment)
    with ledger(environment):
        sender.event("StockAdjusted", sku="S", location="A", delta=-1, reason="broken")
        for number in range(3):
            sender.event("GoodsReceived", sku=f"T{number}", location="A", quantity=-1)
        wait_for_records(environment, EXCEPTIONS, 4)
    (finding,) = stockfold_json(environment, "exceptions", "list", "--folded")
    with pytest.raises(StockfoldError, match="is a finding"):
        stockfold(environment, "exceptions", "resubmit", finding["place"])
    stockfold(
        environment, "exceptions", "resolve", finding["place"], "--reason", "counted", "--yes"
    )
    many = ("exceptions", "discard", "--kind", "quantity_out_of_range", "--reason", "a test")
    with pytest.raises(StockfoldError, match="nobody can be asked: 3 exceptions"):
        stockfold(environment, *many)
    stockfold(environment, *many, "--yes")
    listed = stockfold_json(environment, "exceptions", "list", "--since", "1h")
    assert sorted(case["state"] for case in listed) == ["discarded"] * 3 + ["resolved"]
    assert "discarded" in stockfold(environment, "exceptions", "show", listed[0]["place"])


def test_what_does_not_exist_or_would_be_refused_again_is_told_before_anything_is_sent(
    environment: Settings,
) -> None:
    sender = Sender(environment)
    with ledger(environment):
        sender.event("GoodsReceived", sku="S", location="A", quantity=-1)
        wait_for_records(environment, EXCEPTIONS, 1)
    (case,) = stockfold_json(environment, "exceptions", "list")
    correct = ("exceptions", "correct", case["place"])
    with pytest.raises(StockfoldError, match="there is no exception"):
        stockfold(environment, "exceptions", "show", "1-999")
    with pytest.raises(StockfoldError, match="would be refused again"):
        stockfold(environment, *correct, "--set", "quantity=-2")
    with pytest.raises(StockfoldError, match="no field 'quantum'"):
        stockfold(environment, *correct, "--set", "quantum=2")
    with pytest.raises(StockfoldError, match="nothing is corrected"):
        stockfold(environment, *correct)
    with pytest.raises(StockfoldError, match="no exception is named"):
        stockfold(environment, "exceptions", "resubmit")
    assert committed(environment, EXCEPTION_RESOLUTIONS) == []


def test_refused_json_is_corrected_field_by_field(environment: Settings) -> None:
    body = {"sku": "S", "location": "A", "quantity": "three", "condition": "damaged"}
    given = [h for h in headers("GoodsReceived", "j") if h[0] != "content-type"]
    given.append(("content-type", b"application/json"))
    with ledger(environment):
        Sender(environment).raw(RECEIPTS, b"S", json.dumps(body).encode(), given)
        wait_for_records(environment, EXCEPTIONS, 1)
        (case,) = stockfold_json(environment, "exceptions", "list")
        told = stockfold_json(environment, "exceptions", "show", case["place"])
        assert told["body"] == body
        stockfold(
            environment, "exceptions", "correct", case["place"], "--set", "quantity=3", "--yes"
        )
        (fact,) = wait_for("the fact", lambda: facts(environment))
    assert sorted(d["quantity"] for d in fact["deltas"]) == [-3, 3]
