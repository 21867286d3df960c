"""``stockfold cutover NAME [--back]``: a rebuilt generation becomes the live one."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
import typer

from stockfold.runtime.audit import audited
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.settings import Settings, load
from stockfold_services.cli.confirm import DryRun, Yes, confirm
from stockfold_services.cli.output import AsJson, ConfigFile, print_json
from stockfold_services.cli.progress import Bars
from stockfold_services.cli.servers import server_errors
from stockfold_services.rebuild.building import catch_up
from stockfold_services.rebuild.cutting import Cutover, cut_over, look, plan_of


def cutover(
    name: Annotated[str, typer.Argument(help="The rebuilt generation.")],
    back: Annotated[
        bool, typer.Option("--back", help="Put the generation before it in its place again.")
    ] = False,
    config: ConfigFile = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Make a rebuilt generation the live read model, all at once; services may run meanwhile.

    The one before is kept as NAME_before until `stockfold rebuild NAME_before --drop`. Positions
    that the rebuild corrects are told to the availability service, which tells each channel what
    differs for it. Stopped half-way, it is finished by running it again.
    """
    settings = attach(load(config))
    planned = plan_of(settings, name, back=back)
    with server_errors(settings):
        if not back and not dry_run:
            with Bars() as bars:
                asyncio.run(catch_up(settings, name, bars))
        found = asyncio.run(look(settings, planned))
        if not dry_run:
            confirm(_question(found), yes)
            found = _cut_over(settings, planned)
    if as_json:
        print_json({"dry_run": dry_run, **msgspec.to_builtins(found)})
    else:
        typer.echo(_told(found, dry_run))


def _cut_over(settings: Settings, planned: Cutover) -> Cutover:
    details = {"back": planned.back, "rows": planned.rows, "positions": planned.positions}
    with audited(settings, command="cutover", subject=planned.name, details=details) as result:
        done = asyncio.run(cut_over(settings, planned))
        result |= {"swapped": done.swapped, "told": done.told}
    return done


def _question(found: Cutover) -> str:
    if not found.swapped:
        return f"{found.name!r} is the live one already. Finish what may be left to tell?"
    return f"Swap {found.shadow} and {found.live} ({_difference(found)})?"


def _difference(found: Cutover) -> str:
    if found.equal:
        return "they are equal: nothing will be told"
    rows = ", ".join(f"{count} rows of {table}" for table, count in found.rows.items())
    told = f"{found.positions} positions and {len(found.availability)} availabilities will be told"
    return f"different are {rows}; {told}"


def _told(found: Cutover, dry_run: bool) -> str:
    if dry_run:
        return _question(found).replace("Swap", "would swap").rstrip("?")
    if not found.swapped:
        return f"{found.name!r} was the live one already; {found.told} positions were left to tell"
    return f"{found.live} is now what {found.shadow} was; {found.told} positions were told"
