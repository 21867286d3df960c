"""``stockfold trace CORRELATION_ID``: everything that happened under one correlation id."""

from __future__ import annotations

import asyncio
from typing import Annotated

import asyncpg
import msgspec
import typer

from stockfold.domain.errors import SettingsError, UnavailableError
from stockfold.domain.times import format_us, to_us
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.journey import Journey, journey_of, lasted
from stockfold.runtime.postgres import UNAVAILABLE, connection_options, schema_name
from stockfold.runtime.settings import Settings, load
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table

_NO_TABLES = (
    asyncpg.exceptions.UndefinedTableError,
    asyncpg.exceptions.UndefinedColumnError,
)
_COLUMNS = ("at", "after", "took", "stage", "what", "where")


def trace(
    correlation_id: Annotated[
        str,
        typer.Argument(
            metavar="CORRELATION_ID",
            help="Of an event or an order: what its sender called it, else the event's id; "
            "channel|order for orders that a shop told of.",
        ),
    ],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """What came of an event or an order: decided, told to channels, shown there, and when."""
    found = asyncio.run(_read(attach(load(config)), correlation_id))
    if as_json:
        took_us = round(found.took.total_seconds() * 1_000_000)
        print_json({**msgspec.to_builtins(found), "took_us": took_us})
    elif found.steps:
        _print(found)
    if not found.steps:
        raise SettingsError(
            f"nothing is known of the correlation id {correlation_id!r}",
            where="the read model",
            remedy="Check how it is written; deliveries are kept for 30 days, and the projector "
            "may be behind (GET /v1/status).",
        )


async def _read(settings: Settings, correlation_id: str) -> Journey:
    try:
        connection = await asyncpg.connect(**connection_options(settings, "trace"))
        try:
            return await journey_of(connection, correlation_id)
        finally:
            await connection.close()
    except _NO_TABLES as error:
        raise UnavailableError(
            "the tables of the read model are not there, or of an earlier release",
            where=f"PostgreSQL schema {schema_name(settings.prefix)}",
            remedy="Start the projector, which makes them.",
        ) from error
    except UNAVAILABLE as error:
        raise UnavailableError(
            f"PostgreSQL did not answer: {type(error).__name__}",
            where="postgres.dsn",
            remedy="The ledger goes on without it. Try again.",
        ) from error


def _print(found: Journey) -> None:
    before = found.steps[0].at
    rows = []
    for step in found.steps:
        took_us = to_us(step.until) - to_us(step.at)
        rows.append(
            (
                format_us(to_us(step.at)),
                f"+{lasted(to_us(step.at) - to_us(before))}",
                lasted(took_us) if took_us else "",
                step.stage,
                "; ".join(filter(None, (step.title, step.detail))),
                step.place,
            )
        )
        before = step.at
    print_table(_COLUMNS, rows)
    whole = lasted(to_us(found.steps[0].at + found.took) - to_us(found.steps[0].at))
    typer.echo(f"{len(found.steps)} steps in {whole}" + (", and more" if found.more else ""))
