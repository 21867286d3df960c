"""Kits on a real Kafka: components in other partitions, new bills, kills in the middle."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from confluent_kafka import Producer
from tests.conftest import NewEnvironment
from tests.support.kafka_io import committed, wait_for
from tests.support.kit_oracle import kits_built
from tests.support.running_ledger import running

from stockfold.availability.policy import Policy
from stockfold.contracts.codec import encode
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.reference import encode_record
from stockfold.contracts.topics import AVAILABILITY, CATALOG, EXCEPTIONS, POSITIONS, Topic
from stockfold.domain.reference import BillOfMaterials, CatalogItem, Component
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.settings import Settings
from stockfold_services.availability.main import run
from stockfold_services.cli.policy_publish import publish

pytestmark = pytest.mark.integration

PARTITIONS = 3
LEAVES = ("CUP", "BEANS", "TEA")


class Shop:
    """Writes what the ledger and the catalogue's owner would write."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer = Producer(confluent_config(settings))
        self._revisions: dict[str, int] = {}
        self.units: dict[str, int] = {}
        self.bills: dict[str, dict[str, int]] = {}

    def _send(self, topic: Topic, sku: str, key: str, value: bytes) -> None:
        partition = partition_of(sku.encode(), PARTITIONS)
        self._producer.produce(
            topic.full_name(self._settings.prefix), value, key.encode(), partition
        )
        assert self._producer.flush(20) == 0

    def shelf(self, sku: str, on_hand: int) -> None:
        self.units[sku] = on_hand
        seq = self._revisions[sku] = self._revisions.get(sku, 0) + 1
        body: dict[str, Any] = dict.fromkeys(
            ("quality_hold", "damaged", "in_transit", "reserved", "allocated"), 0
        )
        body |= {"sku": sku, "location": "DC", "seq": seq, "on_hand": on_hand, "atp": on_hand}
        body |= {"claims": [], "expected": [], "recorded_at": 5, "correlation_id": ""}
        value = encode("stockfold.Position", body | {"caused_at": 4})
        self._send(POSITIONS, sku, f"DC|{sku}", value)

    def bill(self, sku: str, **parts: int) -> None:
        self.bills[sku] = parts
        revision = self._revisions[f"bill {sku}"] = self._revisions.get(f"bill {sku}", 0) + 1
        made_of = tuple(Component(part, units) for part, units in parts.items())
        item = CatalogItem(sku, revision, bill_of_materials=BillOfMaterials("1", made_of))
        self._send(CATALOG, sku, sku, encode_record(item))

    def expected(self, sku: str) -> int:
        return self.units.get(sku, 0) + kits_built(sku, self.bills, self.units)

    def told(self, sku: str) -> list[dict[str, Any]]:
        return [r.record for r in committed(self._settings, AVAILABILITY) if r.record["sku"] == sku]

    def last(self, sku: str) -> int | None:
        found = self.told(sku)
        return found[-1]["quantity"] if found else None


@pytest.fixture
def settings(new_environment: NewEnvironment) -> Settings:
    found = new_environment(kafka={"sku_partitions": PARTITIONS})
    publish(found, [Policy("woo", 0)])
    return found


def test_a_kit_follows_components_in_other_partitions_and_new_bills(settings: Settings) -> None:
    shop = Shop(settings)
    assert partition_of(b"BOX", PARTITIONS) != partition_of(b"CUP", PARTITIONS)
    shop.bill("BOX", CUP=2, BEANS=1)
    shop.shelf("CUP", 9)
    shop.shelf("BEANS", 20)
    with running(run, settings):
        wait_for("the kit", lambda: shop.last("BOX") == 4)
        shop.shelf("CUP", 5)
        wait_for("fewer cups", lambda: shop.last("BOX") == 2)
        shop.bill("BOX", BEANS=4, TEA=1)
        wait_for("a bill with a component that nobody has", lambda: shop.last("BOX") == 0)
        shop.shelf("TEA", 3)
        wait_for("tea", lambda: shop.last("BOX") == 3)
    told = shop.told("BOX")
    assert [event["version"] for event in told] == list(range(1, len(told) + 1))
    assert "TEA limits it: TEA allows 3" in str(told[-1]["steps"])


def test_a_circle_that_reaches_the_topic_is_an_exception_with_its_path(settings: Settings) -> None:
    shop = Shop(settings)
    shop.shelf("CUP", 8)
    shop.bill("BOX", CUP=2)
    shop.bill("HAMPER", BOX=1)
    with running(run, settings):
        wait_for("the hamper", lambda: shop.last("HAMPER") == 4)
        shop.bill("BOX", HAMPER=1)
        (raised,) = wait_for("the exception", lambda: committed(settings, EXCEPTIONS))
        shop.shelf("CUP", 6)
        wait_for("the bill before", lambda: (shop.last("BOX"), shop.last("HAMPER")) == (3, 3))
    assert raised.record["kind"] == "cyclic_bill"
    assert "BOX → HAMPER → BOX" in raised.record["reason"]


def start_process(settings: Settings) -> subprocess.Popen[bytes]:
    config = settings.environment.data_dir / "stockfold.toml"
    config.touch()
    environment = {
        **os.environ,
        "STOCKFOLD_CONFIG": str(config),
        "STOCKFOLD_ENVIRONMENT__PREFIX": settings.prefix,
        "STOCKFOLD_KAFKA__BOOTSTRAP": settings.kafka.bootstrap or "",
        "STOCKFOLD_KAFKA__SKU_PARTITIONS": str(PARTITIONS),
        "STOCKFOLD_AVAILABILITY__BATCH_EVENTS_MAX": "8",
    }
    command = [sys.executable, "-m", "stockfold_services.availability.main"]
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)


@pytest.mark.timeout(180)
def test_killed_in_the_middle_no_final_number_is_wrong_or_missing(settings: Settings) -> None:
    seed = 20_261_125
    dice = random.Random(seed)
    shop = Shop(settings)
    kits = [f"KIT-{number}" for number in range(8)]
    shop.bill("BOX", CUP=2, BEANS=1)
    for _ in range(2):
        process = start_process(settings)
        before = len(committed(settings, AVAILABILITY))
        for kit in kits:
            parts = dice.sample((*LEAVES, "BOX"), dice.randint(1, 3))
            shop.bill(kit, **{part: dice.randint(1, 3) for part in parts})
            sku = dice.choice((*LEAVES, "BOX", kit))
            shop.shelf(sku, dice.randint(0, 40))
        wait_for(
            f"progress (seed {seed})",
            lambda b=before: len(committed(settings, AVAILABILITY)) > b,
        )
        time.sleep(dice.random() * 0.1)
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    expected = {sku: shop.expected(sku) for sku in (*kits, "BOX")}
    with running(run, settings):
        wait_for(
            f"{expected} (seed {seed})",
            lambda: {sku: shop.last(sku) for sku in expected} == expected,
            90,
        )
    for sku in expected:
        versions = [event["version"] for event in shop.told(sku)]
        assert versions == list(range(1, len(versions) + 1)), f"{sku} (seed {seed})"
