"""One import: the file is read and checked whole, compared, and only then published."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stockfold.contracts.reference import fields_of
from stockfold.domain.errors import SettingsError
from stockfold.domain.reference import Alias
from stockfold_services.cli.catalogue.checks import problems
from stockfold_services.cli.catalogue.fields import parse
from stockfold_services.cli.catalogue.files import REMEDY, Row, read_rows
from stockfold_services.cli.catalogue.publish import Progress
from stockfold_services.cli.catalogue.records import differences, title, with_fields
from stockfold_services.cli.catalogue.store import Change, Store

PROBLEMS_SHOWN_MAX = 50
PREVIEW_MAX = 200
PROGRESS_EVERY = 1_000


def stage_file(store: Store, path: Path, progress: Progress | None = None) -> int:
    """Read a file into the store; how many rows. SettingsError lists what is wrong, by line."""
    wrong: list[str] = []
    rows = 0
    for row in read_rows(path):
        rows += 1
        if progress is not None and rows % PROGRESS_EVERY == 0:
            progress(PROGRESS_EVERY)
        wrong += [f"line {row.line}: {sentence}" for sentence in _stage(store, row)]
        if len(wrong) > PROBLEMS_SHOWN_MAX:
            break
    if not rows:
        raise SettingsError("the file has no records", where=str(path), remedy=REMEDY)
    _refuse(wrong, path)
    return rows


def _stage(store: Store, row: Row) -> Iterator[str]:
    if row.problem:
        yield row.problem
        return
    given, wrong = parse(row.record, row.values)
    if wrong:
        yield from wrong
        return
    record = with_fields(row.record, None, given)
    clash = store.stage(record, given, row.line)
    if clash is not None and isinstance(record, Alias) and clash.first["target"] != record.target:
        yield (
            f"{title(record)} is ambiguous: {clash.first['target']} in line {clash.first_line}, "
            f"{record.target} here"
        )
    elif clash is not None:
        yield f"{title(record)} is in line {clash.first_line} with different content"


def plan(store: Store, path: Path, *, full: bool) -> None:
    """Compare, and check what would be afterwards. SettingsError lists what is wrong, by line."""
    store.plan(full=full)
    wrong: list[str] = []
    for sentence in problems(store):
        wrong.append(sentence)
        if len(wrong) > PROBLEMS_SHOWN_MAX:
            break
    _refuse(wrong, path)


def _refuse(wrong: list[str], path: Path) -> None:
    if not wrong:
        return
    more = ["and more"] if len(wrong) > PROBLEMS_SHOWN_MAX else []
    raise SettingsError(
        "; ".join([*wrong[:PROBLEMS_SHOWN_MAX], *more]), where=str(path), remedy=REMEDY
    )


def preview(store: Store) -> list[dict[str, Any]]:
    """What would change, at most 200 records."""
    found: list[dict[str, Any]] = []
    for change in store.planned():
        if len(found) == PREVIEW_MAX:
            break
        found.append(_told(change))
    return found


def _told(change: Change) -> dict[str, Any]:
    return {
        "action": change.action,
        "what": title(change.new),
        "revision": change.new.revision,
        "line": change.line,
        "changes": differences(change.old, change.new),
        "record": {"record": change.kind, **fields_of(change.new)},
    }
