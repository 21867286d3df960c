"""Orders reach an ERP once, although it is away for a while and loses answers."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import Producer
from tests.conftest import NewEnvironment
from tests.support.erp import Erp, served
from tests.support.kafka_io import committed, wait_for
from tests.support.running_ledger import running

from stockfold.contracts.codec import encode
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import EXCEPTIONS, ORDER_STATUS
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.settings import Settings
from stockfold_services.erp.main import run

pytestmark = pytest.mark.integration

ORDERS = 200
REFUSED = "13"


def told(order: str, version: int, status: str = "confirmed") -> dict[str, Any]:
    now_us = SYSTEM_CLOCK.now_us()
    return {
        "channel": "shop",
        "order": order,
        "revision": version,
        "version": version,
        "status": status,
        "reason": "",
        "told": "processing",
        "accepted": True,
        "ledger_order": f"shop/{order}",
        "lines": [],
        "event_id": "e",
        "source": "/shop",
        "correlation_id": "",
        "recorded_at": now_us,
        "caused_at": now_us,
    }


def tell(settings: Settings, *records: dict[str, Any]) -> None:
    producer = Producer(confluent_config(settings))
    for record in records:
        key = f"shop|{record['order']}".encode()
        producer.produce(
            ORDER_STATUS.full_name(settings.prefix),
            encode("stockfold.OrderStatus", record),
            key,
            partition_of(key, settings.kafka.order_partitions),
        )
    assert producer.flush(20) == 0


def test_an_erp_that_is_away_and_loses_answers_has_every_order_once_and_at_its_newest(
    new_environment: NewEnvironment,
) -> None:
    erp = Erp(seed=7)
    erp.away, erp.answer_s = True, 0.3
    erp.refuses.add(REFUSED)
    with served(erp) as url:
        settings = new_environment(
            erp={"kind": "http", "url": url, "request_timeout_s": 0.15, "parallel": 8}
        )
        tell(settings, *(told(str(number), 1) for number in range(ORDERS)))
        with running(run, settings):
            wait_for("requests while it is away", lambda: erp.requests > 8)
            tell(settings, *(told(str(number), 2) for number in range(0, ORDERS, 2)))
            erp.loses_answers = 0.1
            erp.away = False
            wait_for("every order but one", lambda: len(erp.orders) == ORDERS - 1)
        tell(settings, *(told(str(number), 3) for number in range(0, ORDERS, 4)))
        tell(settings, told("new", 1, "released"))
        with running(run, settings):  # As after a restart.
            wait_for(
                "the newest versions",
                lambda: sum(order["version"] == 3 for order in erp.orders) == ORDERS // 4,
            )
            wait_for("the refusal", lambda: committed(settings, EXCEPTIONS))
    assert erp.lost
    assert len({order["order"] for order in erp.orders}) == len(erp.orders) == ORDERS - 1
    versions = {int(order["order"]): order["version"] for order in erp.orders}
    assert versions == {
        number: 3 if number % 4 == 0 else 2 if number % 2 == 0 else 1
        for number in range(ORDERS)
        if number != int(REFUSED)
    }
    raised = [r.record for r in committed(settings, EXCEPTIONS)]
    assert {(r["kind"], r["key"]) for r in raised} == {("erp_refused", b"shop|13")}
