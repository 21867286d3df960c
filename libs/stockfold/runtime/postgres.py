"""How every service reaches PostgreSQL, and the schema that belongs to this environment."""

from __future__ import annotations

import re
from typing import Any

import asyncpg
import xxhash

from stockfold.domain.errors import SettingsError
from stockfold.runtime.settings import Settings

CONNECT_S_MAX = 10.0
COMMAND_S_MAX = 60.0

_PLAIN_PREFIX = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*\.")
_SCHEMA_CHARACTERS_MAX = 48

UNAVAILABLE: tuple[type[BaseException], ...] = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.TransactionRollbackError,
    asyncpg.exceptions.LockNotAvailableError,
    asyncpg.exceptions.IdleInTransactionSessionTimeoutError,
    asyncpg.exceptions.InternalClientError,
)
"""What a server that is away, starting, stopping, full or overtaken raises: try again later."""


def schema_name(prefix: str) -> str:
    """The PostgreSQL schema of the environment ``prefix``: ``stockfold`` for none.

    ``staging.`` gives ``stockfold_staging``. Any other spelling gets a hash of the prefix, so that
    two environments never share a schema.
    """
    if not prefix:
        return "stockfold"
    if _PLAIN_PREFIX.fullmatch(prefix) and len(prefix) < _SCHEMA_CHARACTERS_MAX:
        return f"stockfold_{prefix[:-1]}"
    words = re.sub(r"[^a-z0-9]+", "_", prefix.lower()).strip("_")[: _SCHEMA_CHARACTERS_MAX - 19]
    return f"stockfold_{words}__{xxhash.xxh3_64_hexdigest(prefix.encode())[:8]}"


def connection_options(settings: Settings, service: str, **session: str) -> dict[str, Any]:
    """Keyword arguments of ``asyncpg.connect`` and ``asyncpg.create_pool``.

    ``session`` are server settings of every connection, such as ``lock_timeout``. SettingsError
    when no PostgreSQL is set: ``stockfold up`` starts one and sets it.
    """
    if settings.postgres.dsn is None:
        raise SettingsError(
            "no PostgreSQL is set",
            where="postgres.dsn",
            remedy="Set it to a connection URI, or run `stockfold up`, which starts an embedded "
            "server.",
        )
    return {
        "dsn": settings.postgres.dsn.resolve(),
        "timeout": CONNECT_S_MAX,
        "command_timeout": COMMAND_S_MAX,
        "server_settings": {
            "application_name": f"stockfold-{service}",
            "search_path": schema_name(settings.prefix),
            "timezone": "UTC",
            **session,
        },
    }
