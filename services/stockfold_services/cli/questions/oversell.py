"""``stockfold oversell``: why more is promised than there is."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from stockfold.contracts.codec import decode
from stockfold.contracts.topics import POSITIONS
from stockfold.domain.errors import SettingsError
from stockfold.domain.times import to_us
from stockfold.explain.listings import Listing
from stockfold.explain.oversell import Deficit, deficits
from stockfold.explain.shortage import Shortage, shortage
from stockfold.explain.words import duration, order_line
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings, load
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table
from stockfold_services.cli.progress import Bars
from stockfold_services.cli.questions.explain import Location, origin
from stockfold_services.cli.questions.journal import (
    Read,
    check_location,
    journal_errors,
    read_history,
    sku_partitions,
)
from stockfold_services.cli.questions.listings import Channels

SHORTAGES_MAX = 100_000
"""Deficits that --all keeps in memory."""


def oversell(
    sku: Annotated[str | None, typer.Argument(help="The SKU; none with --all.")] = None,
    location: Location = None,
    every: Annotated[bool, typer.Option("--all", help="List every SKU in deficit.")] = False,
    past: Annotated[bool, typer.Option("--past", help="Deficits that are over, too.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Why more is promised than there is: what caused it, what came late, who holds the units."""
    if every == (sku is not None):
        raise SettingsError(
            "name one SKU, or --all", where="the command line", remedy="stockfold oversell SKU"
        )
    settings = attach(load(config))
    if sku is None:
        _list(settings, as_json)
        return
    read = read_history(settings, sku)
    check_location(read, location)
    found = deficits(sku, read.history, location, past=past)
    channels = Channels(settings, read) if found else None
    told = [
        (one, channels.at(to_us(one.began.recorded_at)) if channels is not None else [])
        for one in found
    ]
    if as_json:
        print_json(
            {
                "oversells": [{"deficit": one, "channels": held} for one, held in told],
                "as_of": read.as_of(),
            }
        )
    else:
        _print(told, read, past=past)


def _print(told: list[tuple[Deficit, list[Listing]]], read: Read, *, past: bool) -> None:
    console = Console(highlight=False)

    def say(text: str, style: str = "") -> None:
        console.print(text, markup=False, soft_wrap=True, style=style)

    if not told:
        over = "or ever was" if past else "; --past tells of deficits that are over"
        say(f"SKU {read.sku}: nothing is missing{' ' if past else ''}{over}.")
    for deficit, channels in told:
        _print_deficit(console, deficit)
        for listing in channels:
            say(f"  when it began, {listing.sentence}")
        say("")
    say(f"as of {read.line()}", style="dim")


def _print_deficit(console: Console, deficit: Deficit) -> None:
    def say(text: str, style: str = "") -> None:
        console.print(text, markup=False, soft_wrap=True, style=style)

    now = f"{deficit.units} missing now" if deficit.ended is None else "over"
    kinds = ", ".join(kind.replace("_", " ") for kind in deficit.kinds)
    say(
        f"SKU {deficit.sku} at {deficit.location}: {now}, {deficit.worst} at worst"
        + (f" ({kinds})" if kinds and deficit.ended is None else ""),
        "bold",
    )
    say(f"  {_sentence(deficit.sentence)}")
    say(f"  {deficit.prevention}")
    say(f"  began with: {deficit.began.what}")
    say(f"      {origin(deficit.began)}", "dim")
    if deficit.ended is not None:
        say(f"  ended with: {deficit.ended.what}")
        say(f"      {origin(deficit.ended)}", "dim")
    for late in deficit.late:
        say(f"  told {duration(late.late_ms * 1000)} late: {late.fact.what} ({late.units:+d})")
        say(f"      {origin(late.fact)}", "dim")
    for claim in deficit.claims:
        over = f", {claim.over} of them too much" if claim.over else ""
        channel = f" ({claim.channel})" if claim.channel else ""
        say(
            f"  held by {order_line(claim.order, claim.line)}{channel}: {claim.reserved} reserved, "
            f"{claim.allocated} allocated{over}"
        )
    more = deficit.claim_lines - len(deficit.claims)
    if more:
        say(f"  and by {more} older order lines")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _list(settings: Settings, as_json: bool) -> None:
    asked_us = SYSTEM_CLOCK.now_us()
    found, offsets = _shortages(settings)
    found.sort(key=lambda one: (-one.units, one.sku, one.location))
    age_ms = (SYSTEM_CLOCK.now_us() - asked_us) // 1000
    if as_json:
        as_of = {"positions": {str(p): end for p, end in offsets.items()}, "age_ms": age_ms}
        print_json({"shortages": found, "as_of": as_of})
        return
    columns = ("sku", "location", "missing", "what", "on hand", "reserved", "allocated")
    rows = [
        (
            one.sku,
            one.location,
            one.units,
            ", ".join(kind.replace("_", " ") for kind in one.kinds),
            one.on_hand,
            one.reserved,
            one.allocated,
        )
        for one in found
    ]
    if rows:
        print_table(columns, rows)
    console = Console(highlight=False)
    console.print(f"{len(found)} in deficit; {age_ms} ms old. `stockfold oversell SKU` tells why.")


def _shortages(settings: Settings) -> tuple[list[Shortage], dict[int, int]]:
    """Every position in deficit, from the positions topic; and where each partition was read to."""
    found: dict[bytes, Shortage] = {}
    offsets: dict[int, int] = {}
    with journal_errors(settings), Bars() as bars:
        reader = PartitionReader(settings)
        for partition in range(sku_partitions(settings)):
            end = offsets[partition] = reader.stable_end(POSITIONS, partition)
            bars.stage(f"positions partition {partition}", end)
            for batch in reader.read(POSITIONS, partition, end=end):
                for record in batch:
                    _take(found, record.key() or b"", record.value())
                bars.done(len(batch))
    return list(found.values()), offsets


def _take(found: dict[bytes, Shortage], key: bytes, value: bytes | None) -> None:
    found.pop(key, None)
    if value is None or key.startswith(b"|"):
        return
    _, record = decode(value, expected="stockfold.Position")
    one = shortage(
        record["sku"],
        record["location"],
        record["on_hand"],
        record["reserved"],
        record["allocated"],
    )
    if one is not None:
        if len(found) >= SHORTAGES_MAX:
            raise SettingsError(
                f"more than {SHORTAGES_MAX} positions are in deficit",
                where="positions",
                remedy="Ask the api, a page at a time: GET /v1/oversells.",
            )
        found[key] = one
