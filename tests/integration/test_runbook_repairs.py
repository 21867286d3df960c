"""The repairs of the runbooks, word for word, on a running ledger: they mend what they say."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import NewEnvironment
from tests.support.command_line import stockfold, stockfold_json
from tests.support.kafka_io import Sender, committed, wait_for
from tests.support.running_ledger import ledger

from stockfold.contracts import codec, envelope
from stockfold.contracts.runbooks import runbook_of
from stockfold.contracts.topics import JOURNAL, RECEIPTS, TRANSFERS, Topic
from stockfold.domain.times import format_us
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
RECEIPT = {"location": "DC-BERLIN", "quantity": 5, "condition": "on_hand"}
DAY_US = 86_400_000_000
ITEMS = "sku,name,base_unit,units\nSKU-1001,Shirt,each,case=24\n"


@pytest.fixture(scope="module")
def running(new_environment: NewEnvironment, tmp_path_factory: Any) -> Iterator[Settings]:
    """A ledger that enforces the catalogue, which knows SKU-1001; files beside the reader."""
    settings = new_environment(ledger={"enforce_catalogue": True})
    folder = tmp_path_factory.mktemp("files")
    with pytest.MonkeyPatch.context() as patched, ledger(settings):
        patched.chdir(folder)
        Path("items.csv").write_text(ITEMS, "utf-8")
        stockfold(settings, "catalog", "import", "items.csv", "--yes")
        yield settings


def mend(settings: Settings, kind: str, only: str, **words: str) -> dict[str, Any]:
    """Follow the page of ``kind``: the commands of its repair that match ``only``, no dry runs.

    The words stand for the examples of the page; the exception as it is afterwards.
    """
    found = wait_for(
        f"an exception {kind}",
        lambda: stockfold_json(settings, "exceptions", "list", "--kind", kind, "--state", "open"),
    )
    place = found[0]["place"]
    runbook = runbook_of(kind)
    assert runbook is not None
    assert found[0]["runbook"] == runbook.path
    repair = (ROOT / runbook.path).read_text("utf-8").split("## Repair")[1].split("\n## ")[0]
    commands = [
        line
        for block in re.findall(r"```sh\n(.*?)```", repair, re.DOTALL)
        for line in block.splitlines()
        if re.search(only, line) and "--dry-run" not in line
    ]
    assert commands
    for command in commands:
        arguments = shlex.split(command)[1:]
        for example, word in {"3-42": place, **words}.items():
            arguments = [argument.replace(example, word) for argument in arguments]
        stockfold(settings, *arguments, "--yes")
    told: dict[str, Any] = stockfold_json(settings, "exceptions", "show", place)
    return told


def is_folded(settings: Settings, told: dict[str, Any]) -> bool:
    """Whether a fact of what was sent in its place is in the journal."""
    sent = {told["event_id"], *(done["replacement_event_id"] for done in told["resolutions"])}
    facts = (read.record for read in committed(settings, JOURNAL) if read.name == "JournalFact")
    return any(fact["event_id"] in sent for fact in facts)


def given(event_id: str, *, without: str = "") -> list[tuple[str, bytes]]:
    told = envelope.Envelope(
        event_id, "/test/erp", "stockfold.GoodsReceived", SYSTEM_CLOCK.now_us()
    )
    return [header for header in envelope.build(told) if header[0] != without]


def receipt(settings: Settings, event_id: str, topic: Topic = RECEIPTS, key: str = "SKU-1001"):
    value = codec.encode("stockfold.GoodsReceived", {"sku": "SKU-1001", **RECEIPT})
    Sender(settings).raw(topic, key.encode(), value, given(event_id))


def now() -> dict[str, str]:
    """The time that stands in the pages is today's."""
    return {"2026-11-01T12:00:00Z": format_us(SYSTEM_CLOCK.now_us())}


def test_a_wrong_value_is_corrected(running: Settings) -> None:
    Sender(running).event(
        "GoodsReceived", event_id="v", sku="SKU-1001", **{**RECEIPT, "quantity": -5}
    )
    told = mend(running, "quantity_out_of_range", "--set quantity=5")
    assert wait_for("the fact", lambda: is_folded(running, told))


def test_a_wrong_topic_is_put_right(running: Settings) -> None:
    receipt(running, "t", TRANSFERS)
    told = mend(running, "wrong_topic", "correct")
    assert wait_for("the fact", lambda: is_folded(running, told))


def test_a_wrong_key_is_put_right(running: Settings) -> None:
    receipt(running, "k", key="SKU-1")
    told = mend(running, "key_mismatch", "correct")
    assert wait_for("the fact", lambda: is_folded(running, told))


def test_a_missing_header_is_given(running: Settings) -> None:
    value = codec.encode("stockfold.GoodsReceived", {"sku": "SKU-1001", **RECEIPT})
    Sender(running).raw(RECEIPTS, b"SKU-1001", value, given("h", without="ce_time"))
    told = mend(running, "missing_header", "--header", **now())
    assert wait_for("the fact", lambda: is_folded(running, told))


def test_bytes_that_are_no_event_are_replaced(running: Settings) -> None:
    Path("event.json").write_text(json.dumps({"sku": "SKU-1001", **RECEIPT}), "utf-8")
    Sender(running).raw(RECEIPTS, b"SKU-1001", b"oh no", given("u"))
    told = mend(running, "undecodable", "event.json --reason")
    assert wait_for("the fact", lambda: is_folded(running, told))


def test_an_unknown_sku_is_imported_and_its_events_sent_again(running: Settings) -> None:
    Sender(running).event("GoodsReceived", event_id="n", sku="SKU-1002", **RECEIPT)
    Path("items.csv").write_text(f"{ITEMS}SKU-1002,Skirt,each,\n", "utf-8")
    told = mend(running, "unknown_sku", "import|resubmit", **{"SKU-1001": "SKU-1002"})
    assert told["state"] == "resubmitted"
    assert wait_for("the fact", lambda: is_folded(running, told))


def test_a_quantity_in_an_unknown_unit_is_told_in_base_units(running: Settings) -> None:
    Sender(running).event(
        "GoodsReceived", event_id="b", sku="SKU-1001", unit="BOX", **{**RECEIPT, "quantity": 2}
    )
    told = mend(running, "unknown_unit", "unit=null")
    assert wait_for("the fact", lambda: is_folded(running, told))


def test_an_old_event_that_is_new_gets_the_time_of_today(running: Settings) -> None:
    Sender(running).event(
        "GoodsReceived",
        event_id="o",
        occurred_us=SYSTEM_CLOCK.now_us() - 9 * DAY_US,
        sku="SKU-1001",
        **RECEIPT,
    )
    told = mend(running, "older_than_horizon", "--header", **now())
    assert wait_for("the fact", lambda: is_folded(running, told))


def test_a_count_of_the_future_gets_the_time_at_which_it_was_made(running: Settings) -> None:
    as_of = SYSTEM_CLOCK.now_us() + DAY_US
    place = {"location": "STORE", "bucket": "on_hand"}
    Sender(running).event(
        "StockCounted", event_id="c", sku="SKU-1001", counted=9, as_of=as_of, **place
    )
    told = mend(running, "count_in_future", "--set as_of", **now())
    assert wait_for("the fact", lambda: is_folded(running, told))


def test_the_second_of_two_contents_is_discarded(running: Settings) -> None:
    for quantity in (5, 6):
        Sender(running).event(
            "GoodsReceived", event_id="p", sku="SKU-1001", **{**RECEIPT, "quantity": quantity}
        )
    told = mend(running, "payload_conflict", "discard")
    assert told["state"] == "discarded"


def test_a_shelf_below_zero_is_counted_and_the_finding_resolved(running: Settings) -> None:
    Sender(running).event(
        "StockAdjusted", event_id="a", sku="SKU-1001", location="LAB", delta=-1, reason="broken"
    )
    Path("count.csv").write_text("sku,location,quantity\nSKU-1001,LAB,3\n", "utf-8")
    told = mend(running, "on_hand_negative", "import|resolve", **now())
    assert told["state"] == "resolved"
    explained = wait_for(
        "the count",
        lambda: "3 units are on hand" in stockfold(running, "explain", "SKU-1001", "LAB"),
    )
    assert explained
