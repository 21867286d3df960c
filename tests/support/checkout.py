"""The reservation API on a real Kafka, with the real ledger as a process of its own."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from stockfold.runtime.settings import Settings
from stockfold_services.checkout.main import run
from tests.faults.processes import Service
from tests.support.command_line import variables
from tests.support.gateway import served
from tests.support.kafka_io import Sender

CHANNEL = "woo-de"


@contextmanager
def checkout(settings: Settings, *, ready: bool = True, **section: Any) -> Iterator[httpx.Client]:
    """A client of a reservation service that serves while the block runs."""
    with served(run, "checkout", settings, ready=ready, **section) as client:
        yield client


@contextmanager
def ledger_process(settings: Settings, instance: str = "ledger-1") -> Iterator[Service]:
    """A ledger as an operator would run it: it can be killed, and started again."""
    folder = settings.environment.data_dir
    config = folder / "stockfold.toml"
    config.write_text("")
    ledger = Service(
        "ledger",
        config,
        folder / f"{instance}.log",
        {**variables(settings), "STOCKFOLD_LEDGER__INSTANCE": instance},
    )
    ledger.start()
    try:
        yield ledger
    finally:
        ledger.close()


def stock(settings: Settings, **units: int) -> None:
    """Put units of SKUs on the shelf of DC; ``_`` in a name is ``-`` in the SKU."""
    sender = Sender(settings, "/test/wms")
    for name, quantity in units.items():
        sku = name.replace("_", "-")
        sender.event(
            "GoodsReceived", sku=sku, location="DC", quantity=quantity, event_id=f"grn-{sku}"
        )


def basket(**units: int) -> dict[str, Any]:
    """A request for units of SKUs from DC."""
    lines = [
        {"sku": name.replace("_", "-"), "quantity": quantity} for name, quantity in units.items()
    ]
    return {"channel": CHANNEL, "locations": ["DC"], "lines": lines}


def ask(
    client: httpx.Client,
    asked: dict[str, Any] | None,
    path: str = "",
    *,
    key: str | None = None,
    wait_s: float = 20,
    patient: bool = True,
    **headers: str,
) -> httpx.Response:
    """``POST /v1/reservations``, or to a path below it; ``patient``: sent again after a 503."""
    told = {
        "idempotency-key": key or uuid.uuid4().hex,
        "prefer": f"wait={wait_s:g}",
        **headers,
    }
    for _ in range(20 if patient else 0):
        answer = client.post(f"/v1/reservations{path}", json=asked, headers=told)
        if answer.status_code != 503:
            return answer
        time.sleep(float(answer.headers["retry-after"]))
    return client.post(f"/v1/reservations{path}", json=asked, headers=told)
