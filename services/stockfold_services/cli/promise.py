"""``stockfold promise SKU QUANTITY``: by when a channel can have them, from the journal itself.

A kit is promised by its own stock and by that of its components.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.console import Console

from stockfold.availability.kit_promises import KitPromised
from stockfold.availability.kit_promising import promise_kit
from stockfold.availability.policy import UNITS_MAX
from stockfold.availability.promises import Ask, Promised, ask_for
from stockfold.availability.promising import promise as promised
from stockfold.availability.surroundings import Places
from stockfold.domain.days import iso_day
from stockfold.domain.errors import SettingsError
from stockfold.ledger.dated import DAYS_MAX
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.settings import load
from stockfold_services.cli.atp import supply_json, zone_days
from stockfold_services.cli.kit_state import kit_state
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table
from stockfold_services.cli.policy_publish import policies_in_force
from stockfold_services.cli.tagged_places import tagged_places


def promise(
    sku: Annotated[str, typer.Argument(help="The SKU.")],
    quantity: Annotated[int, typer.Argument(min=1, max=UNITS_MAX, help="Units wanted.")],
    channel: Annotated[
        str | None, typer.Option(help="On the terms of this channel's policy.")
    ] = None,
    location: Annotated[
        list[str] | None,
        typer.Option(help="Only from here, in order of preference; may be repeated."),
    ] = None,
    zone: Annotated[
        str | None, typer.Option(help="IANA zone of the days. Unset: the channel's, else UTC.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=DAYS_MAX, help="Days to look ahead.")] = 366,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """By when so many units can leave, from where, and why not sooner."""
    settings = attach(load(config))
    policy, eligible = None, None
    if channel is not None:
        policy = policies_in_force(settings).get(channel)
        if policy is None:
            raise SettingsError(
                f"no policy of channel {channel!r} is in force",
                where="--channel",
                remedy="See `stockfold policy show`.",
            )
        places = tagged_places(settings) if policy.tags else Places()
        eligible = places.eligible(policy.locations, policy.tags)
    zone = zone or ("UTC" if policy is None else policy.zone)
    day_of = zone_days(zone)
    known = kit_state(settings, sku)
    wanted = None if not location else tuple(location)
    try:
        ask = ask_for(quantity, day_of(SYSTEM_CLOCK.now_us()), days, policy, eligible, wanted)
    except ValueError as error:
        raise SettingsError(
            str(error), where="--location", remedy="See `stockfold policy show`."
        ) from None
    as_of = {"sku": sku, "seq": known.state.seq, "zone": zone}
    if known.tree is not None:
        kit = promise_kit(known.tree, known.outlooks, ask, day_of)
        if as_json:
            print_json({**as_of, **_as_json(ask, kit.whole), **_kit_json(ask, kit)})
        else:
            _print(kit.whole)
            _print_parts(kit)
        return
    found = promised(known.outlooks[sku], ask, day_of)
    if as_json:
        print_json({**as_of, **_as_json(ask, found)})
    else:
        _print(found)


def _as_json(ask: Ask, found: Promised) -> dict[str, object]:
    return {
        "quantity": ask.quantity,
        "channel": ask.channel or None,
        "known": found.available_on is not None,
        "available_on": iso_day(found.available_on),
        "dispatch_on": iso_day(found.dispatch_on),
        "horizon": iso_day(ask.today + ask.days - 1),
        "lead_time_days": ask.lead_time_days,
        "parts": [
            {
                "location": part.location,
                "units": part.units,
                "available_on": iso_day(part.available_on),
                "dispatch_on": iso_day(part.dispatch_on),
            }
            for part in found.parts
        ],
        "locations": [
            {
                "location": whole.location,
                "available_on": iso_day(whole.available_on),
                "dispatch_on": iso_day(whole.dispatch_on),
                "reasons": list(whole.reasons),
            }
            for whole in found.locations
        ],
        "reasons": list(found.reasons),
        "reservable_now": found.reservable_now,
        "overdue": [supply_json(supply) for supply in found.overdue],
        "undated": [supply_json(supply) for supply in found.undated],
        "untrusted": [supply_json(supply) for supply in found.untrusted],
    }


def _kit_json(ask: Ask, kit: KitPromised) -> dict[str, object]:
    """What is asked of each component, and its own answer to that."""
    components = []
    for part in kit.components:
        of_part = msgspec.structs.replace(ask, quantity=part.units, lead_time_days=0)
        components.append({"sku": part.sku, **_as_json(of_part, part.promised)})
    return {
        "pre_assembled": kit.pre_assembled,
        "assembled": kit.assembled,
        "components": components,
    }


def _print_parts(kit: KitPromised) -> None:
    rows = [
        (
            part.sku,
            part.units,
            iso_day(part.promised.available_on) or "never, by what is known",
            " ".join(part.promised.reasons),
        )
        for part in kit.components
    ]
    if rows:
        print_table(("component", "units", "there on", "why"), rows)


def _print(found: Promised) -> None:
    console = Console(highlight=False)
    for reason in found.reasons:
        console.print(reason, markup=False, soft_wrap=True)
    rows = [
        (
            whole.location,
            iso_day(whole.available_on) or "never, by what is known",
            iso_day(whole.dispatch_on) or "",
            " ".join(whole.reasons),
        )
        for whole in found.locations
    ]
    if rows:
        print_table(("alone from", "there on", "leaves on", "why"), rows)
    beside = [
        (state, s.inbound, s.line, s.location, s.units, iso_day(s.day) or "", s.confidence)
        for state, supplies in (
            ("overdue", found.overdue),
            ("undated", found.undated),
            ("not trusted", found.untrusted),
        )
        for s in supplies
    ]
    if beside:
        columns = ("not relied on", "inbound", "line", "location", "units", "eta", "confidence")
        print_table(columns, beside)
