"""``stockfold listings``: how far each listing of a channel is, and how long it took."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console

from stockfold.contracts.codec import Record
from stockfold.contracts.topics import AVAILABILITY, LISTINGS
from stockfold.domain.errors import StockfoldError
from stockfold.domain.times import from_us
from stockfold.explain.listing_states import DIFFERENCES, ListingState, difference
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.order_topics import latest
from stockfold.runtime.settings import load
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table

COLUMNS = (
    "sku", "channel", "differs", "desired", "sent", "accepted", "applied", "observed", "took",
    "detail",
)  # fmt: skip
HOUR_US = 3_600_000_000
PERCENTILES = (50, 90, 99)


def listings(
    sku: Annotated[str | None, typer.Argument(help="Only of this SKU.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only of this channel.")] = None,
    differs: Annotated[
        str | None,
        typer.Option(help=f"Only those that differ so: any, {', '.join(DIFFERENCES)}."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many rows.")] = 100,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Versions desired, sent, accepted, applied and observed of each listing.

    Read from Kafka: PostgreSQL need not be there. How long it took is from the stock event to the
    write that the channel was seen to show, the last one of each listing within the hour.
    """
    if differs is not None and differs not in ("any", *DIFFERENCES):
        raise StockfoldError(
            f"--differs {differs!r} is none of these", remedy=f"any, {', '.join(DIFFERENCES)}."
        )
    settings = attach(load(config))
    told = latest(settings, LISTINGS)
    states = [
        _state(wanted, told.get(key))
        for key, wanted in latest(settings, AVAILABILITY).items()
        if channel in (None, wanted["channel"]) and sku in (None, wanted["sku"])
    ]
    chosen = [s for s in states if differs in (None, s.differs) or (differs == "any" and s.differs)]
    chosen.sort(key=lambda state: (state.channel, state.sku))
    times = _times(states)
    if as_json:
        print_json({"listings": [asdict(s) for s in chosen[:limit]], "of": len(chosen), **times})
        return
    print_table(COLUMNS, [_row(state) for state in chosen[:limit]])
    console = Console(highlight=False)
    if len(chosen) > limit:
        console.print(f"the first {limit} of {len(chosen)}; --limit shows more")
    if times["applied"]:
        said = ", ".join(f"p{n} {times[f'p{n}_ms']:,} ms" for n in PERCENTILES)
        console.print(f"from stock event to channel, {times['applied']} of the last hour: {said}")


def _state(wanted: Record, told: Record | None) -> ListingState:
    known: Record = told or {}
    desired = wanted["version"]
    versions = [
        known.get(f"{name}_version") for name in ("sent", "accepted", "applied", "observed")
    ]
    outcome = known.get("outcome", "")
    return ListingState(
        channel=wanted["channel"],
        sku=wanted["sku"],
        listing=known.get("listing"),
        differs=difference(desired, known.get("desired_version", 0), outcome, *versions),
        desired_version=desired,
        desired_quantity=wanted["quantity"],
        sent_version=versions[0],
        sent_at=_at(known.get("sent_at")),
        accepted_version=versions[1],
        applied_version=versions[2],
        applied_quantity=known.get("applied_quantity"),
        applied_at=_at(known.get("applied_at")),
        took_us=known.get("took_us"),
        observed_version=versions[3],
        observed_quantity=known.get("observed_quantity"),
        observed_at=_at(known.get("observed_at")),
        outcome=outcome,
        detail=known.get("detail", ""),
    )


def _at(us: int | None) -> datetime | None:
    return None if us is None else from_us(us)


def _row(state: ListingState) -> tuple[object, ...]:
    desired = f"v{state.desired_version} {state.desired_quantity}"
    took = None if state.took_us is None else f"{state.took_us / 1_000_000:.1f} s"
    return (
        state.sku,
        state.channel,
        state.differs,
        desired,
        _version(state.sent_version),
        _version(state.accepted_version),
        _version(state.applied_version, state.applied_quantity),
        _version(state.observed_version, state.observed_quantity),
        took,
        state.detail,
    )


def _version(version: int | None, quantity: int | None = None) -> str:
    said = [] if version is None else [f"v{version}"] if version else ["other"]
    return " ".join([*said, *([] if quantity is None else [str(quantity)])])


def _times(states: list[ListingState]) -> dict[str, int]:
    """Milliseconds at the percentiles, nearest rank, of the last hour."""
    since = from_us(SYSTEM_CLOCK.now_us() - HOUR_US)
    took = sorted(
        state.took_us // 1000
        for state in states
        if state.took_us is not None and state.applied_at is not None and state.applied_at > since
    )
    ranks = {f"p{n}_ms": took[max(-(-len(took) * n // 100) - 1, 0)] for n in PERCENTILES if took}
    return {"applied": len(took), **ranks}
