"""``stockfold atp SKU``: what may be promised, day by day, from the journal itself.

Of a kit: what stands assembled and what can be assembled of its components.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from stockfold.availability.kit_dated import kit_series
from stockfold.availability.kit_promises import KitSeries
from stockfold.domain.days import DayOf, days_in, iso_day
from stockfold.domain.errors import SettingsError
from stockfold.ledger.dated import DAYS_MAX, Series, Supply, series
from stockfold.ledger.state import SkuState
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.settings import Settings, load
from stockfold_services.cli.kit_state import kit_state
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table


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
    known = kit_state(settings, sku)
    today = day_of(SYSTEM_CLOCK.now_us())
    if known.tree is not None:
        kit = kit_series(known.tree, known.outlooks, day_of, today, days, location)
        if as_json:
            of_kit = {"limited_by": list(kit.limited_by), "components": _parts_json(kit)}
            print_json({**_as_json(known.state, kit.whole, zone, location), **of_kit})
        else:
            _print_kit(kit)
        return
    found = series(known.outlooks[sku], day_of, today, days, location)
    if as_json:
        print_json(_as_json(known.state, found, zone, location))
    else:
        _print(found)


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
        "days": _days_json(found),
        "overdue": [supply_json(supply) for supply in found.overdue],
        "undated": [supply_json(supply) for supply in found.undated],
    }


def _days_json(found: Series) -> list[dict[str, object]]:
    return [
        {"day": iso_day(found.today + i), "projection": level, "promise": promise}
        for i, (level, promise) in enumerate(zip(found.projection, found.promises, strict=True))
    ]


def _parts_json(kit: KitSeries) -> list[dict[str, object]]:
    return [
        {
            "sku": part.sku,
            "needed": part.needed,
            "days": _days_json(part.series),
            "overdue": [supply_json(supply) for supply in part.series.overdue],
            "undated": [supply_json(supply) for supply in part.series.undated],
        }
        for part in kit.components
    ]


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
    _print_late(found)


def _print_kit(kit: KitSeries) -> None:
    """A column for each component, with the units of it that one kit needs."""
    whole, parts = kit.whole, kit.components
    rows = [
        (
            iso_day(whole.today + i),
            whole.projection[i],
            promise,
            kit.limited_by[i],
            *(part.series.promises[i] for part in parts),
        )
        for i, promise in enumerate(whole.promises)
    ]
    named = [f"{p.sku} (x{p.needed})" if p.needed else f"{p.sku} (kit)" for p in parts]
    print_table(("day", "projection", "promise", "limited by", *named), rows)
    _print_late(whole, [(part.sku, part.series) for part in parts])


def _print_late(own: Series, parts: Sequence[tuple[str, Series]] = ()) -> None:
    named = ("component",) if parts else ()
    late: list[tuple[object, ...]] = [
        (state, *((sku,) if parts else ()), s.inbound, s.line, s.location, s.units, iso_day(s.day))
        for sku, found in (("", own), *parts)
        for state, supplies in (("overdue", found.overdue), ("undated", found.undated))
        for s in supplies
    ]
    if late:
        print_table(("not counted", *named, "inbound", "line", "location", "units", "eta"), late)
