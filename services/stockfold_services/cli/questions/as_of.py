"""``stockfold as-of SKU --at T``: what was known at a time, and what is known of it now."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from stockfold.availability.words import units
from stockfold.domain.errors import SettingsError
from stockfold.explain.as_of import AsOf, Picture, PlaceNumbers
from stockfold.explain.as_of import as_of as picture_of
from stockfold.explain.listings import Listing
from stockfold.explain.numbers import PLACED
from stockfold.explain.words import was
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.settings import load
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table
from stockfold_services.cli.questions.explain import Sku, origin
from stockfold_services.cli.questions.journal import Read, check_location, read_history
from stockfold_services.cli.questions.listings import Channels
from stockfold_services.cli.questions.times import moment_us

_NUMBERS = tuple(name for name in PLACED if name != "expected")


def as_of(
    sku: Sku,
    at: Annotated[
        str, typer.Option(help="The time, 2026-11-01T12:00:00Z, or how long ago: 30m, 12h, 14d.")
    ],
    known_at: Annotated[
        str | None, typer.Option(help="The later knowledge is of this time. Default: now.")
    ] = None,
    location: Annotated[str | None, typer.Option(help="Only this location.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """A SKU at a time: as it was known then, as it is known now, and what channels were told."""
    at_us = moment_us(at, "--at")
    known_us = SYSTEM_CLOCK.now_us() if known_at is None else moment_us(known_at, "--known-at")
    if known_us < at_us:
        raise SettingsError(
            "--known-at is before --at",
            where="--known-at",
            remedy="What was known before a time is not knowledge of it.",
        )
    settings = attach(load(config))
    read = read_history(settings, sku)
    check_location(read, location)
    found = picture_of(sku, read.history, at_us, known_us, location)
    channels = Channels(settings, read).at(at_us)
    if as_json:
        print_json({"picture": found, "channels": channels, "as_of": read.as_of()})
    else:
        _print(found, channels, read)


def _print(found: AsOf, channels: list[Listing], read: Read) -> None:
    console = Console(highlight=False)
    at, known = (f"{moment:%Y-%m-%d %H:%M:%S} UTC" for moment in (found.at, found.known_at))
    then, later = found.known_then, found.known_later
    console.print(
        f"SKU {found.sku} at {at}: {_promised(then)} as it was known then, {_promised(later)} as "
        f"it is known at {known}.",
        markup=False,
        soft_wrap=True,
    )
    if later.positions or then.positions:
        print_table(("location", *(name.replace("_", " ") for name in _NUMBERS)), _rows(found))
        if then.positions != later.positions:
            console.print("8 → 6: known as 8 then, known to have been 6 now.", style="dim")
    for listing in channels:
        console.print(listing.sentence, markup=False, soft_wrap=True)
    if found.learned_facts:
        console.print(f"\nlearned since ({found.learned_facts}, the newest last):")
        for fact in found.learned:
            console.print(f"  {fact.what}", markup=False, soft_wrap=True)
            console.print(f"      {origin(fact)}", markup=False, soft_wrap=True, style="dim")
    console.print(f"as of {read.line()}", markup=False, style="dim")


def _promised(picture: Picture) -> str:
    missing = f" and {was(picture.deficit)} missing" if picture.deficit else ""
    return f"{units(picture.atp)} could be promised{missing}"


def _rows(found: AsOf) -> list[tuple[object, ...]]:
    then = {place.location: place for place in found.known_then.positions}
    later = {place.location: place for place in found.known_later.positions}
    return [
        (place, *(_cell(then.get(place), later.get(place), name) for name in _NUMBERS))
        for place in sorted(then.keys() | later.keys())
    ]


def _cell(then: PlaceNumbers | None, later: PlaceNumbers | None, name: str) -> str:
    before = getattr(then, name) if then is not None else 0
    after = getattr(later, name) if later is not None else 0
    return str(after) if before == after else f"{before} → {after}"
