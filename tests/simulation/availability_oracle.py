"""The judge of availability: what was told last, and that nothing uncommitted ever was.

Every answer told must follow from some state of the committed positions under some policy, versions
rise by one, and the last answer is the one computed from scratch.
"""

from __future__ import annotations

from typing import Any

from stockfold.availability.policy import Policy
from stockfold.availability.positions import LocationNumbers, SkuPositions
from stockfold.availability.rules import compute
from stockfold.contracts.codec import decode
from stockfold.contracts.policies import read_policy
from stockfold.contracts.topics import AVAILABILITY, EXCEPTIONS, POLICIES, POSITIONS
from stockfold_services.availability.compiler import REFUSED
from stockfold_services.availability.records import read_position

from .history import History

Answer = tuple[Any, ...]


def judge_availability(history: History, number: int) -> None:
    """AssertionError that says what differs."""
    policies: dict[str, list[Policy]] = {}
    for entry in history.log.partition((POLICIES.name, 0)).committed():
        policy = read_policy(entry.value())
        policies.setdefault(policy.channel, []).append(policy)
    shelves, possible = _all_answers(history, number, policies)
    told = _told(history, number)
    refused = _refused(history, number)
    for key, rows in told.items():
        versions = [row["version"] for row in rows]
        assert versions == list(range(1, len(rows) + 1)), f"versions of {key}: {versions}"
        for row in rows:
            answer = _answer_of(row)
            assert answer in possible[key], f"{key} was told {answer}, of no committed position"
    for channel, revisions in policies.items():
        for sku, shelf in shelves.items():
            # What a revision would fence above the pool it is refused: the one before stays there.
            rules = revisions if (channel, sku) in refused else revisions[-1:]
            expected = [compute(policy, shelf).visible for policy in rules]
            last = told.get((channel, sku))
            assert last is not None, f"{channel} was never told of {sku}"
            found = _answer_of(last[-1])
            assert found in expected, f"{channel} {sku}: told {found}, from scratch {expected}"


def _all_answers(
    history: History, number: int, policies: dict[str, list[Policy]]
) -> tuple[dict[str, SkuPositions], dict[tuple[str, str], set[Answer]]]:
    """The positions in the end, and every answer that was right at some time."""
    shelves: dict[str, SkuPositions] = {}
    possible: dict[tuple[str, str], set[Answer]] = {}
    for entry in history.log.partition((POSITIONS.name, number)).committed():
        read = read_position(entry.value())
        shelf = shelves.setdefault(read.sku, SkuPositions(read.sku))
        if isinstance(read.numbers, LocationNumbers):
            shelf.put(read.location, read.numbers, read.seq)
        else:
            shelf.put_summary(read.numbers, read.seq)
        for channel, revisions in policies.items():
            answers = possible.setdefault((channel, read.sku), set())
            answers.update(compute(policy, shelf).visible for policy in revisions)
    return shelves, possible


def _told(history: History, number: int) -> dict[tuple[str, str], list[dict[str, Any]]]:
    told: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for entry in history.log.partition((AVAILABILITY.name, number)).committed():
        row = decode(entry.value())[1]
        told.setdefault((row["channel"], row["sku"]), []).append(row)
    return told


def _refused(history: History, number: int) -> set[tuple[str, str]]:
    """(channel, SKU) of every revision that was refused of a SKU."""
    rows = [
        decode(entry.value())[1]
        for entry in history.log.partition((EXCEPTIONS.name, number)).committed()
    ]
    return {(row["key"].decode(), row["sku"]) for row in rows if row["kind"] == REFUSED}


def _answer_of(row: dict[str, Any]) -> Answer:
    shares = tuple((share["location"], share["quantity"]) for share in row["locations"])
    return (row["quantity"], row["status"], row["next_available"], row["lead_time_days"], shares)
