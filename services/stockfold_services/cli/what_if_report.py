"""The report of a simulated policy, as plain values and as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from rich.console import Console

from stockfold.availability.what_if import WhatIf
from stockfold.availability.what_if_figures import Period
from stockfold.domain.times import format_us
from stockfold_services.cli.output import print_table

HEADER = ("channel", "policy", "asked", "refused", "told", "sold", "oversold", "lost")
UNKNOWN = (
    "Demand that never came because a shop showed nothing is not in the record: lost sales are at "
    "least this many."
)
FIGURES = ("publications", "sold", "oversold", "lost")


def report(run: WhatIf, period: Period, notes: Iterable[str] = ()) -> dict[str, Any]:
    """What was found, as plain values; ``notes`` say what of the past is not kept."""
    before, after = run.outcomes
    channels = sorted({*run.demands, *before, *after})
    return {
        "from": format_us(period.from_us),
        "to": format_us(period.to_us),
        "facts": run.facts,
        "deficit_units": run.deficit_units,
        "unknown": UNKNOWN,
        "notes": [*notes, *_notes(run)],
        "channels": [
            {
                "channel": channel,
                "happened": msgspec.to_builtins(run.demands.get(channel)),
                "in_force": msgspec.to_builtins(before.get(channel)),
                "simulated": msgspec.to_builtins(after.get(channel)),
            }
            for channel in channels
        ],
    }


def _notes(run: WhatIf) -> Iterator[str]:
    """What channels were told, as far as that is not kept."""
    recomputed = sum(demand.recomputed for demand in run.demands.values())
    if recomputed:
        yield (
            f"What the channel was told when {recomputed:,} units were asked is not kept (the read "
            "model keeps 30 days): they are judged by what the policies in force would have told."
        )
    if run.unsure_listings:
        yield (
            f"Of {run.unsure_listings:,} listings not every version is kept: they were told at "
            "least as often as is said."
        )


def sides_of(row: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What happened on a channel, what the policies in force make of it, and the simulated ones."""
    asked = row["happened"]
    if asked is not None:
        yield "happened", {**asked, "sold": asked["accepted"] + asked["waited"]}
    for key, name in (("in_force", "in force"), ("simulated", "simulated")):
        if row[key] is not None:
            yield name, row[key]


def rows_of(found: dict[str, Any]) -> list[tuple[object, ...]]:
    """The table: of each channel what happened, the policies in force, and the simulated ones."""
    rows: list[tuple[object, ...]] = []
    for row in found["channels"]:
        name = row["channel"] or "(none told)"
        for what, side in sides_of(row):
            asked, refused = (side.get(key) for key in ("asked", "refused"))
            rows.append((name, what, asked, refused, *(side[key] for key in FIGURES)))
    return rows


def sentences_of(found: dict[str, Any]) -> list[str]:
    """What the figures are of, and what they do not know."""
    facts = (
        f"{found['facts']:,} facts from {found['from']} to {found['to']}. Units really missing at "
        f"some location in that time: {found['deficit_units']:,}."
    )
    return [facts, *found["notes"], found["unknown"]]


def print_report(found: dict[str, Any]) -> None:
    """The report for people: the table, and what it does not know."""
    print_table(HEADER, rows_of(found))
    console = Console(highlight=False)
    for sentence in sentences_of(found):
        console.print(sentence, markup=False, soft_wrap=True)
