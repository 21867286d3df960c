"""``stockfold simulate-policy`` over a journal that a real ledger wrote to a real Kafka."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from confluent_kafka import Producer
from tests.support.command_line import stockfold, stockfold_json
from tests.support.explained import SKU, story
from tests.support.ledger_subject import LedgerSubject
from tests.support.publishing import availability
from tests.support.story import minutes

from stockfold.availability.policy import Policy
from stockfold.contracts import avro
from stockfold.contracts.codec import encoder
from stockfold.contracts.journal import encode_fact
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.policies import encode_policy
from stockfold.contracts.topics import AVAILABILITY, JOURNAL, POLICIES
from stockfold.domain.errors import SettingsError, StockfoldError
from stockfold.domain.times import format_us, from_us
from stockfold.runtime.postgres import connection_options, schema_name
from stockfold.runtime.settings import PostgresSettings, Settings
from stockfold_services.projector.migrate import migrate

pytestmark = pytest.mark.integration

ROW = """
INSERT INTO availability_history VALUES ($1, $2, 'web', $3, $2, $4, 'in_stock', 1, $2, $5, '')
"""
FILE = """\
policies:
  - channel: web
    safety_stock: 3
"""


@pytest.fixture
def file(environment: Settings, tmp_path: Path) -> Path:
    """A policy in force, a journal, and a file of another policy."""
    told = story().receive("A", 10).at(minutes(2)).reserve("R1", 4)
    told.at(minutes(3)).reserve("R2", 6)
    assert isinstance(told.subject, LedgerSubject)
    producer = Producer({"bootstrap.servers": environment.kafka.bootstrap})
    key = SKU.encode()
    partition = partition_of(key, environment.kafka.sku_partitions)
    name = JOURNAL.full_name(environment.prefix)
    for fact in told.subject.facts:
        producer.produce(name, encode_fact(fact, avro.string(SKU)), key, partition)
    value = encode_policy(Policy("web", 1))
    topic = POLICIES.full_name(environment.prefix)
    producer.produce(topic, value, b"web", 0, timestamp=minutes(0) // 1000)
    producer.flush(30)
    found = tmp_path / "policies.yaml"
    found.write_text(FILE, "utf-8")
    return found


def test_a_policy_is_simulated_over_what_was_recorded(environment: Settings, file: Path) -> None:
    period = ("--from", format_us(minutes(1)), "--to", format_us(minutes(11)))
    found = stockfold_json(environment, "simulate-policy", str(file), *period)
    (web,) = found["channels"]
    happened = {"asked": 10, "accepted": 10, "waited": 0, "refused": 0, "recomputed": 10}
    assert _figures(web["happened"]) == {**happened, "publications": 0, "oversold": 0, "lost": 0}
    assert _figures(web["in_force"]) == {"publications": 2, "sold": 10, "oversold": 0, "lost": 0}
    assert _figures(web["simulated"]) == {"publications": 2, "sold": 7, "oversold": 0, "lost": 3}

    png, page = file.with_name("a.png"), file.with_name("a.html")
    plots = ("--plot", str(png), "--plot", str(page))
    printed = stockfold(environment, "simulate-policy", str(file), *period, *plots)
    assert "when 10 units were asked is not kept" in printed
    assert "The read model did not answer" in printed
    assert png.read_bytes().startswith(b"\x89PNG")
    text = page.read_text("utf-8")
    assert "<svg" in text
    assert "src=" not in text, "nothing outside of it"

    with pytest.raises(StockfoldError, match="is not before --to"):
        stockfold(environment, "simulate-policy", str(file), "--from", period[3], "--to", period[1])
    with pytest.raises(SettingsError, match="is neither"):
        stockfold(environment, "simulate-policy", str(file), "--plot", "a.pdf")


async def test_what_happened_is_as_it_was_recorded(
    environment: Settings, file: Path, postgres: str
) -> None:
    settings = environment.model_copy(update={"postgres": PostgresSettings(dsn=postgres)})
    # A policy comes into force between the orders; the topic keeps the last version alone.
    producer = Producer({"bootstrap.servers": environment.kafka.bootstrap})
    stricter = encode_policy(Policy("web", 2, ceiling=1))
    told = {**availability("web", SKU, 0, 3), "seq": 3, "recorded_at": minutes(3)}
    partition = partition_of(SKU.encode(), environment.kafka.sku_partitions)
    for topic, number, key, value in (
        (POLICIES, 0, b"web", stricter),
        (AVAILABILITY, partition, f"web|{SKU}".encode(), encoder("stockfold.Availability")(told)),
    ):
        at_ms = minutes(2.5) // 1000
        producer.produce(topic.full_name(environment.prefix), value, key, number, timestamp=at_ms)
    producer.flush(30)
    connection = await asyncpg.connect(**connection_options(settings, "test"))
    await migrate(connection, schema_name(settings.prefix))
    for version, quantity in ((1, 10), (2, 7)):
        await connection.execute(
            ROW, partition, version, SKU, quantity, from_us(minutes(0.5 * version))
        )
    await connection.close()

    period = ("--from", format_us(minutes(1)), "--to", format_us(minutes(11)))
    command = ("simulate-policy", str(file), *period)
    found = await asyncio.to_thread(stockfold_json, settings, *command)
    (web,) = found["channels"]
    assert found["notes"] == []
    happened = {"asked": 10, "accepted": 10, "waited": 0, "refused": 0, "recomputed": 0}
    assert _figures(web["happened"]) == {**happened, "publications": 2, "oversold": 0, "lost": 0}
    assert _figures(web["in_force"]) == {"publications": 2, "sold": 4 + 1, "oversold": 0, "lost": 5}


def _figures(side: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in side.items() if not name.endswith("_at")}
