"""Generations of the read model: the live one and those beside it, one PostgreSQL schema each.

The live generation has the environment's own schema, so that whoever reads or writes it needs to
know nothing of generations. The others are named ``<live>__gen_<name>``; a cutover renames.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

import asyncpg
import msgspec
import xxhash

from stockfold.domain.errors import SettingsError
from stockfold.runtime.postgres import schema_name
from stockfold.runtime.settings import Settings

LIVE = "live"
BEFORE = "_before"
"""Ends the name of the generation that a cutover has put aside."""

Source = Literal["journal", "snapshot", "redecide"]
State = Literal["building", "ready"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,23}")
_IDENTIFIER_MAX = 63
# Any number that nothing else in the database locks with; the schema's name is the second half.
_LOCK_CLASS = 0x570D

_TABLES = """
CREATE TABLE IF NOT EXISTS rebuild (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    name text NOT NULL,
    source text NOT NULL,
    until text NOT NULL,
    state text NOT NULL,
    kafka_cluster_id text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
CREATE TABLE IF NOT EXISTS rebuilt_partitions (
    partition integer PRIMARY KEY,
    next_offset bigint NOT NULL,
    facts bigint NOT NULL,
    skus bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS to_publish (
    partition integer NOT NULL,
    key bytea NOT NULL,
    value bytea,
    PRIMARY KEY (partition, key)
);
"""
"""What a generation knows of itself, beside the tables of the read model."""


class About(msgspec.Struct, frozen=True):
    """How a generation was made. ``until`` is empty for the whole journal."""

    name: str
    source: Source
    until: str
    state: State
    started_at: datetime
    finished_at: datetime | None

    def is_fit(self) -> bool:
        """Whether it may become the live one: built to its end, of all that the journal says."""
        return self.state == "ready" and self.source != "redecide" and not self.until


def schema_of(settings: Settings, name: str) -> str:
    """The schema of the generation ``name``; SettingsError when it cannot be a name."""
    live = schema_name(settings.prefix)
    if name == LIVE:
        return live
    if not _NAME.fullmatch(name.removesuffix(BEFORE)):
        raise SettingsError(
            f"{name!r} cannot name a generation of the read model",
            where="the command line",
            remedy="Begin with a letter; use up to 24 small letters, digits and underscores.",
        )
    schema = f"{live}__gen_{name}"
    if len(schema) <= _IDENTIFIER_MAX:
        return schema
    return f"stockfold__gen_{xxhash.xxh3_64_hexdigest(live.encode())[:8]}_{name}"


async def exists(connection: asyncpg.Connection, schema: str) -> bool:
    """Whether there is such a schema."""
    return bool(
        await connection.fetchval(
            "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", schema
        )
    )


async def refuse_missing(connection: asyncpg.Connection, name: str, schema: str) -> None:
    """SettingsError when there is no such generation."""
    if not await exists(connection, schema):
        raise SettingsError(
            f"there is no generation {name!r} of the read model",
            where=f"PostgreSQL schema {schema}",
            remedy="`stockfold rebuild --list` names them.",
        )


async def names(connection: asyncpg.Connection, settings: Settings) -> list[str]:
    """The generations beside the live one."""
    heads = [schema_of(settings, "x")[:-1]]
    long_name = schema_of(settings, "x" * 24)[:-24]
    if long_name not in heads:
        heads.append(long_name)
    rows = await connection.fetch("SELECT nspname FROM pg_namespace ORDER BY nspname")
    return [
        row["nspname"].removeprefix(head)
        for row in rows
        for head in heads
        if row["nspname"].startswith(head)
    ]


async def lock(connection: asyncpg.Connection, schema: str) -> None:
    """Be the only one who builds or swaps this generation; SettingsError when somebody does."""
    if not await connection.fetchval(
        "SELECT pg_try_advisory_lock($1, hashtext($2))", _LOCK_CLASS, schema
    ):
        raise SettingsError(
            "another rebuild or cutover of this generation is running",
            where=f"PostgreSQL schema {schema}",
            remedy="Wait for it, or stop it; it goes on where it was.",
        )


async def make_tables(connection: asyncpg.Connection, schema: str) -> None:
    """Make what a generation knows of itself, where it is missing."""
    async with connection.transaction():
        await connection.execute(f'SET LOCAL search_path TO "{schema}"')
        await connection.execute(_TABLES)


async def about(connection: asyncpg.Connection, schema: str) -> About | None:
    """How the generation was made; None for one that only the projector has written."""
    table = f"{schema}.rebuild"
    if not await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", table):
        return None
    row = await connection.fetchrow(
        f"SELECT name, source, until, state, started_at, finished_at FROM {table}"  # noqa: S608 - schema_of made the name
    )
    return None if row is None else About(**dict(row))


async def drop(connection: asyncpg.Connection, schema: str) -> None:
    """Remove a generation with all its tables."""
    await connection.execute(f'DROP SCHEMA "{schema}" CASCADE')
