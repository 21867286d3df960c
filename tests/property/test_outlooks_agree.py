"""The read model's outlook of a SKU is the fold's, and so is every dated answer."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given, settings
from tests.support.histories import START_US, Input, histories, seeded
from tests.support.journals import journal_of

from stockfold.availability.promises import Ask
from stockfold.availability.promising import promise
from stockfold.contracts.codec import decode
from stockfold.contracts.journal import Mark, decode_entry
from stockfold.contracts.topics import JOURNAL, POSITIONS
from stockfold.domain.days import days_in
from stockfold.ledger.dated import series
from stockfold.ledger.evolve import evolve
from stockfold.ledger.outlook import Outlook, outlook_of
from stockfold.ledger.state import SkuState
from stockfold_services.api.outlooks import outlook_from
from stockfold_services.projector.batch import Batch, Consumed
from stockfold_services.projector.rows import change_of

UTC_DAY = days_in("UTC")
TODAY = UTC_DAY(START_US)


def folded(log: dict) -> dict[str, SkuState]:
    states: dict[str, SkuState] = {}
    for message in log.get(JOURNAL.name, ()):
        entry = decode_entry(message.value())
        if not isinstance(entry, Mark):
            sku = message.key().decode()
            evolve(states.setdefault(sku, SkuState(sku)), entry)
    return states


def projected(log: dict) -> dict[str, dict[str, list[dict]]]:
    """Rows of each SKU by table; those of demand lines are the facts that they are as of."""
    batch = Batch({(JOURNAL.name, 0): 0, (POSITIONS.name, 0): 0})
    facts = {}
    for topic in (JOURNAL, POSITIONS):
        for offset, message in enumerate(log.get(topic.name, ())):
            batch.add(Consumed(topic.name, 0, offset, message.key(), message.value(), 0))
            if topic is JOURNAL and message.key() is not None:
                record = decode(message.value())[1]
                facts[record["sku"], record["seq"]] = change_of(record)
    found: dict[str, dict[str, list]] = {}
    for table, rows in batch.tables():
        for values in rows:
            row = dict(zip(table.columns, values, strict=True))
            if "sku" in row:
                if table.name == "demand_lines":
                    row["line_told"] = facts[row["sku"], row["seq"]].line
                found.setdefault(row["sku"], {}).setdefault(table.name, []).append(row)
    return found


def read(tables: dict[str, list[dict]]) -> Outlook:
    """What the api reads from the tables, as its queries shape it."""
    positions = [
        row
        | {
            "held": row["reserved"] + row["allocated"],
            "claims": orjson.loads(row["claims"]),
            "expected": orjson.loads(row["expected"]),
        }
        for row in tables.get("positions", ())
    ]
    transfers = [
        row | place
        for row in tables.get("transfers", ())
        for place in orjson.loads(row["in_transit"])
        if place["quantity"] > 0
    ]
    lines = [row["line_told"] for row in tables.get("demand_lines", ())]
    fences = [f for row in tables.get("sku_summaries", ()) for f in orjson.loads(row["fences"])]
    seq = max(row["seq"] for row in tables["journal"])
    return outlook_from(seq, positions, lines, transfers, fences)


def agree(history: list[Input]) -> None:
    log = journal_of(history).process.log.records
    tables = projected(log)
    for sku, state in folded(log).items():
        by_fold, by_table = outlook_of(state), read(tables[sku])
        assert by_table == by_fold
        for location in (None, *by_fold.locations):
            one = series(by_fold, UTC_DAY, TODAY, 30, location)
            assert one == series(by_table, UTC_DAY, TODAY, 30, location)
        ask = Ask(quantity=5, today=TODAY, days=30, channel="web")
        assert promise(by_fold, ask, UTC_DAY) == promise(by_table, ask, UTC_DAY)


@pytest.mark.parametrize("seed", range(20))
def test_the_tables_answer_dated_questions_as_the_fold_does(seed: int) -> None:
    agree(seeded(seed, size=150))


@settings(max_examples=40, deadline=None)
@given(histories(size=40))
def test_the_tables_answer_as_the_fold_does_in_any_history(history: list[Input]) -> None:
    agree(history)
