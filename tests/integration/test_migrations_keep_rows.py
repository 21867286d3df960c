"""A read model made by the first release, with rows in it, becomes today's and keeps them."""

from __future__ import annotations

import json
from typing import Any

import asyncpg
import pytest

from stockfold.domain.times import to_us
from stockfold.ledger.entities import Change, Transfer, encode_change
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


async def test_transfers_are_filled_from_the_facts_that_are_there_already(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = "with_transfers"
    every = migrate.migrations()
    connection = await asyncpg.connect(postgres)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(migrate, "migrations", lambda: every[:2])
            await migrate.migrate(connection, schema)
        for seq, kind, transfer in (
            (1, "TransferDispatched", Transfer("T-1", posted=(("A", 6), ("B", -1)), eta_us=7)),
            (2, "TransferDispatched", Transfer("T-2", posted=(("A", 3),))),
            (3, "TransferReceived", Transfer("T-1", posted=(("A", 2),), eta_us=7)),
        ):
            change = Change(transfer=transfer, note={"document": "with a NUL \x00 in it"})
            await connection.execute(
                f'INSERT INTO "{schema}".journal VALUES '
                "('S', $1, 4, $1, $2, '', '', '', '', 0, 0, 0, '', now(), now(), NULL, '[]', "
                "'{}', '{}', $3)",
                seq,
                kind,
                encode_change(change),
            )
        await migrate.migrate(connection, schema)
        found = await connection.fetch(f'SELECT * FROM "{schema}".transfers ORDER BY transfer')
        assert [(r["transfer"], r["seq"], json.loads(r["in_transit"])) for r in found] == [
            ("T-1", 3, [{"location": "A", "quantity": 2}]),
            ("T-2", 2, [{"location": "A", "quantity": 3}]),
        ]
        assert [None if r["eta"] is None else to_us(r["eta"]) for r in found] == [7, None]
    finally:
        await connection.close()
