"""``stockfold diff LIVE SHADOW``: where two generations of the read model part."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import Annotated, Any

import msgspec
import orjson
import typer

from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.settings import Settings, load
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table
from stockfold_services.cli.servers import server_errors
from stockfold_services.rebuild import generations
from stockfold_services.rebuild.building import connected
from stockfold_services.rebuild.comparing import (
    Difference,
    count_differences,
    differences,
    first_divergent_sku,
    prepare,
)
from stockfold_services.rebuild.tracing import Divergence, first_divergence


class Found(msgspec.Struct):
    """Everything that a comparison found; ``page`` is the part that was asked for."""

    equal: bool
    left: str
    right: str
    rows: dict[str, int]
    moving_skus: int
    first: Divergence | None
    page: list[Difference]
    after: int


def diff(
    left: Annotated[str, typer.Argument(help="A generation, such as live.")],
    right: Annotated[str, typer.Argument(help="Another, such as a rebuilt one.")],
    table: Annotated[
        list[str] | None, typer.Option(help="Only rows of this table; may be repeated.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Differences to show.")] = 50,
    after: Annotated[int, typer.Option(min=0, help="Skip so many: the next page.")] = 0,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """The first divergent SKU and fact, then every row that differs. Exit code 1 when any does."""
    settings = attach(load(config))
    with server_errors(settings):
        found = asyncio.run(_compare(settings, left, right, table or [], limit, after))
    if as_json:
        print_json(msgspec.to_builtins(found))
    else:
        _print(found)
    if not found.equal:
        raise typer.Exit(1)


async def _compare(
    settings: Settings, left: str, right: str, only: list[str], limit: int, after: int
) -> Found:
    schemas = [generations.schema_of(settings, name) for name in (left, right)]
    async with connected(settings, schemas[0]) as connection:
        for name, schema in zip((left, right), schemas, strict=True):
            await generations.refuse_missing(connection, name, schema)
        async with connection.transaction(isolation="repeatable_read"):
            sides = await prepare(connection, *schemas)
            rows = await count_differences(connection, sides)
            sku = await first_divergent_sku(connection, sides) if rows else None
            first = None if sku is None else await first_divergence(connection, sides, sku)
            page: list[Difference] = []
            if rows and limit:
                stream = differences(connection, sides, only)
                seen = [found async for found in _first(stream, after + limit)]
                page = list(islice(seen, after, None))
    return Found(not rows, left, right, rows, sides.moving_skus, first, page, after)


async def _first(stream: Any, count: int) -> Any:
    async for found in stream:
        yield found
        count -= 1
        if count <= 0:
            return


def _print(found: Found) -> None:
    if found.moving_skus:
        typer.echo(
            f"{found.moving_skus} SKUs are left out: only one side has read their last facts",
            err=True,
        )
    if found.equal:
        typer.echo(f"{found.left} and {found.right} are equal")
        return
    if found.first is not None:
        first = {k: v for k, v in msgspec.to_builtins(found.first).items() if v not in (None, "")}
        print_table(("first divergence", ""), list(first.items()))
    print_table(("table", "rows that differ"), list(found.rows.items()))
    if found.page:
        print_table(
            ("table", "key", "column", found.left, found.right),
            [
                (d.table, _text(list(d.key.values())), d.column, _text(d.left), _text(d.right))
                for d in found.page
            ],
        )
        typer.echo(f"next page: --after {found.after + len(found.page)}", err=True)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
