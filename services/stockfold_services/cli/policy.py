"""``stockfold policy``: what each channel may promise from, checked, planned and published."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
import yaml
from rich.console import Console

from stockfold.availability.policy import Policy
from stockfold.domain.errors import SettingsError
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.settings import Settings, load
from stockfold_services.cli.confirm import DryRun, Yes, confirm
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table
from stockfold_services.cli.policy_compare import PolicyOutcome, compare, differing
from stockfold_services.cli.policy_file import from_file, from_settings
from stockfold_services.cli.policy_known import Known, known_of_settings
from stockfold_services.cli.policy_plan import ChannelPlan, Plan
from stockfold_services.cli.policy_publish import (
    policies_in_force,
    publish,
    publish_audited,
    publish_policies,
)
from stockfold_services.cli.policy_world import World
from stockfold_services.cli.policy_written import written

__all__ = ["PolicyOutcome", "app", "publish_policies"]

app = typer.Typer(help="Show, check, plan and publish channel policies.", no_args_is_help=True)

PolicyPath = Annotated[
    Path | None,
    typer.Argument(
        help="A YAML file of policies. Default: the channels of the settings.", show_default=False
    ),
]
LetOverlap = Annotated[
    bool,
    typer.Option(
        "--let-fences-overlap",
        help="Take ring-fences of a SKU above its pool: they are granted by priority.",
    ),
]
OVERLAPS_SHOWN = 5


@app.command()
def check(
    file: PolicyPath = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Do not look at a running environment.")
    ] = False,
    overlap: LetOverlap = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Validate policies without publishing them, against stock and reference data where it runs."""
    settings = attach(load(config))
    alone = offline or settings.kafka.bootstrap is None
    known = known_of_settings(settings) if alone else World(settings).known(overlaps=not overlap)
    policies = _wanted(file, settings, known)
    if as_json:
        channels = [policy.channel for policy in policies]
        print_json({"valid": True, "channels": channels, "offline": alone})
        return
    named = ", ".join(policy.channel for policy in policies)
    Console().print(f"valid: {named}", markup=False, soft_wrap=True)
    if alone:
        _tell("not looked at: tags, and whether ring-fences can all be met; nothing is running")


@app.command()
def plan(
    file: PolicyPath = None,
    top: Annotated[int, typer.Option(min=0, help="Largest changes shown of each channel.")] = 5,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """What every channel's numbers would become, from the positions; nothing is published."""
    settings = attach(load(config))
    world = World(settings)
    wanted = _wanted(file, settings, world.known(overlaps=False))
    outcomes = [outcome for _, outcome in compare(wanted, world.in_force)]
    found = world.plan(wanted, top)
    if as_json:
        print_json({"policies": msgspec.to_builtins(outcomes), **msgspec.to_builtins(found)})
        return
    _print_outcomes(outcomes, would=True)
    _print_plan(found)


@app.command()
def apply(
    file: PolicyPath = None,
    config: ConfigFile = None,
    overlap: LetOverlap = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Publish the policies that differ from those in force; channels not named stay as they are."""
    settings = attach(load(config))
    wanted = _wanted(file, settings, World(settings).known(overlaps=not overlap))
    outcomes = publish(settings, wanted, dry_run=True)
    if not dry_run and differing(outcomes):
        confirm(f"Publish the policies of {', '.join(differing(outcomes))}?", yes)
        outcomes = publish_audited(
            settings, wanted, outcomes, "policy apply", takes_overlaps=overlap
        )
    if as_json:
        print_json({"dry_run": dry_run, "policies": msgspec.to_builtins(outcomes)})
    else:
        _print_outcomes(outcomes, would=dry_run)


@app.command()
def show(
    channel: Annotated[str | None, typer.Argument(help="Only this channel's.")] = None,
    as_yaml: Annotated[
        bool, typer.Option("--yaml", help="Print a file that `policy apply` takes.")
    ] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """The policies in force."""
    settings = attach(load(config))
    found = policies_in_force(settings)
    if channel is not None and channel not in found:
        raise SettingsError(
            f"channel {channel!r} has no policy",
            where=f"environment prefix {settings.prefix!r}",
            remedy="`stockfold policy show` lists those that have one.",
        )
    policies = [p for name, p in sorted(found.items()) if channel in {None, name}]
    if as_json:
        print_json([msgspec.to_builtins(policy) for policy in policies])
    elif as_yaml or channel is not None:
        text = {"policies": [written(policy) for policy in policies]}
        yaml.safe_dump(text, sys.stdout, sort_keys=False, allow_unicode=True)
    else:
        rows = [(p.channel, p.revision, p.zone, _where(p), _rest(p)) for p in policies]
        print_table(("channel", "revision", "zone", "locations", "rules"), rows)


def _wanted(file: Path | None, settings: Settings, known: Known) -> list[Policy]:
    if file is not None:
        return from_file(file, settings, known)
    policies = from_settings(settings, known)
    if not policies:
        raise SettingsError(
            "there is no channel to take a policy from",
            where="[[channels]] in the settings",
            remedy="Add a channel, or name a file of policies.",
        )
    return policies


def _where(policy: Policy) -> str:
    if policy.everywhere:
        return "all"
    return ", ".join([*(policy.locations or ()), *(f"tag {tag}" for tag in policy.tags)])


def _rest(policy: Policy) -> str:
    rules = written(policy)
    for shown in ("channel", "zone", "locations", "tags"):
        rules.pop(shown, None)
    return yaml.safe_dump(rules, sort_keys=False, allow_unicode=True).strip() if rules else ""


def _print_outcomes(outcomes: list[PolicyOutcome], *, would: bool) -> None:
    action = "would be {}" if would else "{}"
    rows = [
        (o.channel, action.format(o.action), o.revision, "; ".join(o.changes)) for o in outcomes
    ]
    print_table(("channel", "policy", "revision", "changes"), rows)


def _print_plan(found: Plan) -> None:
    columns = ("channel", "SKUs", "would change", "units now", "then", "to zero", "from zero")
    rows = [
        (p.channel, p.skus, p.changed, p.units_before, p.units_after, p.to_zero, p.from_zero)
        for p in found.channels
    ]
    print_table(columns, rows)
    largest = [row for plan in found.channels for row in _largest(plan)]
    if largest:
        print_table(("channel", "SKU", "now", "then", "status then"), largest)
    for overlap in found.overlaps[:OVERLAPS_SHOWN]:
        _tell(f"note: {overlap.sentence}")
    more = len(found.overlaps) - OVERLAPS_SHOWN
    if more > 0:
        _tell(f"note: and so for {more} SKUs more; they are granted by priority")


def _largest(plan: ChannelPlan) -> list[tuple[object, ...]]:
    return [
        (plan.channel, c.sku, "not told" if c.before is None else c.before, c.after, c.status)
        for c in plan.largest
    ]


def _tell(sentence: str) -> None:
    Console(stderr=True, highlight=False).print(sentence, markup=False, soft_wrap=True)
