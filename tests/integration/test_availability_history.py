"""A read model of the release before gets its history of availability from the latest versions."""

from __future__ import annotations

import uuid

import asyncpg
import pytest

from stockfold.runtime.postgres import connection_options, schema_name
from stockfold.runtime.settings import Settings
from stockfold_services.projector import migrate as migrating
from stockfold_services.projector.migrate import migrate, migrations

pytestmark = pytest.mark.integration

LATEST = """
INSERT INTO availability VALUES ('web', 's', 7, 'in_stock', NULL, NULL, '[]', 3, 1, 9, '[]',
    '2026-11-01T12:00:00Z', 'c', NULL, 0, 42)
"""


async def test_the_history_begins_with_the_latest_versions(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(
        environment={"prefix": f"t{uuid.uuid4().hex[:8]}."}, postgres={"dsn": postgres}
    )
    connection = await asyncpg.connect(**connection_options(settings, "test"))
    schema = schema_name(settings.prefix)
    first = migrations()[:1]
    with monkeypatch.context() as before:
        before.setattr(migrating, "migrations", lambda: first)
        assert await migrate(connection, schema) == ["0001_tables.sql"]
    await connection.execute(LATEST)
    assert "0002_availability_history.sql" in await migrate(connection, schema)
    (row,) = await connection.fetch("SELECT * FROM availability_history")
    assert (row["channel"], row["sku"], row["version"], row["quantity"]) == ("web", "s", 3, 7)
    assert (row["partition"], row["record_offset"]) == (0, 42)
    await connection.close()
