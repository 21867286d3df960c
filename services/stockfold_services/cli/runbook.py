"""``stockfold runbook``: what may need a person, who looks after it, and what to do first."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from stockfold.contracts.runbooks import WHAT, Runbook, all_runbooks
from stockfold.domain.errors import StockfoldError
from stockfold_services.cli.output import AsJson, print_json, print_table

COLUMNS = ("kind", "of", "owner", "what it is", "first", "page")


def runbook(
    kind: Annotated[
        str | None, typer.Argument(help="A kind, such as unknown_sku, or a page. Default: all.")
    ] = None,
    owner: Annotated[
        str | None, typer.Option(help="Only of this owner, such as support or engineer.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The runbook of a kind of exception, finding, case, channel state or alert."""
    rows = [row for row in _rows() if _is_meant(row, kind, owner)]
    if not rows:
        raise StockfoldError(
            f"there is no runbook of {kind or owner!r}",
            remedy="`stockfold runbook` lists every kind; one that is not there is of another "
            "release, or needs nobody.",
        )
    if as_json:
        print_json(rows)
    elif kind is None:
        print_table(COLUMNS, [tuple(row[name] for name in _FIELDS) for row in rows])
    else:
        for row in rows:
            print_table(("", ""), list(zip(COLUMNS, (row[name] for name in _FIELDS), strict=True)))


_FIELDS = ("kind", "about", "owner", "title", "repair", "page")


def _rows() -> list[dict[str, Any]]:
    return [
        _row(runbook, kind, WHAT[about].replace("`", ""))
        for runbook in all_runbooks()
        for about, kinds in runbook.kinds.items()
        for kind in kinds
    ]


def _row(runbook: Runbook, kind: str, about: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "about": about,
        "owner": runbook.owner,
        "title": runbook.title,
        "repair": runbook.repair_of(kind),
        "page": runbook.path,
    }


def _is_meant(row: dict[str, Any], kind: str | None, owner: str | None) -> bool:
    names = (row["kind"], row["page"].rpartition("/")[2].removesuffix(".md"))
    return (kind is None or kind in names) and owner in (None, row["owner"])
