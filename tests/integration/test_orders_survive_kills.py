"""The orders service is killed under load, again and again; nothing is lost and nothing doubled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest
from tests.conftest import NewEnvironment
from tests.integration.test_orders_on_kafka import LOCATION, Shop, row, stock
from tests.support.command_line import variables
from tests.support.kafka_io import Sender, committed, wait_for
from tests.support.running_ledger import ledger

from stockfold.contracts.topics import (
    ALLOCATIONS,
    ORDER_JOURNAL,
    ORDER_STATUS,
    RESERVATION_STATUS,
    RESERVATIONS,
)
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration

SEED = 20261125
ORDERS = 36
KILLS = 3
SKUS = ("a", "b", "c")
STOCK = 60


@contextmanager
def process(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """The service as a process of its own, killed at the end."""
    env = {**os.environ, **variables(settings), "STOCKFOLD_ORDERS__RETRY_S": "0.1"}
    env["STOCKFOLD_ORDERS__ATTEMPTS_MAX"] = "3"
    # The unusual name of a location list in the environment is JSON.
    env["STOCKFOLD_LOCATIONS"] = f'[{{"name": "{LOCATION}"}}]'
    started = subprocess.Popen([sys.executable, "-m", "stockfold_services.orders.main"], env=env)
    try:
        yield started
    finally:
        started.send_signal(signal.SIGKILL)
        started.wait(20)


def statuses(settings: Settings) -> dict[str, dict[str, Any]]:
    """The newest status of every order."""
    return {r.record["order"]: r.record for r in committed(settings, ORDER_STATUS)}


def test_a_service_that_is_killed_under_load_loses_nothing_and_doubles_nothing(
    new_environment: NewEnvironment,
) -> None:
    random = Random(SEED)
    settings = new_environment()
    sender, shop = Sender(settings), Shop(settings)
    for sku in SKUS:
        stock(sender, sku, STOCK)
    finals: dict[str, str] = {}
    with ledger(settings):
        for round_ in range(KILLS + 1):
            with process(settings) as running:
                for number in range(round_, ORDERS, KILLS + 1):
                    _live(shop, random, str(number), finals)
                if round_ < KILLS:
                    time.sleep(random.uniform(0.5, 6))
                    assert running.poll() is None
                    continue
                wait_for("every order at rest", lambda: _all_rest(settings, finals))
        wait_for("the ledger's last answers", lambda: _open(settings) == _told(settings))
    found = statuses(settings)
    assert {order: _aim(told["status"]) for order, told in found.items()} == finals
    assert sum(_open(settings).values()) <= len(SKUS) * STOCK
    for number, facts in _sequences(settings).items():
        assert facts == list(range(1, len(facts) + 1)), number
    asked = [r.record for topic in (RESERVATIONS, ALLOCATIONS) for r in committed(settings, topic)]
    reservations = Counter(a["reservation"] for a in asked if "locations" in a)
    assert max(reservations.values()) == 1


def _live(shop: Shop, random: Random, order: str, finals: dict[str, str]) -> None:
    """The life of one order: told, perhaps edited, perhaps cancelled or completed."""
    lines = [row(str(n), sku, random.randint(1, 2)) for n, sku in enumerate(random.sample(SKUS, 2))]
    shop.tell(order, "pending", *lines)
    shop.tell(order, "processing", *lines)
    if random.random() < 0.4:
        lines[0]["quantity"] += 1
        shop.tell(order, "processing", *lines)
    end = random.choice(("processing", "cancelled", "completed"))
    finals[order] = {"processing": "held", "cancelled": "nothing", "completed": "shipped"}[end]
    shop.tell(order, end, *lines)


def _aim(status: str) -> str:
    return {"confirmed": "held", "released": "nothing", "fulfilled": "shipped"}.get(status, status)


def _all_rest(settings: Settings, finals: dict[str, str]) -> bool:
    found = {order: _aim(told["status"]) for order, told in statuses(settings).items()}
    return found == finals


def _open(settings: Settings) -> Counter[tuple[str, str]]:
    """(order, SKU) → units that the ledger holds for it."""
    lines = {
        (r.record["sku"], r.record["order"], r.record["line"]): r.record
        for r in committed(settings, RESERVATION_STATUS)
    }
    found: Counter[tuple[str, str]] = Counter()
    for (sku, order, _), told in lines.items():
        found[order, sku] += told["reserved"] + told["allocated"]
    return +found


def _told(settings: Settings) -> Counter[tuple[str, str]]:
    """(order, SKU) → units that the order's status says are held."""
    found: Counter[tuple[str, str]] = Counter()
    for told in statuses(settings).values():
        for line in told["lines"]:
            for demand in line["demands"]:
                found[told["ledger_order"], demand["sku"]] += demand["held"]
    return +found


def _sequences(settings: Settings) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for r in committed(settings, ORDER_JOURNAL):
        if r.name == "stockfold.OrderFact":
            found.setdefault(r.record["order"], []).append(r.record["seq"])
    return found
