"""What older releases wrote is read the same for ever: journals, snapshots, every schema's bytes.

A test that fails here says that a change would fold history to other numbers. If that is wanted,
raise the version and run ``python -m infra.generate.golden``: a new folder is added, the old stay.
"""

from __future__ import annotations

import json
import shutil
from importlib.metadata import version
from pathlib import Path

import pytest
from infra.generate.golden import FOLDER, KINDS, fold, kinds, rows_text, unframed
from infra.generate.golden_inputs import plain

from stockfold.contracts.codec import decode
from stockfold.contracts.topics import JOURNAL
from stockfold.ledger.digest import digest
from stockfold.runtime.journal_columns import JournalColumns
from stockfold.runtime.journal_fold import JournalFold
from stockfold.runtime.records import LoopRecord
from stockfold.runtime.snapshots import SnapshotStore

RELEASES = sorted(path for path in FOLDER.iterdir() if path.is_dir())
golden = pytest.mark.parametrize("folder", RELEASES, ids=lambda path: path.name)


def test_this_release_has_a_golden_journal_in_which_every_kind_of_fact_happens() -> None:
    assert set(kinds(unframed((FOLDER / version("stockfold") / "journal").read_bytes()))) == KINDS


@golden
def test_a_golden_journal_replays_to_the_same_rows_and_digest(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text("utf-8"))
    memory = fold(unframed((folder / "journal").read_bytes()))
    assert rows_text(memory) == (folder / "rows.jsonl").read_text("utf-8")
    assert digest(memory.skus.values()) == expected["digest"]
    assert memory.facts == expected["facts"]
    assert memory.next_offsets == expected["next_offsets"]


@golden
def test_both_paths_of_a_rebuild_make_the_same_positions_of_a_golden_journal(folder: Path) -> None:
    values = unframed((folder / "journal").read_bytes())
    scalar, columns = JournalFold(0), JournalColumns(0)
    records = [
        LoopRecord(JOURNAL.name, 0, offset, 0, None, value) for offset, value in enumerate(values)
    ]
    scalar.add(records)
    columns.add(records)
    made, expected = (sorted(fold.records(), key=repr) for fold in (columns, scalar))
    assert expected
    assert made == expected


@golden
def test_a_golden_snapshot_and_the_journal_behind_it_make_the_same(
    folder: Path, tmp_path: Path
) -> None:
    expected = json.loads((folder / "expected.json").read_text("utf-8"))
    offset = expected["snapshot_offset"]
    (tmp_path / "0").mkdir()
    shutil.copy(folder / "snapshot", tmp_path / f"0/{offset:020d}.snapshot")
    snapshot = SnapshotStore(str(tmp_path)).newest(0)
    assert snapshot is not None
    memory = snapshot.restore(verify=True)
    values = unframed((folder / "journal").read_bytes())
    assert digest(fold(values, memory, offset).skus.values()) == expected["digest"]


@golden
def test_what_was_written_under_any_released_schema_still_decodes_to_the_same(folder: Path) -> None:
    lines = (folder / "released.jsonl").read_text("utf-8").splitlines()
    assert lines
    for line in lines:
        example = json.loads(line)
        schema, record = decode(bytes.fromhex(example["value"]))
        assert schema.name == example["name"]
        assert plain(record).items() >= example["record"].items(), example["id"]
