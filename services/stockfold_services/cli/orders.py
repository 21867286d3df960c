"""``stockfold orders``: where an order stands, and what a payment or fraud review says of it."""

from __future__ import annotations

from typing import Annotated

import typer

from stockfold.channels.parcels import Parcel, checked
from stockfold.contracts.topics import ORDER_STATUS, SHIPMENTS
from stockfold.domain.errors import SettingsError
from stockfold.domain.times import format_us
from stockfold.runtime import order_acts
from stockfold.runtime.audit import audited, user
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.order_acts import Review
from stockfold.runtime.order_topics import latest, tell
from stockfold.runtime.settings import load
from stockfold_services.cli.confirm import DryRun, Yes, confirm
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table

app = typer.Typer(help="Where orders stand, and reviews of them.", no_args_is_help=True)

Channel = Annotated[str, typer.Argument(help="The channel it was placed on.")]
OrderName = Annotated[str, typer.Argument(metavar="ORDER", help="The order, as the channel says.")]


@app.command()
def show(
    channel: Channel, order: OrderName, config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """Where an order stands, line by line, with what it asks of the ledger."""
    key = f"{channel}|{order}"
    found = latest(attach(load(config)), ORDER_STATUS, key).get(key)
    if found is None:
        raise SettingsError(
            f"order {order} of {channel} is not known",
            where="ORDER",
            remedy="Check both names; the exceptions tell of orders that could not be read.",
        )
    if as_json:
        print_json(found)
        return
    for name in ("status", "reason", "told", "ledger_order", "revision", "recorded_at"):
        value = found[name]
        typer.echo(f"{name:<13} {format_us(value) if name == 'recorded_at' else value}".rstrip())
    columns = ("line", "sku", "status", "reason", "asked of", "asked", "held", "waits", "shipped")
    rows = [
        (
            line["line"],
            line["sku"],
            line["status"],
            line["reason"],
            f"{demand['sku']} ({demand['ledger_line']})",
            demand["asked"],
            demand["held"],
            demand["backordered"],
            demand["shipped"],
        )
        for line in found["lines"]
        for demand in line["demands"]
    ]
    print_table(columns, rows)


@app.command()
def review(
    channel: Channel,
    order: OrderName,
    verdict: Annotated[order_acts.Verdict, typer.Argument(help="What it says.")],
    reason: Annotated[str, typer.Option("--reason", help="Such as payment_withdrawn.")],
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = None,
) -> None:
    """Stop an order, which releases what it holds, or let one go on that was stopped."""
    settings = attach(load(config))
    told = Review(channel, order, verdict, reason)
    if dry_run:
        typer.echo(f"would {told.done}")
        return
    confirm(f"{told.done[0].upper()}{told.done[1:]}?", yes)
    order_acts.review(settings, told, user())
    typer.echo(f"told: {told.done}")


@app.command()
def shipped(
    channel: Channel,
    order: OrderName,
    shipment: Annotated[str, typer.Argument(help="The shipment, unique in the order.")],
    carrier: Annotated[str, typer.Option("--carrier", help="Who carries it.")] = "",
    number: Annotated[str, typer.Option("--tracking", help="The carrier's number.")] = "",
    url: Annotated[str, typer.Option("--url", help="Where it can be followed.")] = "",
    lines: Annotated[
        list[str] | None,
        typer.Option("--line", metavar="LINE=UNITS", help="What is inside; repeat it."),
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = None,
) -> None:
    """Tell that a parcel has left: its shop is told carrier and tracking. Moves no stock."""
    settings = attach(load(config))
    parcel = checked(
        Parcel(
            order=order,
            shipment=shipment,
            correlation="",
            shipped_at_us=SYSTEM_CLOCK.now_us(),
            carrier=carrier,
            tracking_number=number,
            tracking_url=url,
            lines=tuple(map(_line, lines or ())),
        )
    )
    done = f"shipment {shipment} of order {order} of {channel}"
    if dry_run:
        typer.echo(f"would tell {done}")
        return
    confirm(f"Tell {done}?", yes)
    body = {
        "channel": channel,
        "order": order,
        "shipment": shipment,
        "shipped_at": parcel.shipped_at_us,
        "carrier": carrier,
        "tracking_number": number,
        "tracking_url": url,
        "lines": [{"line": line, "quantity": units} for line, units in parcel.lines],
    }
    subject = f"{channel}|{order}"
    with audited(settings, command="orders shipped", subject=subject, details=body):
        tell(settings, "stockfold.OrderShipped", body, "the shipment", topic=SHIPMENTS)
    typer.echo(f"told: {done}")


def _line(text: str) -> tuple[str, int]:
    line, _, units = text.rpartition("=")
    if not line or not units.isdecimal():
        raise SettingsError(f"{text!r} is not LINE=UNITS", where="--line", remedy="Such as 12=1.")
    return line, int(units)
