"""``stockfold atp SKU``: what may be promised, day by day, from the journal itself."""

from __future__ import annotations

from typing import Annotated

import typer

from stockfold.domain.days import DayOf, days_in, iso_day
from stockfold.domain.errors import SettingsError
from stockfold.ledger.dated import DAYS_MAX, Series, Supply, series
from stockfold.ledger.outlook import outlook_of
from stockfold.ledger.state import SkuState
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.settings import Settings, load
from stockfold_services.cli.kafka_errors import kafka_errors
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table
from stockfold_services.cli.sku_fold import state_of


def atp(
    sku: Annotated[str, typer.Argument(help="The SKU.")],
    days: Annotated[int, typer.Option(min=1, max=DAYS_MAX, help="Days to look ahead.")] = 14,
    location: Annotated[str | None, typer.Option(help="Only this location.")] = None,
    zone: Annotated[
        str | None,
        typer.Option(help="IANA zone of the days. Unset: the location's own, else UTC."),
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """What may be promised of a SKU for each day, and what is overdue or has no date."""
    settings = attach(load(config))
    zone = zone or zone_of(settings, location)
    day_of = zone_days(zone)
    state = known_state(settings, sku)
    today = day_of(SYSTEM_CLOCK.now_us())
    found = series(outlook_of(state), day_of, today, days, location)
    if as_json:
        print_json(_as_json(state, found, zone, location))
    else:
        _print(found)


def known_state(settings: Settings, sku: str) -> SkuState:
    """A SKU's state by the journal; SettingsError when it has none."""
    with kafka_errors(
        "the journal was not read",
        where=f"Kafka at {settings.kafka.bootstrap}",
        remedy="Check the broker, and that `stockfold topics apply` has made every topic.",
    ):
        state = state_of(settings, sku)
    if not state.seq:
        raise SettingsError(
            f"the journal knows no SKU {sku!r}",
            where=f"environment prefix {settings.prefix!r}",
            remedy="Check the spelling; a renamed SKU is a new one.",
        )
    return state


def zone_of(settings: Settings, location: str | None) -> str:
    """A location's zone by the settings, else UTC."""
    return next((place.zone for place in settings.locations if place.name == location), "UTC")


def zone_days(zone: str) -> DayOf:
    """How times become days; SettingsError when there is no such zone."""
    try:
        return days_in(zone)
    except ValueError as error:
        raise SettingsError(str(error), where="--zone", remedy="Write Europe/Berlin.") from None


def _as_json(state: SkuState, found: Series, zone: str, location: str | None) -> dict[str, object]:
    return {
        "sku": state.sku,
        "seq": state.seq,
        "location": location,
        "zone": zone,
        "atp": state.pool() if location is None else state.atp(location),
        "deficit": state.deficit(),
        "days": [
            {"day": iso_day(found.today + i), "projection": level, "promise": promise}
            for i, (level, promise) in enumerate(zip(found.projection, found.promises, strict=True))
        ],
        "overdue": [supply_json(supply) for supply in found.overdue],
        "undated": [supply_json(supply) for supply in found.undated],
    }


def supply_json(supply: Supply) -> dict[str, object]:
    """Units that are to come, for machines."""
    return {
        "inbound": supply.inbound,
        "line": supply.line,
        "location": supply.location,
        "units": supply.units,
        "day": iso_day(supply.day),
        "confidence": supply.confidence,
    }


def _print(found: Series) -> None:
    rows = [
        (iso_day(found.today + i), level, promise)
        for i, (level, promise) in enumerate(zip(found.projection, found.promises, strict=True))
    ]
    print_table(("day", "projection", "promise"), rows)
    late = [
        (state, s.inbound, s.line, s.location, s.units, iso_day(s.day) or "")
        for state, supplies in (("overdue", found.overdue), ("undated", found.undated))
        for s in supplies
    ]
    if late:
        print_table(("not counted", "inbound", "line", "location", "units", "eta"), late)
