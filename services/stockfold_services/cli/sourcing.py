"""``stockfold sourcing``: from where an order had best be sent, by the journal itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer
import yaml
from rich.console import Console

from stockfold.availability.policy import UNITS_MAX
from stockfold.availability.sourcing_advice import Advice, OrderLine, Source, Stock, advise
from stockfold.availability.surroundings import Places
from stockfold.domain.errors import SettingsError
from stockfold.ledger.sourcing import NO_BOUND, allowance
from stockfold.ledger.state import SkuState
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.kafka_errors import kafka_errors
from stockfold.runtime.settings import Settings, load
from stockfold.runtime.sku_fold import states_of
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table
from stockfold_services.cli.policy_publish import policies_in_force
from stockfold_services.cli.tagged_places import tagged_places

app = typer.Typer(help="From where orders had best be sent.", no_args_is_help=True)

LINES_MAX = 200
FILE_BYTES_MAX = 1_000_000


class OrderFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order and where it goes; without ``locations`` those of the channel, else all."""

    lines: list[OrderLine]
    region: str
    channel: str | None = None
    locations: list[str] | None = None


@app.command("advise")
def advise_order(
    file: Annotated[Path, typer.Argument(help="The order, as YAML or JSON.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Propose the locations of an order: whole, in few parcels, near, preferred. Reserves nothing.

    The costs to each region and the priorities are those of [[locations]] in the settings.
    """
    order = _read(file)
    settings = attach(load(config))
    eligible = _eligible(settings, order, file)
    with kafka_errors(
        "the journal was not read",
        where=f"Kafka at {settings.kafka.bootstrap}",
        remedy="Check the broker, and that `stockfold topics apply` has made every topic.",
    ):
        states = states_of(settings, {line.sku for line in order.lines})
    stock = {sku: _stock(state, order.channel or "") for sku, state in states.items()}
    if eligible is None:
        eligible = sorted({place for held in stock.values() for place in held.places})
    known = {place.name: place for place in settings.locations}
    sources = [
        Source(name, known[name].costs.get(order.region), known[name].priority)
        if name in known
        else Source(name)
        for name in dict.fromkeys(eligible)
    ]
    found = advise(order.lines, stock, sources)
    if as_json:
        print_json(msgspec.to_builtins(found))
    else:
        _print(found)


def _read(file: Path) -> OrderFile:
    try:
        with file.open("rb") as opened:
            raw = opened.read(FILE_BYTES_MAX + 1)
        if len(raw) > FILE_BYTES_MAX:
            raise _refused(file, f"it is larger than {FILE_BYTES_MAX} bytes")
        order = msgspec.convert(yaml.safe_load(raw), OrderFile)
    except OSError as error:
        raise _refused(file, str(error.strerror or error)) from error
    except (yaml.YAMLError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise _refused(file, " ".join(str(error).split())) from error
    if not 0 < len(order.lines) <= LINES_MAX:
        raise _refused(file, f"an order has 1 to {LINES_MAX} lines")
    wrong = [line.sku for line in order.lines if not 0 < line.quantity <= UNITS_MAX]
    if wrong:
        raise _refused(file, f"{wrong[0]}: a quantity is from 1 to {UNITS_MAX}")
    return order


def _eligible(settings: Settings, order: OrderFile, file: Path) -> list[str] | None:
    if order.channel is None:
        return order.locations
    policy = policies_in_force(settings).get(order.channel)
    if policy is None:
        raise _refused(file, f"no policy of channel {order.channel!r} is in force")
    places = tagged_places(settings) if policy.tags else Places()
    eligible = places.eligible(policy.locations, policy.tags)
    if order.locations is None:
        return None if eligible is None else list(eligible)
    other = sorted(set(order.locations) - set(order.locations if eligible is None else eligible))
    if other:
        raise _refused(file, f"the channel may not promise from {', '.join(other)}")
    return order.locations


def _stock(state: SkuState, channel: str) -> Stock:
    bound = allowance(state, channel)
    free = {place: state.atp(place) for place in state.locations}
    return Stock(free, None if bound == NO_BOUND else bound)


def _refused(file: Path, why: str) -> SettingsError:
    return SettingsError(
        f"the order is refused: {why}",
        where=str(file),
        remedy="Write lines (sku, quantity) and a region; channel and locations if you like.",
    )


def _print(found: Advice) -> None:
    console = Console(highlight=False)
    if found.picks:
        rows = [(pick.location, pick.sku, pick.quantity) for pick in found.picks]
        print_table(("from", "sku", "units"), rows)
    for reason in found.reasons:
        console.print(reason, markup=False, soft_wrap=True)
