"""``stockfold simulate-policy`` over a journal that a real ledger wrote to a real Kafka."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from tests.support.command_line import stockfold, stockfold_json
from tests.support.explained import SKU, story
from tests.support.ledger_subject import LedgerSubject
from tests.support.story import minutes

from stockfold.availability.policy import Policy
from stockfold.contracts import avro
from stockfold.contracts.journal import encode_fact
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.policies import encode_policy
from stockfold.contracts.topics import JOURNAL, POLICIES
from stockfold.domain.errors import SettingsError, StockfoldError
from stockfold.domain.times import format_us
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration

FILE = """\
policies:
  - channel: web
    safety_stock: 3
"""


@pytest.fixture
def file(environment: Settings, tmp_path: Path) -> Path:
    """A policy in force, a journal, and a file of another policy."""
    told = story().receive("A", 10).at(minutes(2)).reserve("R1", 4).reserve("R2", 6)
    assert isinstance(told.subject, LedgerSubject)
    producer = Producer({"bootstrap.servers": environment.kafka.bootstrap})
    key = SKU.encode()
    partition = partition_of(key, environment.kafka.sku_partitions)
    name = JOURNAL.full_name(environment.prefix)
    for fact in told.subject.facts:
        producer.produce(name, encode_fact(fact, avro.string(SKU)), key, partition)
    value = encode_policy(Policy("web", 1))
    producer.produce(POLICIES.full_name(environment.prefix), value, b"web", 0)
    producer.flush(30)
    found = tmp_path / "policies.yaml"
    found.write_text(FILE, "utf-8")
    return found


def test_a_policy_is_simulated_over_what_was_recorded(environment: Settings, file: Path) -> None:
    period = ("--from", format_us(minutes(1)), "--to", format_us(minutes(11)))
    found = stockfold_json(environment, "simulate-policy", str(file), *period)
    (web,) = found["channels"]
    assert web["happened"] == {"asked": 10, "accepted": 10, "waited": 0, "refused": 0}
    assert _figures(web["in_force"]) == {"publications": 2, "sold": 10, "oversold": 0, "lost": 0}
    assert _figures(web["simulated"]) == {"publications": 2, "sold": 7, "oversold": 0, "lost": 3}

    png, page = file.with_name("a.png"), file.with_name("a.html")
    plots = ("--plot", str(png), "--plot", str(page))
    printed = stockfold(environment, "simulate-policy", str(file), *period, *plots)
    assert "10 units asked: 10 accepted, 0 waiting, 0 refused" in printed
    assert png.read_bytes().startswith(b"\x89PNG")
    text = page.read_text("utf-8")
    assert "<svg" in text
    assert "src=" not in text, "nothing outside of it"

    with pytest.raises(StockfoldError, match="is not before --to"):
        stockfold(environment, "simulate-policy", str(file), "--from", period[3], "--to", period[1])
    with pytest.raises(SettingsError, match="is neither"):
        stockfold(environment, "simulate-policy", str(file), "--plot", "a.pdf")


def _figures(side: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in side.items() if not name.endswith("_at")}
