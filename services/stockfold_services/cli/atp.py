"""``stockfold atp SKU``: what may be promised, day by day, from the journal itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from stockfold.domain.errors import SettingsError
from stockfold.domain.times import from_us
from stockfold.ledger.dated import DAYS_MAX, Series, Supply, series
from stockfold.ledger.state import SkuState
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.settings import Settings, load
from stockfold_services.cli.kafka_errors import kafka_errors
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table
from stockfold_services.cli.sku_fold import state_of

EPOCH_DAY = date(1970, 1, 1)


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
    zone = zone or _zone_of(settings, location)
    day_of = _days_in(zone)
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
    today = (datetime.now(UTC).astimezone(ZoneInfo(zone)).date() - EPOCH_DAY).days
    found = series(state, day_of, today, days, location)
    if as_json:
        print_json(_as_json(state, found, zone, location))
    else:
        _print(found)


def _zone_of(settings: Settings, location: str | None) -> str:
    return next((place.zone for place in settings.locations if place.name == location), "UTC")


def _days_in(zone: str) -> Callable[[int], int]:
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingsError(
            f"{zone!r} is not an IANA time zone", where="--zone", remedy="Write Europe/Berlin."
        ) from None
    return lambda us: (from_us(us).astimezone(place).date() - EPOCH_DAY).days


def _day(day: int | None) -> str | None:
    return None if day is None else (EPOCH_DAY + timedelta(days=day)).isoformat()


def _as_json(state: SkuState, found: Series, zone: str, location: str | None) -> dict[str, object]:
    return {
        "sku": state.sku,
        "seq": state.seq,
        "location": location,
        "zone": zone,
        "atp": state.pool() if location is None else state.atp(location),
        "deficit": state.deficit(),
        "days": [
            {"day": _day(found.today + i), "projection": level, "promise": promise}
            for i, (level, promise) in enumerate(zip(found.projection, found.promises, strict=True))
        ],
        "overdue": [_supply(supply) for supply in found.overdue],
        "undated": [_supply(supply) for supply in found.undated],
    }


def _supply(supply: Supply) -> dict[str, object]:
    return {
        "inbound": supply.inbound,
        "line": supply.line,
        "location": supply.location,
        "units": supply.units,
        "day": _day(supply.day),
        "confidence": supply.confidence,
    }


def _print(found: Series) -> None:
    rows = [
        (_day(found.today + i), level, promise)
        for i, (level, promise) in enumerate(zip(found.projection, found.promises, strict=True))
    ]
    print_table(("day", "projection", "promise"), rows)
    late = [
        (state, s.inbound, s.line, s.location, s.units, _day(s.day) or "")
        for state, supplies in (("overdue", found.overdue), ("undated", found.undated))
        for s in supplies
    ]
    if late:
        print_table(("not counted", "inbound", "line", "location", "units", "eta"), late)
