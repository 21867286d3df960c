"""Producers who have never met us: JSON, older schemas and ids of their own, on a real Kafka."""

from __future__ import annotations

import json
from typing import Any

import pytest
from confluent_kafka import Producer
from tests.conftest import NewEnvironment
from tests.support.contract_records import JSON_TYPE, avro_value, headers
from tests.support.kafka_io import Sender, committed, wait_for, wait_for_records
from tests.support.running_ledger import ledger
from tests.support.schema_registry import FakeSchemaRegistry, served

from stockfold.contracts import codec
from stockfold.contracts.registry import default_registry
from stockfold.contracts.topics import ADJUSTMENTS, EXCEPTIONS, JOURNAL, RECEIPTS
from stockfold.domain.times import format_us
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration

BODY = {"sku": "A", "location": "DC-BERLIN", "quantity": 5}
RECORD = {
    **BODY,
    **dict.fromkeys(("inbound", "line", "document", "document_line", "unit")),
    "condition": "on_hand",
}


def facts(settings: Settings) -> list[dict[str, Any]]:
    return [r.record for r in committed(settings, JOURNAL) if r.name == "JournalFact"]


def send(
    sender: Sender, value: bytes, *more: tuple[str, bytes], event_id: str = "e-1", sku: str = "A"
) -> None:
    now = ("ce_time", format_us(SYSTEM_CLOCK.now_us()).encode())
    told = headers("GoodsReceived", now, *more, event_id=event_id)
    sender.raw(RECEIPTS, sku.encode(), value, told)


def wait_for_facts(settings: Settings, count: int) -> list[dict[str, Any]]:
    def enough() -> list[dict[str, Any]] | None:
        found = facts(settings)
        return found if len(found) >= count else None

    found: list[dict[str, Any]] = wait_for(f"{count} facts", enough)
    return found


def test_the_same_event_as_json_avro_and_under_an_older_schema_is_folded_once(
    environment: Settings,
) -> None:
    sender = Sender(environment)
    oldest = default_registry().versions("stockfold.GoodsReceived")[0]
    known = {field["name"] for field in oldest.definition["fields"]}
    record = {name: value for name, value in RECORD.items() if name in known}
    under_oldest = b"\x00" + oldest.id.to_bytes(4, "big") + codec.write_body(oldest, record)
    send(sender, json.dumps(BODY).encode(), *JSON_TYPE)
    send(sender, avro_value("GoodsReceived", RECORD))
    send(sender, under_oldest)
    send(sender, json.dumps(BODY | {"quantity": 6}).encode(), *JSON_TYPE)
    send(sender, under_oldest, event_id="e-2")
    with ledger(environment):
        (conflict,) = wait_for_records(environment, EXCEPTIONS, 1)
        first, second = wait_for_facts(environment, 2)
    assert conflict.record["kind"] == "payload_conflict"
    assert (first["event_id"], first["schema_id"]) == ("e-1", 0)
    assert (second["event_id"], second["schema_id"]) == ("e-2", oldest.id)
    assert first["payload_hash"] == second["payload_hash"]


def test_json_that_cannot_be_read_reaches_the_desk_and_its_partition_moves_on(
    environment: Settings,
) -> None:
    sender = Sender(environment)
    wrong = json.dumps(BODY).replace(" 5}", " 5.0}").encode()
    send(sender, wrong, *JSON_TYPE, event_id="e-1")
    send(sender, b"{", *JSON_TYPE, event_id="e-2")
    send(sender, b"{}", ("content-type", b"application/cloudevents+json"), event_id="e-3")
    send(sender, json.dumps(BODY).encode(), *JSON_TYPE, event_id="e-4")
    with ledger(environment):
        (fact,) = wait_for_facts(environment, 1)
        raised = [row.record for row in wait_for_records(environment, EXCEPTIONS, 3)]
    assert fact["event_id"] == "e-4"
    assert [row["kind"] for row in raised] == [
        "schema_mismatch",
        "invalid_json",
        "unsupported_content_type",
    ]
    assert "$.quantity is 5.0, a decimal number" in raised[0]["reason"]
    assert raised[0]["value"] == wrong


def test_a_producers_own_id_waits_for_the_registry_and_is_not_lost(
    new_environment: NewEnvironment,
) -> None:
    registry = FakeSchemaRegistry(first_id=4711)
    newest = default_registry().by_name("stockfold.GoodsReceived")
    own = registry.add(newest.definition)
    with served(registry) as url:
        settings = new_environment(registry={"url": url})
        sender = Sender(settings)
        body = codec.write_body(newest, RECORD)
        send(sender, b"\x00" + own.to_bytes(4, "big") + body)
        registry.failing = 5
        with ledger(settings):
            (fact,) = wait_for_facts(settings, 1)
    assert fact["schema_id"] == 4711
    assert not registry.failing
    assert committed(settings, EXCEPTIONS) == []


def test_what_is_larger_than_its_answer_may_be_reaches_the_desk_and_its_partition_moves_on(
    environment: Settings,
) -> None:
    sender = Sender(environment)
    packing = Producer(
        {
            **confluent_config(environment),
            "partitioner": "murmur2_random",
            "compression.type": "lz4",
            "message.max.bytes": 20_000_000,
        }
    )
    adjusted = {"sku": "A", "location": "DC-BERLIN", "delta": 1, "bucket": "on_hand"}
    adjusted |= dict.fromkeys(("document", "document_line", "unit"))
    reasons = {"e-1": "\x01" * 900_000, "e-2": "r" * 9_000_000}
    for event_id, reason in reasons.items():
        packing.produce(
            ADJUSTMENTS.full_name(environment.prefix),
            avro_value("StockAdjusted", adjusted | {"reason": reason}),
            b"A",
            headers=headers("StockAdjusted", event_id=event_id),
        )
    assert packing.flush(30) == 0
    sender.event("StockAdjusted", **adjusted | {"reason": "found"}, event_id="e-3")
    with ledger(environment):
        (fact,) = wait_for_facts(environment, 1)
        raised = {
            row.record["event_id"]: row.record
            for row in wait_for_records(environment, EXCEPTIONS, 2)
        }
    assert fact["event_id"] == "e-3"
    assert {row["kind"] for row in raised.values()} == {"text_too_long"}
    assert len(raised["e-1"]["value"]) > 900_000
    assert raised["e-2"]["value"] is None
    assert "and stay in stockfold.adjustments.v1, partition" in raised["e-2"]["reason"]
