"""The overview and the rebuild page on real servers: what they say is what there is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from tests.support import read_side as given
from tests.support.api_reader import Reader, opened_reader
from tests.support.console import HOSTILE, page

from stockfold.contracts.codec import encode
from stockfold.contracts.topics import AVAILABILITY, DELIVERIES, POSITIONS
from stockfold.runtime.kafka import confluent_config, group_id
from stockfold.runtime.settings import Settings
from stockfold_services.api.console import queues
from stockfold_services.api.console.figures import figures, kept
from stockfold_services.rebuild import generations

pytestmark = pytest.mark.integration


@pytest.fixture
async def reader(postgres: str) -> AsyncIterator[Reader]:
    async with opened_reader(postgres) as opened:
        yield opened


def delivered(channel: str, sku: str, outcome: str, attempts: int, took_ms: int) -> given.Out:
    now_us = int(datetime.now(UTC).timestamp() * 1_000_000)
    record = {
        "channel": channel,
        "sku": sku,
        "version": 1,
        "quantity": 1,
        "outcome": outcome,
        "attempts": attempts,
        "detail": "",
        "sent_at": now_us,
        "finished_at": now_us,
        "correlation_id": "c-1",
        "caused_at": now_us,
        "took_us": took_ms * 1_000,
    }
    return DELIVERIES, f"{channel}|{sku}".encode(), encode("stockfold.Delivery", record)


async def test_an_empty_read_model_says_what_each_empty_place_means(reader: Reader) -> None:
    await reader.fill(given.availability("web", "s", 1, 5))
    found = await page(reader.client, "/console/")
    assert "No exception within a day" in found.text
    assert "No order was sold that cannot be served" in found.text
    assert "Kafka has not been looked at yet" in found.text


async def test_without_tables_the_page_says_what_to_start(reader: Reader) -> None:
    found = await page(reader.client, "/console/", 503)
    assert "Start the projector" in found.text


async def test_failures_retries_latency_and_exceptions_are_counted(reader: Reader) -> None:
    now_us = int(datetime.now(UTC).timestamp() * 1_000_000)
    await reader.fill(
        *(delivered("web", f"s{i}", "applied", 1, 10) for i in range(18)),
        delivered("web", "t1", "applied", 3, 700),
        delivered("web", "t2", "gave_up", 5, 900),
        given.listing_state("web", "t2", 1, "gave_up"),
        given.exception(HOSTILE, "s", 1, recorded_us=now_us),
        given.order_case("c1", "web"),
        given.order_case("c2", "web", "resolved"),
        given.fact("short", 1, [("on_hand", "L1", -3), ("supplier", "", 3)]),
        given.position("short", "L1", 1, on_hand=-3),
    )
    found = await page(reader.client, "/console/")
    database = reader.client._transport.app.state.database
    async with database.reading() as connection:
        seen = await figures(connection)
        promised = await kept(connection, reader.settings.objectives)
    pace = seen.channels[0]
    assert (pace.sent, pace.applied, pace.failed, pace.retries) == (20, 19, 1, 4)
    assert (pace.typical_ms, pace.slow_ms, pace.waiting) == (10, 700, 1)
    assert [(case.open, case.missing) for case in seen.cases] == [(1, 2)]
    assert seen.short == 1
    shown = promised[1]
    assert (shown.told, shown.good, shown.holds) == (20, 19, False)
    assert "in 15 min; 4 retries" in found.text
    assert "open; 1 place below zero" in found.text
    assert HOSTILE[:8] in found.text


async def test_the_rebuild_page_shows_how_far_another_generation_is(reader: Reader) -> None:
    await reader.fill(given.fact("s", 1, [("on_hand", "L1", 5), ("supplier", "", -5)]))
    empty = await page(reader.client, "/console/rebuild")
    assert "There is no other generation" in empty.text
    schema = generations.schema_of(reader.settings, "shadow")
    live = generations.schema_of(reader.settings, "live")
    database = reader.client._transport.app.state.database
    async with database.asking() as connection:
        await connection.execute("SET default_transaction_read_only = off")
        await connection.execute(f'CREATE SCHEMA "{schema}"')
        await connection.execute(
            f'CREATE TABLE "{schema}".offsets AS SELECT * FROM "{live}".offsets'
        )
        await generations.make_tables(connection, schema)
        await connection.execute(
            f'INSERT INTO "{schema}".rebuild (name, source, until, state, kafka_cluster_id) '
            "VALUES ('shadow', 'journal', '', 'building', 'k')"
        )
        await connection.execute("SET default_transaction_read_only = on")
    building = await page(reader.client, "/console/rebuild")
    assert "shadow being built" in building.text
    assert "0 of 1 partition folded" in building.text


def test_queues_are_as_long_as_what_nobody_has_read(environment: Settings) -> None:
    given.produce(environment, [given.position(f"s{i}", "L1", 1, on_hand=1) for i in range(5)])
    reader = Consumer(
        {**confluent_config(environment), "group.id": group_id(environment, "availability")}
    )
    name = POSITIONS.full_name(environment.prefix)
    reader.commit(offsets=[TopicPartition(name, 0, 2)], asynchronous=False)
    admin = AdminClient(confluent_config(environment))
    sample = queues.look(environment, admin)
    assert sample.ends[POSITIONS.name] == 6  # With the transaction's marker.
    assert sample.ends[AVAILABILITY.name] == 0
    assert sample.behind["availability"] == {POSITIONS.name: 3}
    reader.commit(offsets=[TopicPartition(name, 0, 5)], asynchronous=False)
    assert queues.look(environment, admin).behind["availability"] == {POSITIONS.name: 0}
    reader.close()
