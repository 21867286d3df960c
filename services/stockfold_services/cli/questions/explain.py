"""``stockfold explain SKU [LOCATION]``: why its numbers are what they are."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from stockfold.domain.errors import SettingsError
from stockfold.explain.entry import Evidence, Place
from stockfold.explain.explanation import LAST, Explanation
from stockfold.explain.explanation import explain as explanation_of
from stockfold.explain.numbers import NUMBERS, PROVED, Unfolded
from stockfold.explain.words import duration
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.settings import load
from stockfold_services.cli.output import AsJson, ConfigFile, print_json
from stockfold_services.cli.questions.journal import Read, check_location, read_history

Sku = Annotated[str, typer.Argument(help="The SKU.")]
Location = Annotated[str | None, typer.Argument(help="Only this location.")]


def explain(
    sku: Sku,
    location: Location = None,
    number: Annotated[
        list[str] | None,
        typer.Option(help=f"Unfold this number: {', '.join(NUMBERS)}. Repeatable."),
    ] = None,
    last: Annotated[int, typer.Option(min=1, help="Facts shown per number.")] = LAST,
    every: Annotated[bool, typer.Option("--all", help="Show every fact of each number.")] = False,
    brief: Annotated[bool, typer.Option("--brief", help="Only the paragraph.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Why the numbers of a SKU are what they are: first in words, then fact by fact."""
    numbers = _numbers(number)
    settings = attach(load(config))
    read = read_history(settings, sku)
    check_location(read, location)
    found = explanation_of(
        sku, read.history, SYSTEM_CLOCK.now_us(), location, numbers, None if every else last
    )
    if as_json:
        print_json({"explanation": found, "as_of": read.as_of()})
    else:
        _print(found, read, brief, chosen=number is not None)


def _numbers(chosen: list[str] | None) -> tuple[str, ...]:
    unknown = sorted(set(chosen or ()) - set(NUMBERS))
    if unknown:
        raise SettingsError(
            f"{unknown[0]!r} is no number of a SKU",
            where="--number",
            remedy=f"Name one of {', '.join(NUMBERS)}.",
        )
    return tuple(chosen) if chosen else NUMBERS


def _print(found: Explanation, read: Read, brief: bool, *, chosen: bool) -> None:
    console = Console(highlight=False)
    console.print(found.paragraph, markup=False, soft_wrap=not console.is_terminal)
    if brief:
        return
    for number in found.numbers:
        # What only the proof needs is in the proof.
        if chosen or (number.steps and number.number not in PROVED):
            _print_number(console, number)
    sign = "holds" if found.proof.holds else "DOES NOT HOLD"
    console.print(f"\nconservation {sign}: {found.proof.sentence}", markup=False, soft_wrap=True)
    console.print(f"as of {read.line()}", markup=False, style="dim")


def _print_number(console: Console, number: Unfolded) -> None:
    console.print(f"\n[bold]{number.number.replace('_', ' ')} {number.value}[/bold]")
    if number.earlier:
        facts = "1 earlier fact" if number.earlier == 1 else f"{number.earlier} earlier facts"
        _line(console, f"  {number.opening:>7}  {facts}; --all shows every one")
    for step in number.steps:
        _line(console, f"  {step.delta:>+7} = {step.value}  {step.fact.what}")
        _line(console, f"           {origin(step.fact)}", style="dim")


def _line(console: Console, text: str, style: str = "") -> None:
    console.print(text, markup=False, soft_wrap=True, style=style)


def origin(fact: Evidence) -> str:
    """Who told a fact, when, and where it lies, on one line."""
    parts = [
        f"fact {fact.seq}",
        f"{fact.occurred_at:%Y-%m-%d %H:%M:%S}",
        f"recorded {duration(fact.late_ms * 1000)} later" if fact.late_ms >= 1000 else "",
        f"from {fact.source}, event {fact.event_id}" if fact.source else "by the ledger's clock",
        f"correlation {fact.correlation_id}" if fact.correlation_id else "",
        f"input {place(fact.cause)}" if fact.cause is not None else "",
        f"journal {fact.journal.partition}/{fact.journal.offset}",
    ]
    return ", ".join(filter(None, parts))


def place(at: Place) -> str:
    """Such as ``receipts.v1/3/107``: topic, partition, offset."""
    return f"{at.topic.removeprefix('stockfold.')}/{at.partition}/{at.offset}"
