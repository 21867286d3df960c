"""``stockfold validate``: what is wrong with an event, told to the team that sends it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stockfold.contracts.judging import FILE_BYTES_MAX, Judge, Verdict, full_name
from stockfold.domain.errors import SettingsError
from stockfold_services.cli.output import AsJson, print_json

TOLD_MAX = 100
_LINES = (".ndjson", ".jsonl")


def validate(
    file: Annotated[
        Path,
        typer.Argument(
            help="Events: JSON, lines of JSON (NDJSON), a CloudEvent, a batch of them, or a Kafka "
            "value in Avro. - reads standard input."
        ),
    ],
    event_type: Annotated[
        str,
        typer.Option("--type", help="The event type of bodies without an envelope."),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Tell exactly what is wrong with events, without sending them. Exit code 1 when anything is.

    Looks at the envelope, the schema and the values; not at what is in stock. No server is needed.
    """
    raw = _read(file)
    name = full_name(event_type) if event_type else ""
    lines = file.suffix.lower() in _LINES
    verdicts = list(Judge().file(raw, name, lines=lines))
    if as_json:
        _as_json(verdicts)
    else:
        _as_text(str(file), verdicts)
    if not verdicts or not all(verdict.valid for verdict in verdicts):
        raise typer.Exit(1)


def _read(file: Path) -> bytes:
    try:
        if str(file) == "-":
            raw = sys.stdin.buffer.read(FILE_BYTES_MAX + 1)
        else:
            with file.open("rb") as source:
                raw = source.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise SettingsError(
            f"the file cannot be read: {error.strerror}",
            where=str(file),
            remedy="Name a file that can be read, or - for standard input.",
        ) from error
    if len(raw) > FILE_BYTES_MAX:
        raise SettingsError(
            f"the file has more than {FILE_BYTES_MAX} bytes",
            where=str(file),
            remedy="Validate it in parts.",
        )
    return raw


def _as_json(verdicts: list[Verdict]) -> None:
    print_json(
        {
            "valid": bool(verdicts) and all(verdict.valid for verdict in verdicts),
            "events": len(verdicts),
            "invalid": sum(not verdict.valid for verdict in verdicts),
            "verdicts": [
                {
                    "where": verdict.where,
                    "type": verdict.type,
                    "encoding": verdict.encoding,
                    "valid": verdict.valid,
                    "problems": [
                        {
                            "kind": problem.kind,
                            "path": problem.path,
                            "problem": problem.what,
                            "remedy": problem.remedy,
                        }
                        for problem in verdict.problems
                    ],
                }
                for verdict in verdicts
            ],
        }
    )


def _as_text(file: str, verdicts: list[Verdict]) -> None:
    console = Console(highlight=False)

    def say(line: str, style: str = "") -> None:
        console.print(line, style=style, markup=False, soft_wrap=True)

    wrong = [verdict for verdict in verdicts if not verdict.valid]
    for verdict in wrong[:TOLD_MAX]:
        place = file if verdict.where == "$" else f"{file}, {verdict.where}"
        say(f"{place}: {verdict.type or 'an event'} ({verdict.encoding})", "bold red")
        for problem in verdict.problems:
            say(f"  {problem.path} {problem.what}  [{problem.kind}]")
            say(f"    to do: {problem.remedy}")
    if len(wrong) > TOLD_MAX:
        say(f"and {len(wrong) - TOLD_MAX} more events with problems; --json tells all")
    if not verdicts:
        say(f"{file}: there is no event in it", "bold red")
    elif wrong:
        say(f"{len(wrong)} of {len(verdicts)} events are wrong")
    else:
        kinds = sorted({f"{verdict.type} ({verdict.encoding})" for verdict in verdicts})
        say(f"valid: {len(verdicts)} event{'s' if len(verdicts) > 1 else ''}: {', '.join(kinds)}")
