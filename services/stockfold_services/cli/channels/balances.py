"""``stockfold channel balances``: a shop's own stock as a file for ``stockfold import``."""

from __future__ import annotations

import asyncio
import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from stockfold.channels.woocommerce.catalog import Product
from stockfold.domain.errors import SettingsError
from stockfold.domain.times import format_us
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.named_channel import woocommerce_channel
from stockfold.runtime.settings import ChannelSettings, load
from stockfold.runtime.shop_catalog import pause_of, read_catalog
from stockfold.runtime.shop_http import Transport, woocommerce
from stockfold_services.cli.output import AsJson, ConfigFile, print_json
from stockfold_services.cli.progress import Bars

COLUMNS = ("sku", "location", "quantity")


class Balances(msgspec.Struct, frozen=True):
    """The rows of the file, and how many products were left out, or changed, for which reason."""

    rows: tuple[tuple[str, int], ...]
    notes: dict[str, int]


def balances(
    name: Annotated[str, typer.Argument(help="The channel's name.")],
    location: Annotated[str, typer.Option("--location", help="Where the units are.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Write what a shop has in stock to a file for `stockfold import`. The shop is only read.

    For whoever has no other system that knows: the shop's own numbers are where stockfold begins.
    """
    channel = woocommerce_channel(load(config), name, "Only WooCommerce is read.")
    if out.exists():
        raise SettingsError(f"{out} is there", where="--out", remedy="Name another file.")
    # Before the first page: a unit sold while we read is missed here and reserved again by its
    # order, which sells one too few. As of the end it would be one too many.
    as_of = format_us(SYSTEM_CLOCK.now_us() // 1_000_000 * 1_000_000)
    with Bars() as bars:
        products = asyncio.run(_read(channel, bars))
    found = balances_of(products)
    _write(out, location, found.rows)
    if as_json:
        print_json({"as_of": as_of, "rows": len(found.rows), "notes": found.notes})
        return
    typer.echo(f"{out}: {len(found.rows):,} SKUs as of {as_of}")
    for note, count in found.notes.items():
        typer.echo(f"{count:,} {note}")
    Console(stderr=True, highlight=False).print(
        f'next: orders_since = "{as_of}" under [[channels]], and\n'
        f"      stockfold import {out} --as-of {as_of}",
        markup=False,
        soft_wrap=True,
    )


def balances_of(products: Iterable[Product]) -> Balances:
    """(SKU, units) of everything whose stock the shop itself manages, by SKU."""
    every = list(products)
    named = Counter(product.sku for product in every if product.sku)
    notes: Counter[str] = Counter()
    rows: dict[str, int] = {}
    for product in every:
        if product.managed == "parent":
            continue  # Its product's units are its own.
        if not product.sku:
            notes["left out: no SKU"] += product.managed == "yes"
        elif product.managed == "no":
            notes["left out: stock not managed in the shop"] += "variable" not in product.type
        elif named[product.sku] > 1:
            notes["left out: several products have the SKU"] += 1
        elif product.quantity is None:
            notes["left out: no whole number of units"] += 1
        else:
            notes["below zero in the shop, written as 0"] += product.quantity < 0
            rows[product.sku] = max(product.quantity, 0)
    return Balances(tuple(sorted(rows.items())), {note: n for note, n in notes.items() if n})


async def _read(channel: ChannelSettings, bars: Bars) -> list[Product]:
    found: list[Product] = []
    stages: Counter[str] = Counter()
    async with Transport(channel, woocommerce(channel), SYSTEM_CLOCK) as shop:
        async for page in read_catalog(shop, pause_s=pause_of(channel)):
            if page.stage not in stages:
                bars.stage(f"the shop's {page.stage}", page.total or 0)
            bars.done(page.done - stages[page.stage])
            stages[page.stage] = page.done
            found += page.products
    return found


def _write(path: Path, location: str, rows: Sequence[tuple[str, int]]) -> None:
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows((sku, location, units) for sku, units in rows)
    except OSError as error:
        raise SettingsError(
            f"the balances were not written: {error.strerror}",
            where=str(path),
            remedy="Name a file in a folder that you may write to.",
        ) from error
