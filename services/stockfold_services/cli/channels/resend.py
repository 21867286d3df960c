"""``stockfold channel resend``: what is wanted of some listings, sent to the shop once more."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from stockfold.runtime import audit
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.resending import ask, look_up
from stockfold.runtime.settings import load
from stockfold_services.cli.confirm import DryRun, Yes, confirm
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table


def resend(
    name: Annotated[str, typer.Argument(help="The channel's name.")],
    skus: Annotated[list[str], typer.Argument(help="The SKUs.")],
    reason: Annotated[str, typer.Option(help="Why, for whoever looks later.")] = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Have a channel's publisher send the newest version of these SKUs once more."""
    settings = attach(load(config))
    found = look_up(settings, name, skus, reason)
    if found.listings and not dry_run:
        confirm(f"Send {len(found.listings):,} listings to {name} once more?", yes)
        ask(settings, found, reason, audit.user())
    if as_json:
        listings = [{"sku": one.sku, "version": one.version} for one in found.listings]
        print_json({"dry_run": dry_run, "listings": listings, "unknown": list(found.unknown)})
        return
    rows = [(one.sku, one.version, one.quantity, one.status) for one in found.listings]
    print_table(("SKU", "version", "quantity", "status"), rows)
    if found.unknown:
        told = ", ".join(found.unknown[:5])
        more = f" and {len(found.unknown) - 5:,} more" if len(found.unknown) > 5 else ""
        Console(stderr=True, highlight=False).print(
            f"nothing is published to {name} under {told}{more}", markup=False, soft_wrap=True
        )
