"""The producer's client against a real Kafka and a real ledger."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from tests.support.kafka_io import committed, wait_for
from tests.support.running_ledger import ledger

from stockfold.client import AsyncClient, Client, events
from stockfold.contracts.topics import EXCEPTIONS, JOURNAL
from stockfold.domain.errors import UnavailableError
from stockfold.runtime.embedded import ports
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration

SKUS = [f"SKU-{n}" for n in range(20)]


def receipt(sku: str, document: str) -> events.GoodsReceived:
    return events.GoodsReceived(
        sku=sku, location="DC", quantity=1, document=document, document_line="1"
    )


def facts(settings: Settings) -> list[dict]:
    return [r.record for r in committed(settings, JOURNAL) if r.name == "JournalFact"]


async def test_both_clients_reach_the_same_partitions_and_nothing_is_refused(
    environment: Settings,
) -> None:
    bootstrap = environment.kafka.bootstrap or ""
    now = datetime.now(UTC)
    with Client(bootstrap, "/erp", prefix=environment.prefix) as client:
        for sku in SKUS:
            client.send(receipt(sku, "D1"), occurred_at=now)
    async with AsyncClient(bootstrap, "/erp", prefix=environment.prefix) as other:
        sends = [other.send(receipt(sku, "D2"), occurred_at=now) for sku in SKUS]
        await asyncio.gather(*sends)
        await asyncio.gather(*(other.send(receipt(sku, "D1"), occurred_at=now) for sku in SKUS))

    def run_ledger() -> None:
        with ledger(environment):
            wait_for("the facts", lambda: len(facts(environment)) >= 2 * len(SKUS))

    await asyncio.to_thread(run_ledger)
    told = facts(environment)
    assert sorted(f["seq"] for f in told if f["sku"] == "SKU-1") == [1, 2]
    assert len(told) == 2 * len(SKUS)
    assert committed(environment, EXCEPTIONS) == []


def test_a_broker_that_is_not_there_is_told_with_the_events_that_wait() -> None:
    address = f"127.0.0.1:{ports.free_port()}"
    client = Client(address, "/erp", timeout_s=1.5, options={"log_level": 0})
    client.send(receipt("SKU-1", "D1"), occurred_at=datetime.now(UTC))
    with pytest.raises(UnavailableError, match="GoodsReceived/SKU-1/D1/1/0") as told:
        client.close()
    assert address in told.value.where


async def test_the_asynchronous_client_says_that_it_could_not_connect() -> None:
    address = f"127.0.0.1:{ports.free_port()}"
    with pytest.raises(UnavailableError, match="did not connect"):
        await AsyncClient(address, "/erp", timeout_s=2).start()
