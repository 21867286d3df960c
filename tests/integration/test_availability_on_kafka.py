"""Positions in, availability out, through the exactly-once loop on a real Kafka."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from confluent_kafka import KafkaError, KafkaException, Producer
from tests.conftest import NewEnvironment
from typer.testing import CliRunner

from stockfold.availability.policy import Policy
from stockfold.contracts.codec import decode, encode
from stockfold.contracts.topics import AVAILABILITY, EXCEPTIONS, POSITIONS, Topic
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold_services.availability.main import run
from stockfold_services.cli.policy import app, publish_policies
from stockfold_services.cli.policy_publish import policies_in_force, publish

pytestmark = pytest.mark.integration

PARTITION = 1
DEADLINE_S = 60.0


@contextmanager
def availability(settings: Settings) -> Iterator[None]:
    """The service, running in a thread."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def body() -> None:
        try:
            run(settings, stop)
        except BaseException as error:  # noqa: BLE001  (raised again below)
            failures.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(DEADLINE_S)
    assert not thread.is_alive()
    if failures:
        raise failures[0]


def tell(settings: Settings, seq: int, location: str, on_hand: int, sku: str = "a") -> None:
    """Write a position as the ledger would."""
    body = {
        "sku": sku,
        "location": location,
        "seq": seq,
        "on_hand": on_hand,
        "quality_hold": 0,
        "damaged": 0,
        "in_transit": 0,
        "reserved": 0,
        "allocated": 0,
        "atp": on_hand,
        "claims": [],
        "expected": [],
        "recorded_at": 20,
        "correlation_id": f"order-{seq}",
        "caused_at": 10,
    }
    write(settings, f"{location}|{sku}".encode(), encode("stockfold.Position", body))


def write(settings: Settings, key: bytes, value: bytes) -> None:
    producer = Producer(confluent_config(settings))
    producer.produce(POSITIONS.full_name(settings.prefix), value, key, PARTITION)
    assert producer.flush(DEADLINE_S) == 0


def records(settings: Settings, topic: Topic) -> list[dict[str, Any]]:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            batches = list(PartitionReader(settings).read(topic, PARTITION))
        except KafkaException as error:
            # A topic that was made this moment may not have its leader yet.
            passes = error.args[0].code() == KafkaError.NOT_LEADER_FOR_PARTITION
            if not passes or time.monotonic() > deadline:
                raise
        else:
            return [decode(record.value())[1] for batch in batches for record in batch]


def quantities(settings: Settings) -> list[tuple[int, int]]:
    """(version, quantity) of every event of channel woo and SKU a."""
    return [
        (event["version"], event["quantity"])
        for event in records(settings, AVAILABILITY)
        if (event["channel"], event["sku"]) == ("woo", "a")
    ]


def await_true(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.1)


def await_quantities(settings: Settings, expected: list[tuple[int, int]]) -> None:
    await_true(lambda: quantities(settings) == expected, f"{expected}, {quantities(settings)}")


def test_positions_become_availability_and_versions_go_on_over_a_restart(
    environment: Settings,
) -> None:
    publish(environment, [Policy("woo", 0, locations=("BERLIN",), safety_stock=2)])
    with availability(environment):
        tell(environment, 1, "BERLIN", 10)
        await_quantities(environment, [(1, 8)])
        tell(environment, 2, "PARIS", 99)
        tell(environment, 3, "BERLIN", 5)
        await_quantities(environment, [(1, 8), (2, 3)])
    tell(environment, 4, "BERLIN", 1)
    with availability(environment):
        await_quantities(environment, [(1, 8), (2, 3), (3, 0)])
        # Still short of its safety stock: nothing that the channel would see.
        tell(environment, 5, "BERLIN", 2)
        tell(environment, 6, "BERLIN", 7, sku="fence")
        await_true(
            lambda: records(environment, AVAILABILITY)[-1]["sku"] == "fence", "the last position"
        )
    assert quantities(environment) == [(1, 8), (2, 3), (3, 0)]
    last = next(e for e in reversed(records(environment, AVAILABILITY)) if e["sku"] == "a")
    assert (last["seq"], last["correlation_id"], last["caused_at"]) == (4, "order-4", 10)


def test_a_new_policy_is_applied_while_it_runs_and_an_old_one_is_not(
    environment: Settings,
) -> None:
    publish(environment, [Policy("woo", 0)])
    with availability(environment):
        tell(environment, 1, "BERLIN", 10)
        await_quantities(environment, [(1, 10)])
        (outcome,) = publish(environment, [Policy("woo", 0, safety_stock=4)])
        assert (outcome.action, outcome.revision) == ("changed", 2)
        await_quantities(environment, [(1, 10), (2, 6)])
    assert records(environment, AVAILABILITY)[-1]["policy_revision"] == 2


def test_a_position_that_cannot_be_read_is_an_exception_and_the_partition_moves_on(
    environment: Settings,
) -> None:
    publish(environment, [Policy("woo", 0)])
    write(environment, b"BERLIN|a", b"nonsense")
    tell(environment, 1, "BERLIN", 3)
    with availability(environment):
        await_quantities(environment, [(1, 3)])
        # What is found at the start is told at once, and what came before it may be met later.
        await_true(lambda: bool(records(environment, EXCEPTIONS)), "an exception")
    (exception,) = records(environment, EXCEPTIONS)
    assert (exception["kind"], exception["value"]) == ("undecodable", b"nonsense")


def test_policies_of_the_settings_are_published_once(new_environment: NewEnvironment) -> None:
    channel = {
        "name": "woo",
        "kind": "woocommerce",
        "url": "https://shop.example",
        "consumer_key": "env:KEY",
        "consumer_secret": "env:SECRET",
        "safety_stock": 3,
    }
    settings = new_environment(channels=[channel])
    assert [(o.action, o.revision) for o in publish_policies(settings)] == [("new", 1)]
    assert [(o.action, o.revision) for o in publish_policies(settings)] == [("unchanged", 1)]
    assert policies_in_force(settings)["woo"].safety_stock == 3


def test_the_command_applies_shows_and_previews(
    environment: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert environment.kafka.bootstrap
    monkeypatch.setenv("STOCKFOLD_ENVIRONMENT__PREFIX", environment.prefix)
    monkeypatch.setenv("STOCKFOLD_KAFKA__BOOTSTRAP", environment.kafka.bootstrap)
    file = tmp_path / "policies.yaml"
    file.write_text("policies:\n  - {channel: woo, safety_stock: 2}\n", "utf-8")

    def stockfold(*arguments: str) -> Any:
        result = CliRunner().invoke(app, [*arguments, "--json"])
        assert result.exit_code == 0, result.exception
        return orjson.loads(result.stdout)

    assert stockfold("apply", str(file), "--dry-run")["policies"][0]["action"] == "new"
    assert stockfold("show") == []
    assert stockfold("apply", str(file), "--yes")["policies"][0]["revision"] == 1
    assert stockfold("apply", str(file), "--yes")["policies"][0]["action"] == "unchanged"
    assert [(p["channel"], p["safety_stock"]) for p in stockfold("show")] == [("woo", 2)]
