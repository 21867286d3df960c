"""Evidence tampered with, one way at a time: what the checks must not overlook."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

from tests.faults.checks import CHECKS
from tests.faults.evidence import Evidence, Rec

JOURNAL = "stockfold.journal.v1"
AVAILABILITY = "stockfold.availability.v1"


def _facts(evidence: Evidence) -> list[Rec]:
    return [r for r in evidence.of(JOURNAL) if r.name == "JournalFact" and r.body["event_id"]]


def _without(evidence: Evidence, record: Rec) -> Evidence:
    return replace(evidence, records=[r for r in evidence.records if r.place != record.place])


def lost_input(evidence: Evidence) -> Evidence:
    """An input left no trace: its fact is gone."""
    return _without(evidence, _facts(evidence)[-1])


def doubled_fact(evidence: Evidence) -> Evidence:
    """An input was folded twice, the second time from another delivery."""
    fact = _facts(evidence)[-1]
    last = max(r.offset for r in evidence.of(JOURNAL) if r.partition == fact.partition)
    body = {**deepcopy(fact.body), "seq": fact.body["seq"] + 1, "offset": fact.body["offset"] + 1}
    return replace(evidence, records=[*evidence.records, fact._replace(offset=last + 1, body=body)])


def changed_quantity(evidence: Evidence) -> Evidence:
    """One delta of one fact says another number."""
    fact = next(f for f in reversed(_facts(evidence)) if f.body["deltas"])
    body = deepcopy(fact.body)
    body["deltas"][0]["quantity"] += 1
    return replace(
        _without(evidence, fact),
        records=[*_without(evidence, fact).records, fact._replace(body=body)],
    )


def gap_in_the_journal(evidence: Evidence) -> Evidence:
    """A SKU's facts do not count up."""
    fact = _facts(evidence)[0]
    body = {**fact.body, "seq": fact.body["seq"] + 1}
    rest = _without(evidence, fact).records
    return replace(evidence, records=[*rest, fact._replace(body=body)])


def uncommitted_read(evidence: Evidence) -> Evidence:
    """The observer was shown a record that the log does not have."""
    topic, partition, offset = max(evidence.seen)
    return replace(evidence, seen={**evidence.seen, (topic, partition, offset + 7): b"?" * 16})


def changed_read(evidence: Evidence) -> Evidence:
    """The observer was shown another record than the log has in its place."""
    return replace(evidence, seen={**evidence.seen, max(evidence.seen): b"?" * 16})


def stale_availability(evidence: Evidence) -> Evidence:
    """The last availability was never told."""
    return _without(evidence, max(evidence.of(AVAILABILITY), key=lambda r: r.body["version"]))


def stale_position(evidence: Evidence) -> Evidence:
    """The last position of a place was never told."""
    return _without(evidence, evidence.of("stockfold.positions.v1")[-1])


def missing_row(evidence: Evidence) -> Evidence:
    """The read model lacks a fact."""
    tables = {**evidence.tables, "journal": evidence.tables["journal"][1:]}
    return replace(evidence, tables=tables)


def doubled_row(evidence: Evidence) -> Evidence:
    """The read model has a delivery twice."""
    rows = evidence.tables["delivery_history"]
    return replace(evidence, tables={**evidence.tables, "delivery_history": [*rows, rows[0]]})


def wrong_stock(evidence: Evidence) -> Evidence:
    """The shop shows one unit too many."""
    sku, units = next(iter(evidence.stock.items()))
    return replace(evidence, stock={**evidence.stock, sku: (units or 0) + 1})


def second_answer(evidence: Evidence) -> Evidence:
    """A buyer was answered twice."""
    answers = evidence.of("stockfold.reservation-status.v1")
    answer = next(r for r in answers if r.body["command"] == "ReserveStock")
    return replace(evidence, records=[*evidence.records, answer._replace(offset=10**9)])


def swallowed_exception(evidence: Evidence) -> Evidence:
    """Poison left no exception."""
    return _without(evidence, evidence.of("stockfold.exceptions.v1")[0])


def other_digest(evidence: Evidence) -> Evidence:
    """A rebuild comes to another state."""
    return replace(evidence, digests={**evidence.digests, "another rebuild": "0" * 32})


def other_snapshot(evidence: Evidence) -> Evidence:
    """A snapshot restores another state than the journal has."""
    name, (saved, _, folded) = next(iter(evidence.snapshots.items()))
    return replace(evidence, snapshots={**evidence.snapshots, name: (saved, "0" * 32, folded)})


def mark_short(evidence: Evidence) -> Evidence:
    """The broker took one more input than the ledger's marks cover."""
    place, end = next(iter(evidence.ends.items()))
    return replace(evidence, ends={**evidence.ends, place: end + 1})


TAMPERINGS: tuple[Callable[[Evidence], Evidence], ...] = (
    lost_input,
    doubled_fact,
    changed_quantity,
    gap_in_the_journal,
    uncommitted_read,
    changed_read,
    stale_availability,
    stale_position,
    missing_row,
    doubled_row,
    wrong_stock,
    second_answer,
    swallowed_exception,
    other_digest,
    other_snapshot,
    mark_short,
)


def detections(evidence: Evidence) -> dict[str, list[str]]:
    """Tampering → the checks that saw it, beyond those that failed without it; empty is bad."""
    before = {check for check in CHECKS if check(evidence)}
    return {
        (tamper.__doc__ or tamper.__name__): [
            check.__name__ for check in CHECKS if check not in before and check(tamper(evidence))
        ]
        for tamper in TAMPERINGS
    }
