"""``stockfold rebuild``: another generation of the read model, from the topics, beside the live."""

from __future__ import annotations

import asyncio
from typing import Annotated, cast

import msgspec
import typer

from stockfold.domain.errors import SettingsError
from stockfold.runtime.audit import audited
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.settings import Settings, load
from stockfold_services.cli.confirm import DryRun, Yes, confirm
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table
from stockfold_services.cli.progress import Bars
from stockfold_services.cli.servers import server_errors
from stockfold_services.rebuild import generations
from stockfold_services.rebuild.building import build, connected
from stockfold_services.rebuild.generations import Source
from stockfold_services.rebuild.plans import Report, Wanted
from stockfold_services.rebuild.positions import Path, choose_path
from stockfold_services.rebuild.until import parse_until


def rebuild(
    name: Annotated[str, typer.Argument(help="Name of the new generation.")] = "shadow",
    until: Annotated[
        str | None,
        typer.Option(help="Stop before: a time, or offsets of the journal, PARTITION:OFFSET,..."),
    ] = None,
    path: Annotated[
        str | None,
        typer.Option(help="bulk (columns; needs numpy) or scalar. Unset: bulk where it can be."),
    ] = None,
    from_snapshot: Annotated[
        bool,
        typer.Option(
            "--from-snapshot",
            help="Fold positions from the newest snapshot and its tail.",
        ),
    ] = False,
    redecide: Annotated[
        bool,
        typer.Option(
            "--redecide", help="Decide the inputs anew by today's rules, and say what would differ."
        ),
    ] = False,
    drop: Annotated[bool, typer.Option("--drop", help="Remove the generation instead.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Only list the generations.")] = False,
    config: ConfigFile = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Rebuild the read model from the topics into a generation beside the live one.

    Nothing is published. Stopped, it goes on where it was when it is run again; run again when it
    is ready, it reads on to the present end.
    """
    settings = attach(load(config))
    if path not in (None, "bulk", "scalar"):
        raise SettingsError(f"there is no path {path!r}", where="--path", remedy="bulk or scalar.")
    with server_errors(settings):
        if list_:
            _show(asyncio.run(_list(settings)), as_json)
            return
        schema = generations.schema_of(settings, name)
        if name == generations.LIVE:
            raise SettingsError(
                "the live generation is neither rebuilt in place nor dropped",
                where="the command line",
                remedy="Give the rebuild another name, then `stockfold cutover NAME`.",
            )
        if drop:
            asyncio.run(_drop(settings, name, schema, dry_run=dry_run, yes=yes))
            return
        limit = None if until is None else parse_until(until)
        source = _source(from_snapshot=from_snapshot, redecide=redecide)
        chosen = choose_path(cast("Path | None", path)) if source == "journal" else "scalar"
        wanted = Wanted(name, chosen, limit, source)
        if dry_run:
            typer.echo(f"would build the schema {schema} on the {wanted.path} path")
            return
        confirm(f"Build the generation {name!r} (schema {schema})?", yes)
        report = _build(settings, wanted)
    _print(report, as_json)


def _source(*, from_snapshot: bool, redecide: bool) -> Source:
    if from_snapshot and redecide:
        raise SettingsError(
            "a snapshot holds what was decided, so nothing can be decided anew from it",
            where="--from-snapshot and --redecide",
            remedy="Choose one.",
        )
    return "redecide" if redecide else "snapshot" if from_snapshot else "journal"


def _build(settings: Settings, wanted: Wanted) -> Report:
    details = {"until": wanted.until and wanted.until.told, "source": wanted.source}
    with (
        audited(settings, command="rebuild", subject=wanted.name, details=details) as result,
        Bars() as bars,
    ):
        report = asyncio.run(build(settings, wanted, bars))
        result |= {"digest": report.digest, "facts": report.facts}
    return report


async def _list(settings: Settings) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    async with connected(settings, generations.schema_of(settings, generations.LIVE)) as connection:
        for name in [generations.LIVE, *await generations.names(connection, settings)]:
            schema = generations.schema_of(settings, name)
            about = await generations.about(connection, schema)
            told = {} if about is None else msgspec.to_builtins(about)
            found.append(
                {"name": name, "schema": schema, **{k: v for k, v in told.items() if k != "name"}}
            )
    return found


async def _drop(settings: Settings, name: str, schema: str, *, dry_run: bool, yes: bool) -> None:
    async with connected(settings, schema) as connection:
        await generations.refuse_missing(connection, name, schema)
        if dry_run:
            typer.echo(f"would drop the schema {schema}")
            return
        confirm(f"Drop the generation {name!r} (schema {schema})?", yes)
        with audited(settings, command="rebuild --drop", subject=name, details={"schema": schema}):
            await generations.lock(connection, schema)
            await generations.drop(connection, schema)
    typer.echo(f"dropped {schema}", err=True)


def _show(found: list[dict[str, object]], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    columns = ("name", "schema", "state", "source", "until", "finished_at")
    print_table(columns, [[row.get(column) for column in columns] for row in found])


def _print(report: Report, as_json: bool) -> None:
    told = msgspec.to_builtins(report, str_keys=True)
    if as_json:
        print_json(told)
        return
    rows = {f"rows of {table}": count for table, count in told.pop("rows").items() if count}
    rows |= {f"{table} that differ": n for table, n in told.pop("differs").items()}
    ends = told.pop("next_offsets")
    del told["positions"]
    told["journal read to"] = ", ".join(f"{p}:{offset}" for p, offset in ends.items())
    print_table(
        ("", ""),
        [(k, f"{v:,.1f}" if isinstance(v, float) else v) for k, v in (told | rows).items()],
    )
