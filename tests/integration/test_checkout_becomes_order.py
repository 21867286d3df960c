"""A checkout reserves, its order comes: the units are held once."""

from __future__ import annotations

import pytest
from tests.conftest import NewEnvironment
from tests.integration.test_orders_on_kafka import LOCATION, Shop, await_status, row, stock
from tests.support.checkout import ask, checkout
from tests.support.kafka_io import Sender, committed, wait_for
from tests.support.running_ledger import ledger, running

from stockfold.contracts.topics import EXCEPTIONS, POSITIONS
from stockfold.runtime.settings import Settings
from stockfold_services.orders.main import run

pytestmark = pytest.mark.integration


def reserved(settings: Settings, sku: str) -> int:
    found = [r.record for r in committed(settings, POSITIONS) if r.record["sku"] == sku]
    return int(found[-1]["reserved"]) if found else 0


def test_an_order_takes_over_what_its_checkout_has_reserved(
    new_environment: NewEnvironment,
) -> None:
    settings = new_environment(locations=[{"name": LOCATION}])
    sender, shop = Sender(settings), Shop(settings)
    stock(sender, "a", 2)
    stock(sender, "b", 5)
    asked = {
        "channel": "shop",
        "order": "shop/4711",
        "locations": [LOCATION],
        "lines": [
            {"line": "1", "sku": "a", "quantity": 2},
            {"line": "2", "sku": "b", "quantity": 3},
        ],
    }
    with ledger(settings), running(run, settings), checkout(settings) as client:
        held = ask(client, asked)
        assert held.status_code == 201, held.text
        name = held.json()["reservation"]
        assert ask(client, None, f"/{name}/commit").json()["state"] == "committed"
        lines = row("1", "a", 2), row("2", "b", 3)
        shop.tell("4711", "processing", *lines)
        await_status(settings, "4711", "confirmed")
        assert (reserved(settings, "a"), reserved(settings, "b")) == (2, 3)
        shop.tell("4711", "cancelled", *lines)
        wait_for("its release", lambda: reserved(settings, "a") == reserved(settings, "b") == 0)
        assert client.get(f"/v1/reservations/{name}").json()["state"] == "released"
    assert committed(settings, EXCEPTIONS) == []
