"""The report of an ERP reconciliation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from stockfold.domain.times import format_us
from stockfold.explain.entry import evidence
from stockfold.explain.words import moment
from stockfold.reconcile.book import Moved
from stockfold.reconcile.findings import MEANING, Finding, Kind
from stockfold.reconcile.totals import Total
from stockfold_services.cli.reconciling.correcting import Proposed
from stockfold_services.cli.reconciling.erp import Compared, ErpJob
from stockfold_services.cli.reconciling.report import Cell, Group, Report, Sheet

COLUMNS = (
    "sku",
    "location",
    "account",
    "kind",
    "ours",
    "theirs",
    "difference",
    "known then",
    "why",
    "to do",
)
TOTALS = (
    "location",
    "account",
    "rows",
    "in file",
    "not compared",
    "theirs",
    "ours",
    "difference",
    "known then",
    "not listed",
    "agree",
    "differ",
)


def report_of(
    found: Compared, job: ErpJob, proposed: Proposed, *, period_end: bool, agreeing: bool
) -> Report:
    """The report, for every form of it."""
    shown = [*found.findings, *(found.agreeing if agreeing else ())]
    differ = len(found.findings)
    agree = found.kinds.get("agrees", 0)
    sentence = (
        f"{differ:,} of {differ + agree:,} figures differ"
        if differ
        else f"All {agree:,} figures agree"
    )
    unbalanced = [one for one in found.totals if not one.balances]
    notes = [f"{one.location or 'all locations'} {one.account}: the sums do not meet the file's"
             for one in unbalanced]  # fmt: skip
    if found.ignored:
        notes.append(f"Columns that are not used: {', '.join(found.ignored)}.")
    notes += _proposals(proposed)
    what = "Period end" if period_end else "Stock"
    return Report(
        title=f"{what} as of {moment(job.cut.at_us)}: {job.file.name} against stockfold",
        sentence=sentence + ".",
        agrees=not differ,
        facts=_facts(found, job),
        groups=[
            Group(kind, count, MEANING[Kind(kind)])
            for kind, count in sorted(found.kinds.items(), key=lambda pair: -pair[1])
        ],
        totals=Sheet(TOTALS, [_total(one) for one in found.totals]),
        differences=Sheet(COLUMNS, [_row(one) for one in shown]),
        notes=notes,
    )


def _facts(found: Compared, job: ErpJob) -> list[tuple[str, str]]:
    return [
        ("file", f"{job.file.name}, {found.rows:,} figures, told by {job.source}"),
        ("as of", format_us(job.cut.at_us)),
        ("known at", f"{format_us(job.cut.known_us)}, {found.facts:,} facts of the journal"),
        ("window", f"{job.cut.window_us // 60_000_000} min before and after"),
        ("complete", "what the file does not list is zero" if job.complete else
         "what the file does not list is not compared"),
        ("difference", "what would have to be added here"),
    ]  # fmt: skip


def _proposals(proposed: Proposed) -> list[str]:
    told = []
    if proposed.corrections:
        net = sum(one.counted - one.ours for one in proposed.corrections)
        told.append(
            f"{len(proposed.corrections):,} of them can be corrected here ({net:+,} units in "
            "total): --apply."
        )
    reasons: dict[str, int] = {}
    for one in proposed.withheld:
        reasons[one.reason] = reasons.get(one.reason, 0) + 1
    told += [f"{count:,} cannot be corrected: {reason}." for reason, count in reasons.items()]
    return told


def _row(one: Finding) -> Sequence[Cell]:
    compared = one.theirs is not None or one.kind is Kind.MISSING_THERE
    return (
        one.sku,
        one.location,
        one.account,
        str(one.kind),
        one.ours if compared else None,
        one.theirs,
        one.difference,
        one.then if compared else None,
        one.why + "".join(f"; {_moved(moved)}" for moved in one.movements),
        one.remedy,
    )


def _moved(moved: Moved) -> str:
    fact = moved.entry.fact
    return (
        f"{moved.units:+d} {fact.kind} {moment(moved.us)} "
        f"({moved.entry.partition}-{moved.entry.offset})"
    )


def _total(one: Total) -> Sequence[Cell]:
    return (
        one.location,
        one.account,
        one.rows + one.unread_rows,
        one.file_units + one.unread_units,
        one.unread_units,
        one.theirs,
        one.ours,
        one.difference,
        one.then,
        one.unlisted,
        one.agree,
        one.differ,
    )


def as_json(found: Compared, job: ErpJob, proposed: Proposed, *, agreeing: bool) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "file": job.file.name,
        "source": job.source,
        "as_of": format_us(job.cut.at_us),
        "known_at": format_us(job.cut.known_us),
        "complete": job.complete,
        "figures": found.rows,
        "facts": found.facts,
        "ignored_columns": found.ignored,
        "kinds": found.kinds,
        "totals": [
            dict(zip(TOTALS, _total(one), strict=True)) | {"balances": one.balances}
            for one in found.totals
        ],
        "findings": [
            _plain(one) for one in (*found.findings, *(found.agreeing if agreeing else ()))
        ],
        "corrections": [msgspec.to_builtins(one) for one in proposed.corrections],
        "withheld": [
            {
                "sku": one.finding.sku,
                "location": one.finding.location,
                "account": one.finding.account,
                "reason": one.reason,
            }
            for one in proposed.withheld
        ],
    }


def _plain(one: Finding) -> dict[str, Any]:
    return {
        "sku": one.sku,
        "location": one.location,
        "account": one.account,
        "kind": str(one.kind),
        "ours": one.ours,
        "theirs": one.theirs,
        "difference": one.difference,
        "known_then": one.then,
        "why": one.why,
        "remedy": one.remedy,
        "row": one.row,
        "movements": [
            {"units": moved.units, "at": format_us(moved.us), "fact": evidence(moved.entry)}
            for moved in one.movements
        ],
    }
