"""``stockfold channel``: the connection to one shop."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from stockfold.channels.woocommerce.webhooks import Webhook
from stockfold.runtime import audit
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.named_channel import woocommerce_channel
from stockfold.runtime.settings import ChannelSettings, Settings, load
from stockfold.runtime.shop_http import Transport, woocommerce
from stockfold.runtime.shop_webhooks import Found, look, put_right
from stockfold_services.cli.channels.balances import balances
from stockfold_services.cli.channels.check import check_channel
from stockfold_services.cli.channels.conformance import check_kind, kinds
from stockfold_services.cli.channels.control import pause, restore, resume, status, zero
from stockfold_services.cli.channels.listed import list_channels
from stockfold_services.cli.channels.monitor import monitor
from stockfold_services.cli.channels.resend import resend
from stockfold_services.cli.channels.shadow import shadow
from stockfold_services.cli.channels.versions import versions
from stockfold_services.cli.channels.waive import waive
from stockfold_services.cli.confirm import DryRun, Yes, confirm
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table

app = typer.Typer(help="The connections to shops.", no_args_is_help=True)
app.command("list")(list_channels)
app.command("check")(check_channel)
for control in (status, pause, resume, zero, restore):
    app.command()(control)
app.command()(resend)
app.command()(shadow)
app.command()(waive)
app.command()(monitor)
app.command()(balances)
app.command()(versions)
app.command()(kinds)
app.command("test")(check_kind)


@app.callback()
def _group() -> None:
    """The connections to shops."""


@app.command()
def webhooks(
    name: Annotated[str, typer.Argument(help="The channel's name.")],
    renew: Annotated[
        bool, typer.Option("--renew", help="Write the secret of active ones anew.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Make the webhooks that are missing in the shop, and activate those that it disabled."""
    settings = load(config)
    channel = woocommerce_channel(
        settings, name, "Set its webhooks in the shop's own admin: see infra/docs/webhooks.md."
    )
    found = asyncio.run(_look(settings, channel, renew))
    done: list[Webhook] = []
    if found.changes and not dry_run:
        told = ", ".join(f"{change.action} {change.topic}" for change in found.changes)
        confirm(f"In the shop at {channel.url}: {told}, to {found.address}?", yes)
        done = asyncio.run(_put_right(attach(settings), channel, found))
    if as_json:
        print_json(
            {"dry_run": dry_run, **msgspec.to_builtins(found), "done": msgspec.to_builtins(done)}
        )
        return
    rows = [(hook.topic, hook.status, str(hook.id), "") for hook in found.webhooks]
    verb = "would " if dry_run else "did "
    rows += [
        (change.topic, "", str(change.id or ""), verb + change.action) for change in found.changes
    ]
    print_table(("topic", "status", "id", "change"), sorted(rows))
    if not found.changes:
        sentence = f"every webhook of {name} to {found.address} is active"
        Console(stderr=True, highlight=False).print(sentence, markup=False, soft_wrap=True)


async def _look(settings: Settings, channel: ChannelSettings, renew: bool) -> Found:
    async with Transport(channel, woocommerce(channel), SYSTEM_CLOCK) as shop:
        return await look(settings, channel, shop, renew=renew)


async def _put_right(settings: Settings, channel: ChannelSettings, found: Found) -> list[Webhook]:
    async with Transport(channel, woocommerce(channel), SYSTEM_CLOCK) as shop:
        return await put_right(settings, channel, shop, found, audit.user())
