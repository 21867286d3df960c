"""``stockfold policy``: what each channel may promise from, checked and published."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from stockfold.availability.policy import Policy
from stockfold.domain.errors import SettingsError
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.settings import Settings, load
from stockfold_services.cli.confirm import DryRun, Yes, confirm
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table
from stockfold_services.cli.policy_file import from_file, from_settings
from stockfold_services.cli.policy_publish import (
    PolicyOutcome,
    differing,
    policies_in_force,
    publish,
    publish_audited,
    publish_policies,
)

__all__ = ["PolicyOutcome", "app", "publish_policies"]

app = typer.Typer(help="Show, check and publish the channels' policies.", no_args_is_help=True)

PolicyPath = Annotated[
    Path | None,
    typer.Argument(
        help="A YAML file of policies. Default: the channels of the settings.", show_default=False
    ),
]


@app.command()
def apply(
    file: PolicyPath = None,
    config: ConfigFile = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Publish the policies that differ from those in force; channels not named stay as they are."""
    settings = attach(load(config))
    wanted = _wanted(file, settings)
    outcomes = publish(settings, wanted, dry_run=True)
    if not dry_run and differing(outcomes):
        confirm(f"Publish the policies of {', '.join(differing(outcomes))}?", yes)
        outcomes = publish_audited(settings, wanted, outcomes, "policy apply")
    if as_json:
        print_json({"dry_run": dry_run, "policies": [msgspec.to_builtins(o) for o in outcomes]})
        return
    rows = [
        (
            o.channel,
            f"would be {o.action}" if dry_run else o.action,
            o.revision,
            "; ".join(o.changes),
        )
        for o in outcomes
    ]
    print_table(("channel", "policy", "revision", "changes"), rows)


@app.command()
def show(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """The policies in force."""
    settings = attach(load(config))
    policies = sorted(policies_in_force(settings).values(), key=lambda policy: policy.channel)
    if as_json:
        print_json([msgspec.to_builtins(policy) for policy in policies])
        return
    columns = ("channel", "revision", "zone", "locations", "safety stock", "low stock", "breakdown")
    print_table(columns, [_row(policy) for policy in policies])


@app.command()
def check(file: PolicyPath = None, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Validate policies without publishing them; no Kafka is needed."""
    policies = _wanted(file, load(config))
    if as_json:
        print_json({"valid": True, "channels": [policy.channel for policy in policies]})
    else:
        named = ", ".join(policy.channel for policy in policies)
        Console().print(f"valid: {named}", markup=False, soft_wrap=True)


def _wanted(file: Path | None, settings: Settings) -> list[Policy]:
    if file is not None:
        return from_file(file, settings)
    policies = from_settings(settings)
    if not policies:
        raise SettingsError(
            "there is no channel to take a policy from",
            where="[[channels]] in the settings",
            remedy="Add a channel, or name a file of policies.",
        )
    return policies


def _row(policy: Policy) -> tuple[object, ...]:
    return (
        policy.channel,
        policy.revision,
        policy.zone,
        "all" if policy.locations is None else ", ".join(policy.locations),
        policy.safety_stock,
        policy.low_stock,
        "by location" if policy.per_location else "",
    )
