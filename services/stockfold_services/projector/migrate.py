"""The schema of the read model: numbered SQL files, each applied once, in one transaction."""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass
from importlib.resources import files

import asyncpg

from stockfold.domain.errors import DefectError, SettingsError

log = logging.getLogger(__name__)

_FILE = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
# Any number that nothing else in the database locks with; the schema's name is the second half.
_LOCK_CLASS = 0x570C


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        """SHA-256 of the file, to tell that it was changed after it had been applied."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """The files that ship with this package, in order; DefectError when a number is missing."""
    folder = files("stockfold_services.projector") / "migrations"
    found = []
    for file in folder.iterdir():
        match = _FILE.fullmatch(file.name)
        if match:
            found.append(Migration(int(match[1]), file.name, file.read_text("utf-8")))
    found.sort(key=lambda migration: migration.number)
    if [m.number for m in found] != list(range(1, len(found) + 1)):
        raise DefectError(
            "the migrations are not numbered 1, 2, 3 without gaps",
            where=", ".join(m.name for m in found) or str(folder),
            remedy="Install the package anew.",
        )
    return found


async def lock_schema(connection: asyncpg.Connection, schema: str) -> None:
    """Until the transaction ends, be the only one who makes or renames this schema."""
    await connection.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", _LOCK_CLASS, schema)


async def migrate(connection: asyncpg.Connection, schema: str) -> list[str]:
    """Bring ``schema`` to this release and return the names of what was applied.

    Processes that start together wait for each other. SettingsError when a later release has been
    here, or when an applied file has been changed since.
    """
    async with connection.transaction():
        await lock_schema(connection, schema)
        if not await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", schema):
            await connection.execute(f'CREATE SCHEMA "{schema}"')
        await connection.execute(
            f'CREATE TABLE IF NOT EXISTS "{schema}".migrations (number integer PRIMARY KEY, '
            "name text NOT NULL, digest text NOT NULL, "
            "applied_at timestamptz NOT NULL DEFAULT now())"
        )
        rows = await connection.fetch(f'SELECT number, name, digest FROM "{schema}".migrations')  # noqa: S608 - the name is made by schema_name
        applied = {row["number"]: row for row in rows}
        wanted = migrations()
        _check(schema, applied, wanted)
        done = []
        for migration in wanted:
            if migration.number in applied:
                continue
            await connection.execute(f'SET LOCAL search_path TO "{schema}"')
            await connection.execute(migration.sql)
            await connection.execute(
                f'INSERT INTO "{schema}".migrations (number, name, digest) VALUES ($1, $2, $3)',  # noqa: S608 - as above
                migration.number,
                migration.name,
                migration.digest,
            )
            done.append(migration.name)
    if done:
        log.info("schema %s: applied %s", schema, ", ".join(done))
    return done


def _check(schema: str, applied: dict[int, asyncpg.Record], wanted: list[Migration]) -> None:
    later = [row["name"] for number, row in applied.items() if number > len(wanted)]
    if later:
        raise SettingsError(
            f"the read model was made by a later release ({', '.join(later)})",
            where=f"PostgreSQL schema {schema}",
            remedy="Run that release, or drop the schema: it is rebuilt from the topics.",
        )
    changed = [
        m.name for m in wanted if m.number in applied and applied[m.number]["digest"] != m.digest
    ]
    if changed:
        raise SettingsError(
            f"{', '.join(changed)} differs from what was applied",
            where=f"PostgreSQL schema {schema}",
            remedy="Drop the schema: the read model is rebuilt from the topics.",
        )
