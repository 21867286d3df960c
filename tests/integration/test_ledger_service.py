"""The ledger service on a real Kafka."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewPartitions
from tests.conftest import NewEnvironment
from tests.support.kafka_io import Sender, committed, wait_for, wait_for_records
from tests.support.running_ledger import ledger

from stockfold.contracts import codec, envelope
from stockfold.contracts.journal import Mark, decode_entry
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import (
    EXCEPTIONS,
    INPUTS,
    JOURNAL,
    POSITIONS,
    RECEIPTS,
    RESERVATION_STATUS,
    RESERVATIONS,
)
from stockfold.domain.errors import SettingsError
from stockfold.ledger.decide import DECISIONS
from stockfold.ledger.digest import digest
from stockfold.ledger.evolve import evolve
from stockfold.ledger.state import SkuState
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold_services.ledger.main import run

pytestmark = pytest.mark.integration


def facts(settings: Settings) -> list[dict]:
    return [r.record for r in committed(settings, JOURNAL) if r.name == "JournalFact"]


def position(settings: Settings, sku: str, location: str) -> dict | None:
    """The latest numbers of a place."""
    found = [
        r.record
        for r in committed(settings, POSITIONS)
        if r.name == "Position" and (r.record["sku"], r.record["location"]) == (sku, location)
    ]
    return found[-1] if found else None


def test_a_receipt_becomes_a_fact_a_position_and_nothing_else(environment: Settings) -> None:
    sender = Sender(environment)
    with ledger(environment):
        event_id = sender.event("GoodsReceived", sku="S", location="A", quantity=5)
        (fact,) = wait_for("the fact", lambda: facts(environment))
    assert (fact["sku"], fact["seq"], fact["kind"]) == ("S", 1, "GoodsReceived")
    assert (fact["event_id"], fact["topic"]) == (event_id, RECEIPTS.name)
    assert sum(delta["quantity"] for delta in fact["deltas"]) == 0
    assert position(environment, "S", "A")["on_hand"] == 5
    assert committed(environment, EXCEPTIONS) == []


def test_an_order_line_is_reserved_allocated_and_shipped(environment: Settings) -> None:
    sender = Sender(environment)
    line = {"sku": "S", "order": "O", "line": "1", "quantity": 2}
    with ledger(environment):
        sender.event("GoodsReceived", sku="S", location="A", quantity=5)
        sender.event("ReserveStock", **line, reservation="R", channel="web", locations=["A"])
        sender.event("StockAllocated", **line, allocation="AL", location="A")
        sender.event("StockShipped", **line, shipment="SH", allocation="AL", location="A")
        wait_for_records(environment, RESERVATION_STATUS, 3)
    statuses = [r.record["status"] for r in committed(environment, RESERVATION_STATUS)]
    assert statuses == ["confirmed", "allocated", "shipped"]
    last = position(environment, "S", "A")
    assert (last["on_hand"], last["allocated"], last["reserved"], last["atp"]) == (3, 0, 0, 3)


def good_headers(kind: str, event_id: str = "bad") -> list[tuple[str, bytes]]:
    at_us = SYSTEM_CLOCK.now_us()
    return envelope.build(envelope.Envelope(event_id, "/test", f"stockfold.{kind}", at_us))


def receipt(**changes: object) -> bytes:
    body = {"sku": "S", "location": "A", "quantity": 1, **changes}
    return codec.encode("stockfold.GoodsReceived", body)


GOOD = receipt()
BAD_INPUTS = {
    "undecodable": (b"S", b"not avro", good_headers("GoodsReceived")),
    "undecodable_tail": (b"S", GOOD + b"x", good_headers("GoodsReceived")),
    "undecodable_nothing": (b"S", None, good_headers("GoodsReceived")),
    "unknown_schema": (b"S", b"\x00\x00\x0f\xff\xff" + GOOD[5:], good_headers("GoodsReceived")),
    "missing_header": (b"S", GOOD, []),
    "missing_header_time": (
        b"S",
        GOOD,
        [h for h in good_headers("GoodsReceived") if h[0] != "ce_time"],
    ),
    "bad_envelope": (
        b"S",
        GOOD,
        [
            h if h[0] != "ce_time" else ("ce_time", b"2026-11-01T12:00:00")
            for h in good_headers("GoodsReceived")
        ],
    ),
    "type_mismatch": (b"S", GOOD, good_headers("StockShipped")),
    "key_mismatch": (b"T", GOOD, good_headers("GoodsReceived")),
    "key_mismatch_none": (None, GOOD, good_headers("GoodsReceived")),
    "quantity_out_of_range": (b"S", receipt(quantity=-5), good_headers("GoodsReceived")),
    "quantity_out_of_range_zero": (b"S", receipt(quantity=0), good_headers("GoodsReceived")),
    "quantity_out_of_range_huge": (
        b"S",
        receipt(quantity=2**62),
        good_headers("GoodsReceived"),
    ),
    "bad_identifier": (b"S", receipt(location="A|B"), good_headers("GoodsReceived")),
    "wrong_topic": (
        b"S",
        codec.encode(
            "stockfold.MoveReservation", {"sku": "S", "reservation": "R", "location": "A"}
        ),
        good_headers("MoveReservation"),
    ),
}


def test_bad_input_reaches_the_exceptions_with_its_bytes_and_the_partition_moves_on(
    environment: Settings,
) -> None:
    sender = Sender(environment)
    for key, value, headers in BAD_INPUTS.values():
        sender.raw(RECEIPTS, key, value, headers)
    sender.event("GoodsReceived", sku="S", location="A", quantity=7)
    sender.event("GoodsReceived", sku="T", location="A", quantity=7)
    with ledger(environment):
        raised = wait_for_records(environment, EXCEPTIONS, len(BAD_INPUTS))
        wait_for("the good receipts", lambda: len(facts(environment)) == 2)
    assert len(raised) == len(BAD_INPUTS)
    told = {(r.record["kind"], r.record["key"], r.record["value"]) for r in raised}
    for name, (key, value, _) in BAD_INPUTS.items():
        kinds = [kind for kind, k, v in told if (k, v) == (key, value) and name.startswith(kind)]
        assert kinds, name
    for entry in raised:
        record = entry.record
        assert record["topic"] == RECEIPTS.name
        assert record["partition"] == entry.partition
        assert record["reason"]
        assert record["remedy"]
        assert not record["folded"]
    places = {(r.record["partition"], r.record["offset"]) for r in raised}
    assert len(places) == len(BAD_INPUTS)


def test_a_repeat_changes_nothing_and_another_payload_is_an_exception_also_after_a_restart(
    environment: Settings,
) -> None:
    sender = Sender(environment)
    with ledger(environment):
        sender.event("GoodsReceived", event_id="one", sku="S", location="A", quantity=5)
        wait_for("the fact", lambda: facts(environment))
    with ledger(environment):
        sender.event("GoodsReceived", event_id="one", sku="S", location="A", quantity=5)
        sender.event("GoodsReceived", event_id="one", sku="S", location="A", quantity=6)
        (raised,) = wait_for_records(environment, EXCEPTIONS, 1)
    assert raised.record["kind"] == "payload_conflict"
    assert len(facts(environment)) == 1
    assert position(environment, "S", "A")["on_hand"] == 5


def test_a_reservation_expires_by_the_ledgers_own_clock_when_nothing_else_happens(
    environment: Settings,
) -> None:
    sender = Sender(environment)
    with ledger(environment):
        sender.event("GoodsReceived", sku="S", location="A", quantity=5)
        sender.event(
            "ReserveStock",
            sku="S",
            reservation="R",
            order="O",
            line="1",
            channel="web",
            quantity=5,
            locations=["A"],
            expires_at=SYSTEM_CLOCK.now_us() + 1_500_000,
        )
        wait_for_records(environment, RESERVATION_STATUS, 2)
    statuses = [r.record["status"] for r in committed(environment, RESERVATION_STATUS)]
    assert statuses == ["confirmed", "expired"]
    (fact,) = [f for f in facts(environment) if f["kind"] == "ReservationExpired"]
    assert (fact["topic"], fact["offset"], fact["event_id"]) == ("", -1, "")
    assert position(environment, "S", "A")["atp"] == 5


def test_facts_come_before_commands_that_the_broker_got_later(environment: Settings) -> None:
    sender = Sender(environment)
    for number in range(40):
        sku = f"S{number}"
        sender.event("GoodsReceived", sku=sku, location="A", quantity=1)
        sender.event(
            "ReserveStock",
            sku=sku,
            reservation=f"R{number}",
            order="O",
            line=str(number),
            channel="web",
            quantity=1,
            locations=["A"],
        )
    with ledger(environment):
        answers = wait_for_records(environment, RESERVATION_STATUS, 40)
    assert {r.record["status"] for r in answers} == {"confirmed"}


def send_stream(settings: Settings, seed: int, count: int) -> dict[tuple[str, str], int]:
    """Receipts, shipments and repeats over a few SKUs; the on-hand they add up to."""
    dice, sender = random.Random(seed), Sender(settings)
    expected: dict[tuple[str, str], int] = {}
    for number in range(count):
        sku, place = f"S{dice.randrange(5)}", dice.choice("AB")
        units = dice.randint(1, 9)
        receives = dice.random() < 0.6
        body = {"sku": sku, "location": place, "quantity": units}
        for _ in range(2 if dice.random() < 0.1 else 1):
            if receives:
                sender.event("GoodsReceived", event_id=f"n{number}", flush=False, **body)
            else:
                sender.event(
                    "StockShipped",
                    event_id=f"n{number}",
                    flush=False,
                    occurred_us=None,
                    shipment=f"H{number}",
                    order=f"O{number}",
                    line="1",
                    **body,
                )
        expected[sku, place] = expected.get((sku, place), 0) + (units if receives else -units)
    sender.flush()
    return expected


def start_process(settings: Settings) -> subprocess.Popen[bytes]:
    config = settings.environment.data_dir / "stockfold.toml"
    config.touch()
    environment = {
        **os.environ,
        "STOCKFOLD_CONFIG": str(config),
        "STOCKFOLD_ENVIRONMENT__PREFIX": settings.environment.prefix,
        "STOCKFOLD_KAFKA__BOOTSTRAP": settings.kafka.bootstrap or "",
        "STOCKFOLD_KAFKA__SKU_PARTITIONS": str(settings.kafka.sku_partitions),
        "STOCKFOLD_LEDGER__BATCH_EVENTS_MAX": "40",
    }
    command = [sys.executable, "-m", "stockfold_services.ledger.main"]
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)


def covered(settings: Settings) -> int:
    """Input records that the journal's marks cover."""
    reader, total = PartitionReader(settings), 0
    for partition in range(settings.kafka.sku_partitions):
        newest: Mark | None = None
        for batch in reader.read(JOURNAL, partition):
            for message in batch:
                entry = decode_entry(message.value())
                newest = entry if isinstance(entry, Mark) else newest
        total += sum(newest.next_offsets.values()) if newest else 0
    return total


@pytest.mark.timeout(240)
def test_killed_again_and_again_nothing_is_lost_and_nothing_folds_twice(
    environment: Settings,
) -> None:
    seed = 20_261_123
    expected = send_stream(environment, seed, 1_500)
    reader = PartitionReader(environment)
    wanted = sum(
        reader.stable_end(topic, partition)
        for topic in INPUTS
        for partition in range(environment.kafka.sku_partitions)
    )
    dice = random.Random(seed)
    for _ in range(5):
        process = start_process(environment)
        before = covered(environment)
        wait_for(
            f"progress (seed {seed})", lambda b=before: covered(environment) > b or b == wanted
        )
        time.sleep(dice.random() * 0.4)
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    with ledger(environment):
        wait_for("all inputs", lambda: covered(environment) == wanted)
    states: dict[str, SkuState] = {}
    for batch in (b for p in range(2) for b in reader.read(JOURNAL, p)):
        for message in batch:
            entry = decode_entry(message.value())
            if not isinstance(entry, Mark):
                state = states.setdefault(entry.cause.sku, SkuState(entry.cause.sku))
                assert entry.seq == state.seq + 1, f"seed {seed}"
                evolve(state, entry)
    found = {
        (sku, place): state.number(place, 0)
        for sku, state in states.items()
        for place in state.locations
    }
    assert found == expected, f"seed {seed}"
    latest = {
        (r.record["sku"], r.record["location"]): r.record["on_hand"]
        for r in committed(environment, POSITIONS)
        if r.name == "Position"
    }
    assert latest == expected, f"seed {seed}"
    assert len(digest(states.values())) == 32


def test_inputs_sent_to_the_reservations_topic_only_answer_there(environment: Settings) -> None:
    sender = Sender(environment)
    sender.raw(RESERVATIONS, b"S", GOOD, good_headers("GoodsReceived"))
    with ledger(environment):
        (raised,) = wait_for_records(environment, EXCEPTIONS, 1)
    assert raised.record["kind"] == "wrong_topic"


def test_a_key_on_a_foreign_partition_is_an_exception_and_the_partition_moves_on(
    environment: Settings,
) -> None:
    home = partition_of(b"S", 2)
    producer = Producer(confluent_config(environment))
    name = RECEIPTS.full_name(environment.prefix)
    producer.produce(name, GOOD, b"S", 1 - home, headers=list(good_headers("GoodsReceived")))
    assert producer.flush(20) == 0
    sender = Sender(environment)
    sender.event("GoodsReceived", sku="S", location="A", quantity=7)
    other = next(f"T{n}" for n in range(99) if partition_of(f"T{n}".encode(), 2) != home)
    sender.event("GoodsReceived", sku=other, location="A", quantity=7)
    with ledger(environment):
        (raised,) = wait_for_records(environment, EXCEPTIONS, 1)
        wait_for("the others", lambda: len(facts(environment)) == 2)
    assert raised.record["kind"] == "misrouted_key"
    assert raised.record["partition"] == 1 - home
    assert "murmur2_random" in raised.record["remedy"]
    assert position(environment, "S", "A")["on_hand"] == 7


def test_the_ledger_refuses_to_start_on_unequal_partition_counts(
    new_environment: NewEnvironment,
) -> None:
    settings = new_environment()
    name = RESERVATIONS.full_name(settings.prefix)
    admin = AdminClient(confluent_config(settings))
    for future in admin.create_partitions([NewPartitions(name, 3)]).values():
        future.result(20)
    wait_for(
        "the third partition", lambda: len(admin.list_topics(name).topics[name].partitions) > 2
    )
    with pytest.raises(SettingsError, match=rf"{name}: 3"):
        run(settings, threading.Event())


def test_an_event_that_meets_a_defect_of_ours_stalls_nothing_and_is_not_lost(
    environment: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(state: SkuState, given: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setitem(DECISIONS, "StockAdjusted", fail)
    sender = Sender(environment)
    sender.event("GoodsReceived", sku="S", location="A", quantity=5)
    bad = sender.event("StockAdjusted", sku="S", location="A", delta=1, reason="test")
    sender.event("GoodsReceived", sku="S", location="A", quantity=7)
    with ledger(environment):
        (raised,) = wait_for_records(environment, EXCEPTIONS, 1)
        wait_for("both receipts", lambda: len(facts(environment)) == 2)
    assert (raised.record["kind"], raised.record["event_id"]) == ("defect", bad)
    assert raised.record["value"]
    assert position(environment, "S", "A")["on_hand"] == 12
