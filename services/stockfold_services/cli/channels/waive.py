"""``stockfold channel waive``: SKUs that a channel may go without."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from stockfold.domain.errors import SettingsError
from stockfold.domain.times import format_us
from stockfold.runtime import audit
from stockfold.runtime.channel_coverage import (
    Waiver,
    listed_skus,
    publish_waivers,
    read_coverage,
    withdraw_waivers,
)
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.named_channel import woocommerce_channel
from stockfold.runtime.settings import Settings, load
from stockfold_services.cli.confirm import DryRun, Yes, confirm
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table
from stockfold_services.cli.questions.journal import sku_partitions

REASON_CHARACTERS_MAX = 500
NAMED_MAX = 5


def waive(
    name: Annotated[str, typer.Argument(help="The channel's name.")],
    skus: Annotated[
        list[str] | None, typer.Argument(help="The SKUs. None: show what is waived.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="SKUs from a file, one on each line.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why the channel may go without them.")] = "",
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Take the waivers of these SKUs back.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Let a channel go live without these SKUs: what is not in the shop, and is not meant to be."""
    settings = load(config)
    woocommerce_channel(settings, name, "Only of WooCommerce can all that is listed be read.")
    wanted = list(dict.fromkeys([*(skus or ()), *_lines(file)]))
    settings = attach(settings)
    in_force = read_coverage(settings).waivers(name)
    if not wanted:
        _show(list(in_force.values()), as_json=as_json)
        return
    if withdraw:
        changed = [in_force[sku] for sku in wanted if sku in in_force]
    else:
        changed = _new(name, wanted, reason, in_force)
    if changed and not dry_run:
        _change(settings, name, changed, yes=yes, withdraw=withdraw)
    unlisted = _unlisted(settings, name, wanted)
    if as_json:
        print_json(
            {
                "dry_run": dry_run,
                "withdrawn" if withdraw else "waived": msgspec.to_builtins(changed),
                "not_published_to_it": unlisted,
            }
        )
        return
    _show(changed, as_json=False)
    would = "would be" if dry_run else "are"
    _say(f"{len(changed):,} of {len(wanted):,} {would} {_done(withdraw=withdraw)} for {name}")
    if unlisted:
        _say(f"nothing is published to {name} under {_some(unlisted)}; check the spelling")


def _lines(file: Path | None) -> list[str]:
    if file is None:
        return []
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"the SKUs were not read: {error}", where=str(file), remedy="Name a file of UTF-8."
        ) from error
    return [line.strip() for line in lines if line.strip()]


def _new(
    name: str, wanted: Sequence[str], reason: str, in_force: dict[str, Waiver]
) -> list[Waiver]:
    if not reason.strip() or len(reason) > REASON_CHARACTERS_MAX:
        raise SettingsError(
            "a waiver needs a reason",
            where="--reason",
            remedy="Say in a sentence why the channel may go without these SKUs.",
        )
    who, at = audit.user(), SYSTEM_CLOCK.now_us()
    known = {sku for sku in wanted if sku in in_force and in_force[sku].reason == reason}
    return [Waiver(name, sku, reason, who, at) for sku in wanted if sku not in known]


def _change(
    settings: Settings, name: str, changed: list[Waiver], *, yes: bool, withdraw: bool
) -> None:
    told = [waiver.sku for waiver in changed]
    question = "Take back the waivers of" if withdraw else "Let go without"
    confirm(f"{question} {len(told):,} SKUs of {name}: {_some(told)}?", yes)
    details = {"withdraw": withdraw, "skus": told, "reason": changed[0].reason}
    with audit.audited(settings, command="channel waive", subject=name, details=details):
        (withdraw_waivers if withdraw else publish_waivers)(settings, changed)


def _unlisted(settings: Settings, name: str, wanted: Sequence[str]) -> list[str]:
    """Those of the SKUs that nothing is published under."""
    left = set(wanted)
    for some in listed_skus(settings, name, sku_partitions(settings)):
        left -= some
    return sorted(left)


def _show(waivers: list[Waiver], *, as_json: bool) -> None:
    if as_json:
        print_json(msgspec.to_builtins(waivers))
        return
    rows = [(waiver.sku, waiver.reason, waiver.by, format_us(waiver.at)) for waiver in waivers]
    print_table(("SKU", "reason", "by", "at"), rows)


def _done(*, withdraw: bool) -> str:
    return "no longer waived" if withdraw else "waived"


def _some(skus: Sequence[str]) -> str:
    told = ", ".join(skus[:NAMED_MAX])
    return f"{told} and {len(skus) - NAMED_MAX:,} more" if len(skus) > NAMED_MAX else told


def _say(sentence: str) -> None:
    Console(stderr=True, highlight=False).print(sentence, markup=False, soft_wrap=True)
