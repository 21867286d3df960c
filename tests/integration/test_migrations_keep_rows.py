"""A read model made by the first release, with rows in it, becomes today's and keeps them."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from stockfold_services.projector import migrate

pytestmark = pytest.mark.integration

SCHEMA = "from_the_first_release"
VALUES = {
    "text": "'x'",
    "bigint": "7",
    "integer": "7",
    "smallint": "7",
    "boolean": "true",
    "jsonb": "'[]'",
    "bytea": "'\\x01'",
    "date": "DATE '2026-11-01'",
    "timestamp with time zone": "TIMESTAMPTZ '2026-11-01 12:00:00+00'",
    "ARRAY": "'{}'",
}
"""A value of each type that a column has."""


async def columns(connection: asyncpg.Connection) -> dict[str, dict[str, str]]:
    """Type by column, by table."""
    found: dict[str, dict[str, str]] = {}
    for row in await connection.fetch(
        "SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c "
        "JOIN information_schema.tables t USING (table_schema, table_name) "
        "WHERE c.table_schema = $1 AND t.table_type = 'BASE TABLE' "
        "AND c.table_name <> 'migrations' AND c.is_generated = 'NEVER'",
        SCHEMA,
    ):
        found.setdefault(row["table_name"], {})[row["column_name"]] = row["data_type"]
    return found


async def rows(
    connection: asyncpg.Connection, tables: dict[str, dict[str, str]]
) -> dict[str, list[dict[str, Any]]]:
    """What the given columns of the tables hold."""
    return {
        table: [
            dict(row)
            for row in await connection.fetch(f'SELECT {", ".join(names)} FROM "{SCHEMA}".{table}')
        ]
        for table, names in tables.items()
    }


async def test_every_row_of_the_first_release_is_there_after_all_migrations(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = migrate.migrations()
    assert len(every) > 1
    connection = await asyncpg.connect(postgres)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(migrate, "migrations", lambda: every[:1])
            assert await migrate.migrate(connection, SCHEMA) == [every[0].name]
        tables = await columns(connection)
        for table, types in tables.items():
            values = ", ".join(VALUES[kind] for kind in types.values())
            await connection.execute(
                f'INSERT INTO "{SCHEMA}".{table} ({", ".join(types)}) VALUES ({values})'
            )
        before = await rows(connection, tables)
        assert all(len(found) == 1 for found in before.values())
        assert await migrate.migrate(connection, SCHEMA) == [m.name for m in every[1:]]
        assert await rows(connection, tables) == before
        assert await migrate.migrate(connection, SCHEMA) == []
    finally:
        await connection.close()
