"""``stockfold explain availability CHANNEL SKU``: how the number a channel was told came about."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from stockfold.availability.positions import SkuPositions
from stockfold.availability.words import day_named
from stockfold.contracts.codec import decode
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import AVAILABILITY
from stockfold.domain.errors import SettingsError
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.kafka_errors import kafka_errors
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings, load
from stockfold_services.availability.memory import PartitionMemory
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table
from stockfold_services.cli.policy_publish import policies_in_force
from stockfold_services.cli.questions.journal import sku_partitions

_BUCKETS = ("on_hand", "reserved", "allocated", "atp", "in_transit", "quality_hold", "damaged")


class SkuByDefault(TyperGroup):
    """A group whose first argument is a SKU when it is none of its commands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command of a SKU before it."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["sku", *args]
        return super().parse_args(ctx, args)


def availability(
    channel: Annotated[str, typer.Argument(help="The channel.")],
    sku: Annotated[str, typer.Argument(help="The SKU.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """How the number that a channel was told last came about, from the shelf on."""
    settings = attach(load(config))
    with kafka_errors(
        "availability was not read",
        where=f"Kafka at {settings.kafka.bootstrap}",
        remedy="Check the broker, and that `stockfold topics apply` has made every topic.",
    ):
        told = _told(settings, channel, sku)
        positions = _positions(settings, sku)
    if told is None:
        raise _never_told(settings, channel, sku, positions)
    if as_json:
        print_json({"told": told, "positions": _rows(positions), "seq": positions.seq})
        return
    console = Console(highlight=False)
    console.print(_headline(told), markup=False, soft_wrap=True)
    for number, step in enumerate(told["steps"], start=1):
        line = f"  {number}. {step['detail']} → {step['quantity']}"
        console.print(line, markup=False, soft_wrap=True)
    print_table(("location", *_BUCKETS), [tuple(row.values()) for row in _rows(positions)])
    if positions.seq > told["seq"]:
        console.print(
            f"The ledger has changed the SKU since (fact {positions.seq}, told of {told['seq']}): "
            "what the channel sees is the same, or is about to be told.",
            markup=False,
            soft_wrap=True,
        )


def _headline(told: dict[str, Any]) -> str:
    status = told["status"].replace("_", " ")
    when = told["next_available"]
    lead = told["lead_time_days"]
    parts = [
        f"{told['channel']} was told {told['quantity']} of {told['sku']} ({status})",
        f"available from {day_named(when)}" if when is not None else "",
        f"{lead} days from order to dispatch" if lead is not None else "",
        f"version {told['version']} under revision {told['policy_revision']} of its policy",
    ]
    return ", ".join(filter(None, parts)) + ":"


def _told(settings: Settings, channel: str, sku: str) -> dict[str, Any] | None:
    """The last availability event of the channel and SKU."""
    key = f"{channel}|{sku}".encode()
    found = None
    for batch in PartitionReader(settings).read(AVAILABILITY, _home(settings, sku)):
        for record in batch:
            if record.key() == key:
                found = record.value()
    return None if found is None else decode(found)[1]


def _positions(settings: Settings, sku: str) -> SkuPositions:
    memory = PartitionMemory.recover(
        _home(settings, sku), sku_partitions(settings), PartitionReader(settings)
    )
    known = memory.skus.get(sku)
    return SkuPositions(sku) if known is None else known.positions


def _home(settings: Settings, sku: str) -> int:
    return partition_of(sku.encode(), sku_partitions(settings))


def _rows(positions: SkuPositions) -> list[dict[str, Any]]:
    return [
        {"location": location} | {bucket: getattr(numbers, bucket) for bucket in _BUCKETS}
        for location, numbers in sorted(positions.locations.items())
    ]


def _never_told(
    settings: Settings, channel: str, sku: str, positions: SkuPositions
) -> SettingsError:
    channels = sorted(policies_in_force(settings))
    if channel not in channels:
        return SettingsError(
            f"channel {channel!r} has no policy, so it is told nothing",
            where=f"channels with a policy: {', '.join(channels) or 'none'}",
            remedy="Publish one with `stockfold policy apply`.",
        )
    if not positions.seq:
        return SettingsError(
            f"the ledger knows no SKU {sku!r}: it is unknown, not zero",
            where=f"environment prefix {settings.prefix!r}",
            remedy="Check the spelling, and that its stock has been told.",
        )
    return SettingsError(
        f"{channel} was not told of {sku} yet",
        where=f"positions as of fact {positions.seq}",
        remedy="Check that the availability service runs.",
    )
