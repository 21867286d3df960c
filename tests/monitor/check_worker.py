"""The monitor as a worker of Faust in its own process, on a real Kafka: ``make test-monitor``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, Producer
from confluent_kafka.admin import AdminClient

from stockfold.contracts.codec import encode
from stockfold.contracts.topics import AUDIT, AVAILABILITY, DELIVERIES, MONITOR, ORDER_STATUS, Topic
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import confluent_config, ensure_topics, group_id
from stockfold.runtime.settings import Settings
from tests.monitor.sasl_kafka import PASSWORD, USER, SaslKafka
from tests.support.command_line import variables
from tests.support.kafka_io import committed, wait_for
from tests.support.servers import server_folder, serving

SECOND_US = 1_000_000
START_S = 90.0
WHILE_AWAY = 50
"""Deliveries that wait for a worker that starts."""


@contextmanager
def worker(settings: Settings, name: str = "monitor", **variables_: str) -> Iterator[None]:
    """A worker that runs while the block does, stopped by a signal; it must end well."""
    log = settings.environment.data_dir / f"{name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(  # ours, without input
            [sys.executable, "-m", "stockfold_services.monitor.main"],
            env={**os.environ, **variables(settings), **variables_},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            yield
            assert process.poll() is None, log.read_text()
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
                raise AssertionError(log.read_text()) from None


def send(settings: Settings, topic: Topic, key: str, name: str, body: dict[str, Any]) -> None:
    producer = Producer({**confluent_config(settings), "acks": "all"})
    value = encode(f"stockfold.{name}", body)
    producer.produce(topic.full_name(settings.prefix), value, key.encode(), 0)
    assert producer.flush(20) == 0


def delivered(sku: str, took_ms: int, at_us: int) -> dict[str, Any]:
    return {
        "channel": "woo-de", "sku": sku, "version": 1, "quantity": 5, "outcome": "applied",
        "attempts": 1, "detail": "", "sent_at": at_us, "finished_at": at_us, "correlation_id": "",
        "caused_at": at_us - took_ms * 1000, "recorded_at": at_us, "took_us": took_ms * 1000,
    }  # fmt: skip


def available(quantity: int, version: int, at_us: int) -> dict[str, Any]:
    return {
        "channel": "woo-de", "sku": "A", "quantity": quantity, "status": "in_stock",
        "next_available": None, "lead_time_days": None, "locations": [], "version": version,
        "policy_revision": 1, "seq": version, "steps": [], "recorded_at": at_us,
        "correlation_id": "", "caused_at": at_us,
    }  # fmt: skip


def status(version: int, name: str, at_us: int, caused_us: int) -> dict[str, Any]:
    line = {
        "line": "1", "sku": "A", "quantity": 1, "refunded": 0, "status": "confirmed", "reason": "",
        "bill": "", "taxes": [], "demands": [],
    }  # fmt: skip
    return {
        "channel": "woo-de", "order": "1", "revision": 1, "version": version, "status": name,
        "reason": "", "told": "processing", "accepted": True, "expires_at": None,
        "ledger_order": "woo-de/1", "lines": [line], "event_id": "", "source": "",
        "correlation_id": "", "recorded_at": at_us, "caused_at": caused_us,
    }  # fmt: skip


def audited(outcome: str, at_us: int, shipped_us: int) -> dict[str, Any]:
    return {
        "audit": "a1", "outcome": outcome, "command": "order shipment", "subject": "woo-de/1",
        "by": "sweeper", "at": at_us, "details": f'{{"shipped_at_us": {shipped_us}}}',
    }  # fmt: skip


def windows(settings: Settings, what: str) -> list[dict[str, Any]]:
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for read in committed(settings, MONITOR):
        record = read.record
        if record["what"] == what:
            found[record["channel"], record["sku"], record["began_at"]] = record
    return list(found.values())


@pytest.fixture
def settings(environment: Settings) -> Settings:
    return environment


def test_promises_and_stock_outs_are_told_by_window_and_all_of_it_can_be_made_again(
    settings: Settings,
) -> None:
    now = SYSTEM_CLOCK.now_us()
    for number, took_ms in enumerate((200, 1_500, 90_000)):
        send(settings, DELIVERIES, f"woo-de|{number}", "Delivery", delivered("A", took_ms, now))
    began = now - 100 * SECOND_US
    send(settings, ORDER_STATUS, "woo-de|1", "OrderStatus", status(1, "reserving", began, began))
    rest = began + 2 * SECOND_US
    send(settings, ORDER_STATUS, "woo-de|1", "OrderStatus", status(2, "confirmed", rest, rest))
    send(settings, AUDIT, "a1", "AuditRecord", audited("begun", now, now - 10 * SECOND_US))
    send(settings, AUDIT, "a1", "AuditRecord", audited("done", now, now - 10 * SECOND_US))
    with worker(settings):
        wait_for("deliveries", lambda: whole(settings, "inventory_propagation", 3), START_S)
        wait_for("the order", lambda: whole(settings, "order_ingestion", 1))
        wait_for("the parcel", lambda: whole(settings, "shipment_confirmation", 1))
        for version, (quantity, ago_s) in enumerate(((5, 60), (0, 50), (0, 40), (7, 20)), 1):
            body = available(quantity, version, now - ago_s * SECOND_US)
            send(settings, AVAILABILITY, "woo-de|A", "Availability", body)
        wait_for("the end of the stock-out", lambda: ended(settings))
    (hour, *_) = windows(settings, "inventory_propagation")
    assert (hour["count"], hour["within"], hour["target_ms"]) == (3, 2, 60_000)
    assert (hour["worst_ms"], hour["total_ms"]) == (90_000, 91_700)
    assert len(windows(settings, "inventory_propagation")) == 12, "an hour hops every five minutes"
    (order, *_) = windows(settings, "order_ingestion")
    assert (order["count"], order["within"], order["worst_ms"]) == (1, 1, 2_000)
    (parcel, *_) = windows(settings, "shipment_confirmation")
    assert (parcel["within"], parcel["worst_ms"]) == (1, 10_000)
    (out,) = windows(settings, "stock_out")
    assert (out["sku"], out["worst_ms"]) == ("A", 30_000)
    (day,) = windows(settings, "stock_out_day")
    assert (day["count"], day["total_ms"]) == (1, 30_000)

    for _ in range(WHILE_AWAY):
        send(settings, DELIVERIES, "woo-de|9", "Delivery", delivered("A", 100, now))
    every = 3 + WHILE_AWAY
    with worker(settings):
        wait_for(
            "what came after", lambda: whole(settings, "inventory_propagation", every), START_S
        )


def test_what_was_counted_is_not_counted_again_when_another_worker_joins(
    settings: Settings,
) -> None:
    """No commit is due by itself, so all that was counted is yet to be committed."""
    now = SYSTEM_CLOCK.now_us()
    for number in range(3):
        send(settings, DELIVERIES, f"woo-de|{number}", "Delivery", delivered("A", 200, now))
    with worker(settings, BROKER_COMMIT_INTERVAL="1000"):
        wait_for("deliveries", lambda: whole(settings, "inventory_propagation", 3), START_S)
        other = settings.environment.model_copy(
            update={"data_dir": settings.environment.data_dir / "other"}
        )
        other.data_dir.mkdir()
        with worker(settings.model_copy(update={"environment": other})):
            wait_for("the other to join", lambda: offsets_committed(settings), START_S)
            send(settings, DELIVERIES, "woo-de|9", "Delivery", delivered("A", 100, now))
            wait_for("one more", lambda: whole(settings, "inventory_propagation", 4), START_S)


def offsets_committed(settings: Settings) -> bool:
    """Whether the monitor's group has committed what it has read of deliveries."""
    group = ConsumerGroupTopicPartitions(group_id(settings, "monitor"))
    admin = AdminClient(confluent_config(settings))
    (found,) = admin.list_consumer_group_offsets([group]).values()
    topic = DELIVERIES.full_name(settings.prefix)
    return any(p.topic == topic and p.offset == 3 for p in found.result(20).topic_partitions)


def test_it_signs_in_to_a_kafka_with_tls_and_passwords_as_every_service_does() -> None:
    with server_folder() as folder:
        broker = SaslKafka(folder / "kafka")
        with serving(broker) as address:
            settings = Settings(
                environment={"data_dir": folder},
                kafka={"bootstrap": address, "sku_partitions": 1, "order_partitions": 1},
            )
            ensure_topics(settings)
            options = {
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": "PLAIN",
                "sasl.username": USER,
                "sasl.password": "env:KAFKA_PASSWORD",
                "ssl.ca.location": str(broker.certificate),
            }
            signed_in = {
                "STOCKFOLD_KAFKA__BOOTSTRAP": broker.sasl_address,
                "STOCKFOLD_KAFKA__OPTIONS": json.dumps(options),
                "KAFKA_PASSWORD": PASSWORD,
            }
            now = SYSTEM_CLOCK.now_us()
            send(settings, DELIVERIES, "woo-de|1", "Delivery", delivered("A", 200, now))
            with worker(settings, **signed_in):
                wait_for("a delivery", lambda: whole(settings, "inventory_propagation", 1), START_S)
            log = (folder / "monitor.log").read_text()
    assert PASSWORD not in log


def whole(settings: Settings, what: str, count: int) -> bool:
    """Whether some window counts all of them, and none counts more."""
    counts = [window["count"] for window in windows(settings, what)]
    assert max(counts, default=0) <= count
    return count in counts


def ended(settings: Settings) -> bool:
    return any(window["ends_at"] for window in windows(settings, "stock_out")) and bool(
        windows(settings, "stock_out_day")
    )


def test_the_codec_reads_every_release_and_refuses_what_is_none_of_ours() -> None:
    from faust.exceptions import ValueDecodeError  # noqa: PLC0415  (not there by default)

    from stockfold.client.faust import Avro  # noqa: PLC0415
    from stockfold.contracts.registry import default_registry  # noqa: PLC0415

    body = delivered("A", 100, 1_790_000_000_000_000)
    told = Avro().loads(encode("stockfold.Delivery", body))
    assert (told.name, told.body) == ("stockfold.Delivery", body)
    assert Avro("stockfold.Delivery").dumps(body) == encode("stockfold.Delivery", body)
    oldest, *_, newest = default_registry().versions("stockfold.Delivery")
    assert oldest.id != newest.id
    old = older(oldest, body)
    assert Avro().loads(old).body["sku"] == "A"
    assert set(Avro().loads(old).body) == set(body), "under the newest schema, with its defaults"
    for raw in (b"", b"{}", b"\x00\x00\x00\x00\x01"):
        with pytest.raises(ValueDecodeError):
            Avro().loads(raw)


def older(schema: Any, body: dict[str, Any]) -> bytes:
    """The record as the first release wrote it."""
    from stockfold.contracts.codec import write_body  # noqa: PLC0415

    return b"\x00" + schema.id.to_bytes(4, "big") + write_body(schema, body)
