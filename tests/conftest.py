"""Fixtures that every kind of test may use.

- ``kafka`` and ``postgres``: addresses of real servers, started once per session when first asked
  for, stopped at its end. ``postgres`` is a database of the module's own.
- ``environment``: settings of a test's own on that Kafka: unique prefix, temporary data folder,
  topics made.
- ``new_environment``: a function that makes further ones, with settings of the caller's choice.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stockfold.runtime.kafka import ensure_topics
from stockfold.runtime.settings import Settings
from tests.support import servers

NewEnvironment = Callable[..., Settings]
WAITING = {"e2e", "inflight", "integration"}
"""Folders whose tests wait for servers more than they compute."""
COMPUTING_PER_WAITING = 2
"""Files: so the long ones have all begun when little is left to spread over the workers."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that wait among files that compute: workers that take turns then keep both cores busy.

    For ``--dist loadfile --no-loadscope-reorder``, which hands out files in this order.
    """
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    waiting = [path for path in files if path.parent.name in WAITING]
    computing = [path for path in files if path.parent.name not in WAITING]
    order: list[Path] = []
    for path in waiting:
        order += [path, *computing[:COMPUTING_PER_WAITING]]
        del computing[:COMPUTING_PER_WAITING]
    items[:] = [item for path in (*order, *computing) for item in files[path]]


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """The bootstrap address of a real Kafka."""
    with servers.kafka_server() as bootstrap:
        yield bootstrap


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The DSN of a real PostgreSQL; take ``postgres`` for a database of your own."""
    with servers.postgres_server() as dsn:
        yield dsn


@pytest.fixture(scope="module")
def postgres(postgres_server: str) -> Iterator[str]:
    """The DSN of an empty database that belongs to the test's module."""
    with servers.fresh_database(postgres_server, f"test_{uuid.uuid4().hex[:12]}") as dsn:
        yield dsn


@pytest.fixture(scope="session")
def new_environment(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> NewEnvironment:
    """Make settings with a unique prefix, a temporary data folder and topics on the real Kafka.

    Keyword arguments are sections of the settings, such as ``ledger={"instance": "a"}``; those of
    ``kafka`` and ``environment`` are merged with what is set here. ``topics=False`` makes none.
    """

    def make(*, topics: bool = True, **sections: Any) -> Settings:
        folder: Path = tmp_path_factory.mktemp("data")
        given_kafka = sections.pop("kafka", {})
        given_environment = sections.pop("environment", {})
        settings = Settings(
            environment={
                "prefix": f"t{uuid.uuid4().hex[:10]}.",
                "data_dir": folder,
                **given_environment,
            },
            kafka={"bootstrap": kafka, "sku_partitions": 2, "order_partitions": 2, **given_kafka},
            **sections,
        )
        if topics:
            ensure_topics(settings)
        return settings

    return make


@pytest.fixture
def environment(new_environment: NewEnvironment) -> Settings:
    """Settings of this test's own, on the real Kafka, topics made (two partitions by SKU)."""
    return new_environment()
