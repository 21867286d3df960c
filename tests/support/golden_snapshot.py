"""Writes the golden snapshot of the format version in force: ``python -m`` this module.

Once a release has written a version, its golden file stays as it is for ever.
"""

from __future__ import annotations

from pathlib import Path

import fsspec

from stockfold.contracts.snapshots import VERSION
from stockfold.runtime.snapshots import SnapshotStore

from .histories import Options, seeded
from .ledger_process import LedgerProcess
from .told_ledger import IDS_MAX, folded, journal, tell

FOLDER = Path(__file__).parents[1] / "data" / "snapshots"


def write() -> Path:
    """Tell a history in which everything that a SKU can hold occurs."""
    ledger = LedgerProcess(dedupe_events_max=IDS_MAX)
    tell(ledger, seeded(25, size=200, options=Options(skus=("SKU-1", "SKU-2", "SKU-3"))))
    memory = folded(journal(ledger))
    store = SnapshotStore("memory://golden")
    store.save(memory, journal(ledger)[-1].offset() + 1)
    snapshot = store.newest(0)
    assert snapshot is not None
    path = FOLDER / f"version-{VERSION}.snapshot"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(fsspec.filesystem("memory").cat_file(snapshot.path))
    print(path, path.stat().st_size, "bytes, digest", snapshot.digest)  # noqa: T201
    return path


if __name__ == "__main__":
    write()
