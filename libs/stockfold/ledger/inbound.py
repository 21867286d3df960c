"""Inbound documents: what is expected, when, and what receipts used up (rulings 15 and 36)."""

from __future__ import annotations

from collections.abc import Iterator

from stockfold.ledger.accounts import CODES, SUPPLIER
from stockfold.ledger.entities import Change, Inbound, InboundLine, copied
from stockfold.ledger.facts import Fact, Input
from stockfold.ledger.physical import physical_fact
from stockfold.ledger.state import ExpectedRow, SkuState


def remaining(inbound: Inbound) -> list[int]:
    """Units still expected per line, in the order of ``inbound.lines``.

    A function of totals: units received without a line use up the earliest ETA, undated lines
    last, equal ones by line.
    """
    rest = [
        max(known.quantity - known.received, 0) if known.is_open() else 0 for known in inbound.lines
    ]
    unlined = inbound.unlined
    if unlined:
        by_eta = sorted(
            range(len(rest)),
            key=lambda i: (
                inbound.lines[i].eta_us is None,
                inbound.lines[i].eta_us or 0,
                inbound.lines[i].line,
            ),
        )
        for i in by_eta:
            used = min(rest[i], unlined)
            rest[i] -= used
            unlined -= used
    return rest


def expected_rows(inbound: Inbound) -> Iterator[tuple[str, ExpectedRow]]:
    """(location, row) of every line that still expects units."""
    for known, units in zip(inbound.lines, remaining(inbound), strict=True):
        if units:
            yield (
                known.location,
                (inbound.id, known.line, units, known.eta_us, known.confidence),
            )


def _with_line(inbound: Inbound | None, name: str, line: str) -> tuple[Inbound, InboundLine]:
    """A copy of the document in which the line is a fresh copy too, made when unknown."""
    changed = copied(inbound) if inbound is not None else Inbound(name)
    for i, known in enumerate(changed.lines):
        if known.line == line:
            fresh = copied(known)
            changed.lines = (*changed.lines[:i], fresh, *changed.lines[i + 1 :])
            return changed, fresh
    fresh = InboundLine(
        line, closed_through=changed.closed_through, closed_first=changed.closed_first
    )
    changed.lines = (*changed.lines, fresh)
    return changed, fresh


def inbound_expected(state: SkuState, given: Input) -> Fact:
    """Set the line; an older or equal revision is ignored, a newer one reopens a closed line."""
    body = given.body
    inbound, line = _with_line(state.inbounds.get(body["inbound"]), body["inbound"], body["line"])
    revision = body["revision"]
    if revision <= line.revision:
        return Fact(given.type, [], None, ("older_revision",))
    if line.closed_first and line.revision < 0:
        _close_through(line, revision)
    left = line.location if line.location != body["location"] else ""
    line.location = body["location"]
    line.quantity = body["quantity"]
    line.eta_us = body["eta"]
    line.confidence = body["confidence"]
    line.revision = revision
    return Fact(given.type, [], Change(inbound=inbound, left=left))


def inbound_closed(state: SkuState, given: Input) -> Fact:
    """What remains of the line, or of every line, is no longer expected."""
    body = given.body
    revision = body["revision"]
    if body["line"] is not None:
        inbound, line = _with_line(
            state.inbounds.get(body["inbound"]), body["inbound"], body["line"]
        )
        _close(line, revision)
        return Fact(given.type, [], Change(inbound=inbound))
    known = state.inbounds.get(body["inbound"])
    inbound = copied(known) if known is not None else Inbound(body["inbound"])
    if revision is None:
        inbound.closed_first = True
    else:
        _close_through(inbound, revision)
    lines = []
    for line in inbound.lines:
        fresh = copied(line)
        _close(fresh, revision)
        lines.append(fresh)
    inbound.lines = tuple(lines)
    return Fact(given.type, [], Change(inbound=inbound))


def _close(line: InboundLine, revision: int | None) -> None:
    if revision is not None:
        _close_through(line, revision)
    elif line.revision >= 0:
        _close_through(line, line.revision)
    else:
        line.closed_first = True


def _close_through(closed: Inbound | InboundLine, revision: int) -> None:
    known = closed.closed_through
    closed.closed_through = revision if known is None else max(known, revision)


def goods_received(state: SkuState, given: Input) -> Fact:
    """From supplier to the bucket of the condition; uses up its inbound line, never below zero."""
    body = given.body
    units = body["quantity"]
    deltas = [
        (CODES[body["condition"]], body["location"], "", units),
        (SUPPLIER, "", "", -units),
    ]
    name = body["inbound"]
    if name is None:
        return physical_fact(state, given, deltas)
    if body["line"] is not None:
        inbound, line = _with_line(state.inbounds.get(name), name, body["line"])
        line.received += units
        known = line.revision >= 0
        over = known and line.received > line.quantity
    else:
        before = state.inbounds.get(name)
        inbound = copied(before) if before is not None else Inbound(name)
        inbound.unlined += units
        known = any(line.revision >= 0 for line in inbound.lines)
        over = known and inbound.unlined > sum(
            max(line.quantity - line.received, 0) for line in inbound.lines
        )
    flags = ("over_receipt",) if over else ()
    return physical_fact(state, given, deltas, Change(inbound=inbound), flags)
