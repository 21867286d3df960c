"""Records as rows, and batches of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support import read_side as given

import stockfold_services.projector
from stockfold.contracts.codec import decode
from stockfold.contracts.topics import JOURNAL, POSITIONS
from stockfold.domain.errors import ContractError
from stockfold.ledger.entities import Change, Fence, Inbound, InboundLine
from stockfold.runtime.postgres import schema_name
from stockfold_services.projector.batch import Batch, Consumed
from stockfold_services.projector.migrate import migrations
from stockfold_services.projector.reading import read
from stockfold_services.projector.rows import moment, places_of, text
from stockfold_services.projector.tables import TABLES


def consumed(output: given.Out, offset: int, partition: int = 0) -> Consumed:
    topic, key, value = output
    return Consumed(topic.name, partition, offset, key, value, 0)


def batch_of(*outputs: given.Out) -> Batch:
    batch = Batch({(topic.name, 0): 0 for topic, _, _ in outputs})
    for offset, output in enumerate(outputs):
        batch.add(consumed(output, offset))
    return batch


def rows_of(batch: Batch) -> dict[str, list[tuple[object, ...]]]:
    return {table.name: rows for table, rows in batch.tables()}


def test_only_the_last_position_of_a_place_is_written() -> None:
    rows = rows_of(
        batch_of(
            given.position("s", "L1", 1, on_hand=1),
            given.position("s", "L2", 1, on_hand=9),
            given.position("s", "L1", 2, on_hand=2),
        )
    )["positions"]
    assert [row[:4] for row in rows] == [("s", "L1", 2, 2), ("s", "L2", 1, 9)]


def test_an_outcome_of_an_older_version_is_history_but_not_the_latest() -> None:
    rows = rows_of(batch_of(given.delivery("web", "s", 2), given.delivery("web", "s", 1)))
    assert len(rows["delivery_history"]) == 2
    assert [row[2] for row in rows["deliveries"]] == [2]


def test_marks_of_the_journal_move_the_offset_and_write_no_row() -> None:
    batch = batch_of(given.mark(), given.mark())
    assert batch.tables() == []
    assert batch.next_offsets == {(JOURNAL.name, 0): 2}


@pytest.mark.parametrize(
    "output",
    [
        given.fact("s", 1, [("on_hand", "L1", -1)], body={"note": {"reason": "é"}}),
        given.position("s", "L1", 1),
        given.summary("s", 1, {"web": 3}),
        given.availability("web", "s", 1, 5),
        given.delivery("web", "s", 2),
        given.listing_state("web", "s", 2),
        given.order_status("web", "1", 1, "reserving"),
        given.item("s", "Oat milk", "part"),
        given.exception("unknown_sku", "s", 0),
    ],
)
def test_records_are_read_as_the_codec_reads_them(output: given.Out) -> None:
    assert read(output[2]) == decode(output[2])[1]


def test_what_is_cut_off_or_longer_than_its_schema_says_is_refused() -> None:
    value = given.position("s", "L1", 1)[2]
    for broken in (value[:-1], value + b"x", value[:3]):
        with pytest.raises(ContractError):
            read(broken)


def test_a_batch_knows_from_where_and_to_where_it_was_read() -> None:
    batch = Batch({(POSITIONS.name, 0): 40, (POSITIONS.name, 1): 7})
    batch.add(consumed(given.position("s", "L1", 1), 42))
    batch.add(consumed(given.position("s", "L1", 2), 43))
    assert batch.expected == {(POSITIONS.name, 0): 40}
    assert batch.next_offsets == {(POSITIONS.name, 0): 44}


def test_a_fact_whose_entities_cannot_be_read_is_in_no_table_by_half() -> None:
    rows = rows_of(batch_of(given.fact("s", 1, body={"line": {"order": 5}})))
    assert set(rows) == {"unreadable"}


def test_an_output_record_on_the_wrong_topic_is_unreadable() -> None:
    rows = rows_of(batch_of((JOURNAL, b"s", given.position("s", "L1", 1)[2])))
    assert "positions" in rows
    reserve = b"\x00\x00\x00\x00\x01"
    assert "unreadable" in rows_of(batch_of((POSITIONS, b"s", reserve)))


def test_an_order_is_where_it_stands_last_and_its_history_is_all_it_went_through() -> None:
    rows = rows_of(
        batch_of(
            given.order_status("web", "1", 1, "reserving"),
            given.order_status("web", "1", 2, "confirmed"),
        )
    )
    assert [row[:5] for row in rows["orders"]] == [("web", "1", 2, 2, "confirmed")]
    assert [row[4:6] for row in rows["order_history"]] == [(1, "reserving"), (2, "confirmed")]


def test_a_parcel_is_taken_as_avro_and_as_json_and_refused_with_a_script_for_a_link() -> None:
    topic, key, _ = told = given.parcel("web", "1", "S-1", url="https://t.example/1")
    json = (
        b'{"channel": "web", "order": "1", "shipment": "S-2", "shipped_at": '
        b'"2026-11-01T12:00:00Z", "carrier": "DHL"}'
    )
    script = given.parcel("web", "1", "S-3", url="javascript:alert(1)")
    rows = rows_of(batch_of(told, (topic, key, json), script))
    assert [row[2] for row in rows["parcels"]] == ["S-1", "S-2"]
    assert len(rows["unreadable"]) == 1


def test_names_that_are_withdrawn_stay_as_inactive() -> None:
    item, code = given.item("s", "Oat milk"), given.alias("ean", "400|1", "s")
    gone = [(topic, key, None) for topic, key, _ in (item, code)]
    assert [row[:2] for row in rows_of(batch_of(item))["items"]] == [("s", "Oat milk")]
    rows = rows_of(batch_of(item, code, *gone))
    assert [(row[0], row[4]) for row in rows["items"]] == [("s", False)]
    assert [row[:4] for row in rows["aliases"]] == [("ean", "400|1", "", False)]


def test_places_are_those_that_the_ledger_writes_positions_for() -> None:
    deltas = [
        {"account": "on_hand", "location": "L2"},
        {"account": "reserved", "location": "L1"},
        {"account": "supplier", "location": ""},
    ]
    assert places_of(deltas, None) == ["L1", "L2"]
    assert places_of([{"account": "backordered", "location": ""}], None) == [""]
    assert places_of([], Change(fence=Fence("web", 1, 0, 1))) == [""]
    inbound = Inbound("po", (InboundLine("1", "L3"), InboundLine("2")))
    assert places_of([], Change(inbound=inbound)) == ["L3"]


def test_the_ledgers_own_timer_has_no_moment() -> None:
    assert moment(0) is None
    assert str(moment(1)) == "1970-01-01 00:00:00.000001+00:00"


def test_text_that_postgresql_cannot_hold_is_made_visible() -> None:
    assert text("a\x00b") == "a\u2400b"
    assert text("ab") == "ab"


@pytest.mark.parametrize(
    ("prefix", "schema"),
    [
        ("", "stockfold"),
        ("staging.", "stockfold_staging"),
        ("team_a.", "stockfold_team_a"),
    ],
)
def test_a_plain_prefix_names_its_schema(prefix: str, schema: str) -> None:
    assert schema_name(prefix) == schema


def test_prefixes_that_differ_never_share_a_schema() -> None:
    prefixes = ["a.", "a", "A.", "a-", "a..", "a_.", "-", "x" * 63 + ".", "x" * 64]
    names = {schema_name(prefix) for prefix in prefixes}
    assert len(names) == len(prefixes)
    assert all(len(name) <= 63 for name in names)


def test_migrations_are_numbered_without_gaps() -> None:
    assert [m.number for m in migrations()] == list(range(1, len(migrations()) + 1))


def test_the_readme_states_every_tables_key_and_retention() -> None:
    folder = Path(next(iter(stockfold_services.projector.__path__)))
    lines = (folder / "README.md").read_text("utf-8").splitlines()
    cells = {
        row[1].strip("` "): [cell.strip() for cell in row[2:-1]]
        for row in (line.split("|") for line in lines if line.startswith("| `"))
    }
    for table in TABLES:
        kept = f"{table.retention.days} days" if table.retention else "for ever"
        assert cells[table.name][0] == f"`{', '.join(table.key)}`"
        assert cells[table.name][3] == kept
