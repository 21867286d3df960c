"""The command ``stockfold``: mounts the command groups, one module each."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import version
from importlib.util import find_spec
from typing import Annotated

import typer

from stockfold.domain.errors import StockfoldError
from stockfold_services.cli import (
    audit,
    cases,
    catalog,
    channel,
    config,
    exceptions,
    export,
    keys,
    orders,
    reconcile,
    schemas,
    snapshots,
    sourcing,
    topics,
)
from stockfold_services.cli.archive import archive, restore
from stockfold_services.cli.atp import atp
from stockfold_services.cli.cutover import cutover
from stockfold_services.cli.diff import diff
from stockfold_services.cli.digest import digest
from stockfold_services.cli.import_ import import_
from stockfold_services.cli.listings import listings
from stockfold_services.cli.output import print_error
from stockfold_services.cli.promise import promise
from stockfold_services.cli.questions.as_of import as_of
from stockfold_services.cli.questions.availability import SkuByDefault, availability
from stockfold_services.cli.questions.explain import explain
from stockfold_services.cli.questions.leaks import leaks
from stockfold_services.cli.questions.oversell import oversell
from stockfold_services.cli.questions.trace import trace
from stockfold_services.cli.rebuild import rebuild
from stockfold_services.cli.runbook import runbook
from stockfold_services.cli.size import size
from stockfold_services.cli.up import up
from stockfold_services.cli.validate import validate
from stockfold_services.cli.what_if import simulate_policy

app = typer.Typer(
    help="Event-sourced inventory availability.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(up)
app.command()(validate)
app.command()(size)
app.command("import")(import_)
app.command()(atp)
app.command()(promise)
app.command("simulate-policy")(simulate_policy)
app.command()(archive)
app.command()(restore)
explain_app = typer.Typer(help="Why numbers are what they are.", cls=SkuByDefault)
explain_app.command("sku")(explain)
explain_app.command("availability")(availability)
app.add_typer(explain_app, name="explain")
app.command("as-of")(as_of)
app.command()(rebuild)
app.command()(digest)
app.command()(diff)
app.command()(oversell)
app.command()(cutover)
app.command()(leaks)
app.command()(listings)
app.command()(trace)
app.command()(runbook)
app.add_typer(config.app, name="config")
app.add_typer(topics.app, name="topics")
app.add_typer(schemas.app, name="schemas")
app.add_typer(catalog.app, name="catalog")
app.add_typer(exceptions.app, name="exceptions")
app.add_typer(cases.app, name="cases")
app.add_typer(orders.app, name="orders")
app.add_typer(audit.app, name="audit")
app.add_typer(keys.app, name="keys")
app.add_typer(channel.app, name="channel")
app.add_typer(snapshots.app, name="snapshots")
app.add_typer(export.app, name="export")
app.add_typer(reconcile.app, name="reconcile")
app.add_typer(sourcing.app, name="sourcing")

for _name in ("policy",):
    if find_spec(f"stockfold_services.cli.{_name}"):
        app.add_typer(importlib.import_module(f"stockfold_services.cli.{_name}").app, name=_name)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"stockfold {version('stockfold')}")
        raise typer.Exit


@app.callback()
def _root(
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Event-sourced inventory availability."""
    del show_version


def main() -> None:
    """Run the command line; errors of stockfold end with their own exit code."""
    try:
        app()
    except StockfoldError as error:
        print_error(error)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
