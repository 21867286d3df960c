"""``stockfold channel kinds`` and ``channel test``: what is installed, and whether it works."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from stockfold.channels.kinds import ChannelKind, installed, kind_of
from stockfold_services.cli.output import AsJson, print_json, print_table
from stockfold_services.cli.progress import Bars
from stockfold_services.publisher.conformance.suite import Verdict, chosen, run


def kinds(as_json: AsJson = False) -> None:
    """Every installed kind of channel, and what its adapter was proved against."""
    found = list(installed().values())
    if as_json:
        print_json([_told(kind) for kind in found])
        return
    columns = ("kind", "title", "assurance", "basis", "per location", "credentials")
    print_table(
        columns,
        [
            (
                kind.name,
                kind.title,
                kind.assurance.value,
                " or ".join(kind.bases),
                "yes" if kind.per_location else "no",
                ", ".join(kind.credentials),
            )
            for kind in found
        ],
    )


def _told(kind: ChannelKind) -> dict[str, object]:
    return {
        "name": kind.name,
        "title": kind.title,
        "assurance": kind.assurance.value,
        "bases": list(kind.bases),
        "per_location": kind.per_location,
        "reads_orders": kind.reads,
        "credentials": list(kind.credentials),
        "options": kind.options.model_json_schema(),
    }


def check_kind(
    kind: Annotated[str, typer.Argument(help="The kind, as [[channels]] names it.")],
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Only this scenario; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hold an adapter against its imitated channel. Exit code 1: a scenario failed.

    Nothing is asked but the imitation: no network, no clock, no Kafka.
    """
    tested, names = kind_of(kind), tuple(only or ())
    with Bars() as bars:
        bars.stage(f"scenarios of {kind}", len(chosen(names)))
        verdicts = run(tested, names, lambda _: bars.done(1))
    if as_json:
        print_json({"kind": _told(tested), "scenarios": msgspec.to_builtins(verdicts)})
    else:
        _print(tested, verdicts)
    if any(one.result == "fail" for one in verdicts):
        raise typer.Exit(1)


def _print(kind: ChannelKind, verdicts: Sequence[Verdict]) -> None:
    rows = [(v.scenario, v.result.upper(), _said(v), f"{v.requests:,}") for v in verdicts]
    print_table(("scenario", "result", "what is so, or what was seen instead", "requests"), rows)
    counts = Counter(str(one.result) for one in verdicts)
    told = ", ".join(f"{counts[result]} {word}" for result, word in _WORDS.items())
    sentence = f"{kind.name} ({kind.assurance.value}): {told}"
    Console(stderr=True, highlight=False).print(sentence, markup=False, soft_wrap=True)


def _said(one: Verdict) -> str:
    match one.result:
        case "pass":
            return one.sentence
        case "fail":
            return f"This is not so: {one.sentence}. Seen: {one.detail}"
        case _:
            return one.detail


_WORDS = {"pass": "passed", "fail": "failed", "not applicable": "not applicable"}
