"""The read model as the api reads it: a pool that may come and go with its server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import orjson
from fastapi import Request

from stockfold.domain.errors import UnavailableError
from stockfold.runtime.postgres import UNAVAILABLE, connection_options, schema_name
from stockfold.runtime.settings import Settings
from stockfold_services.api.problems import Problem

CONNECTIONS_MAX = 8
ACQUIRE_S_MAX = 5.0
STATEMENT_MS_MAX = 5_000

_SESSION = {
    "default_transaction_read_only": "on",
    "statement_timeout": str(STATEMENT_MS_MAX),
    "idle_in_transaction_session_timeout": "15000",
}

_NO_TABLES = (
    asyncpg.exceptions.UndefinedTableError,
    asyncpg.exceptions.UndefinedColumnError,
    asyncpg.exceptions.InvalidSchemaNameError,
)


class Database:
    """Connections for reading. Nothing is connected before the first use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()
        self.schema = schema_name(settings.prefix)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection in one read-only snapshot. UnavailableError as ``asking``."""
        async with (
            self.asking() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield connection

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection for one statement, which is a snapshot of its own: one round trip.

        UnavailableError when PostgreSQL does not answer, or the projector has made no tables yet.
        """
        try:
            pool = await self._opened()
            async with pool.acquire(timeout=ACQUIRE_S_MAX) as connection:
                yield connection
        except asyncpg.exceptions.QueryCanceledError as error:
            raise UnavailableError(
                f"the question took longer than {STATEMENT_MS_MAX} ms",
                remedy="Ask for less: a smaller page, or without the proof.",
            ) from error
        except asyncpg.exceptions.DataError as error:
            raise Problem(422, "Input not valid", "A number is out of range.") from error
        except _NO_TABLES as error:
            raise UnavailableError(
                "the tables of the read model are not there, or of an earlier release",
                where=f"PostgreSQL schema {self.schema}",
                remedy="Start the projector, which makes them.",
            ) from error
        except UNAVAILABLE as error:
            raise UnavailableError(
                f"PostgreSQL did not answer: {type(error).__name__}",
                remedy="The ledger goes on without it. Try again.",
            ) from error

    async def _opened(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    **connection_options(self._settings, "api", **_SESSION),
                    min_size=0,
                    max_size=CONNECTIONS_MAX,
                    max_inactive_connection_lifetime=60,
                    init=_read_json,
                    reset=_nothing_to_reset,
                )
            return self._pool

    async def close(self) -> None:
        """Close every connection; those in use get a moment."""
        if self._pool is not None:
            try:
                await asyncio.wait_for(self._pool.close(), ACQUIRE_S_MAX)
            except TimeoutError:
                self._pool.terminate()
            self._pool = None


def database_of(request: Request) -> Database:
    """The read model of the application that a request is for."""
    database = request.app.state.database
    assert isinstance(database, Database)
    return database


async def _read_json(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=str, decoder=orjson.loads, format="text"
    )


async def _nothing_to_reset(connection: asyncpg.Connection) -> None:
    """Leave a connection that comes back as it is.

    Nobody sets or locks anything in a session, so asyncpg's question that undoes it all would be a
    round trip after every answer for nothing. An open transaction it ends all the same.
    """
    del connection
