"""The examples of infra/docs/subscribers.md on a real Kafka, run as they stand there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.kafka_io import wait_for
from tests.support.subscribing import EXAMPLES, registry, subscriber, write

from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration

PAGE = EXAMPLES.parent / "docs/subscribers.md"
LINES_MAX = 30


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with registry() as found:
        yield found


def history(settings: Settings) -> None:
    """Two SKUs on two channels; an aborted transaction, and an older version that comes late."""
    write(settings, ("woo-de|A", 1, 5), ("woo-de|B", 1, 2), ("amazon|A", 1, 4))
    write(settings, ("woo-de|A", 2, 99), ("woo-de|C", 1, 99), commits=False)
    write(settings, ("woo-de|A", 2, 3))
    write(settings, ("woo-de|A", 1, 5))
    write(settings, ("woo-de|B", 2, 0))


LATEST = {"woo-de|A": (2, 3), "woo-de|B": (2, 0), "amazon|A": (1, 4)}


def test_with_aiokafka_the_latest_committed_version_is_known_and_known_again_after_a_restart(
    environment: Settings, address: str
) -> None:
    history(environment)
    given = {"REGISTRY": address}
    for again in (LATEST, LATEST | {"woo-de|A": (3, 1)}):
        with subscriber("availability_aiokafka", environment, given) as reading:
            wait_for("the latest", lambda again=again: latest(reading.told) == again)
            write(environment, ("woo-de|A", 3, 1))
            wait_for("the next", lambda: latest(reading.told)["woo-de|A"] == (3, 1))
        assert rises(reading.told)
        assert all(quantity != 99 for _, _, quantity in reading.told)


def test_with_confluent_kafka_a_database_keeps_the_latest_and_goes_on_after_a_kill(
    environment: Settings, address: str
) -> None:
    file = environment.environment.data_dir / "latest.db"
    given = {"REGISTRY": address, "DATABASE": str(file), "GROUP": f"{environment.prefix}acme"}
    with closing(sqlite3.connect(file)) as base:
        base.execute("create table latest (name primary key, version, quantity)")
    history(environment)
    with subscriber("availability_confluent", environment, given):
        wait_for("the latest", lambda: kept(file) == LATEST)
    write(environment, ("woo-de|A", 4, 8))
    write(environment, ("woo-de|A", 3, 1), ("amazon|D", 1, 6))
    with subscriber("availability_confluent", environment, given):
        wait_for("what came meanwhile", lambda: "amazon|D" in kept(file))
    assert kept(file) == LATEST | {"woo-de|A": (4, 8), "amazon|D": (1, 6)}


def latest(told: list[tuple[str, int, int]]) -> dict[str, tuple[int, int]]:
    return {key: (version, quantity) for key, version, quantity in told}


def rises(told: list[tuple[str, int, int]]) -> bool:
    """Whether no version was taken after a newer one."""
    versions = {key: [v for name, v, _ in told if name == key] for key, _, _ in told}
    return all(found == sorted(set(found)) for found in versions.values())


def kept(file: Path) -> dict[str, tuple[int, int]]:
    with closing(sqlite3.connect(file)) as base:
        rows = base.execute("select name, version, quantity from latest").fetchall()
    return {name: (version, quantity) for name, version, quantity in rows}


@pytest.mark.parametrize("name", ["aiokafka", "confluent", "faust"])
def test_the_page_shows_each_as_it_is_and_none_is_long(name: str) -> None:
    text = (EXAMPLES / f"availability_{name}.py").read_text("utf-8")
    assert f"```python\n{text}```" in PAGE.read_text("utf-8")
    code = text.partition('"""\n')[2]
    assert sum(bool(line.strip()) for line in code.splitlines()) <= LINES_MAX
