"""Reference data as files that can be imported again."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

import msgspec

from stockfold.contracts.reference import fields_of
from stockfold.domain.errors import SettingsError
from stockfold.domain.reference import Record
from stockfold_services.cli.catalogue.fields import FIELDS
from stockfold_services.cli.catalogue.records import KINDS, kind_name
from stockfold_services.cli.catalogue.store import Store


def export(store: Store, path: Path, kind: str | None) -> int:
    """Write what the store holds to a CSV (one kind) or NDJSON file; how many records."""
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".ndjson", ".jsonl") or (suffix == ".csv" and kind is None):
        raise SettingsError(
            "an export is NDJSON, or CSV of one kind of record",
            where=str(path),
            remedy="Name the file .ndjson, or name it .csv and say --record item, location, "
            "authority or alias.",
        )
    kinds = KINDS if kind is None else (kind,)
    with path.open("w", encoding="utf-8", newline="") as file:
        write = _write_csv if suffix == ".csv" else _write_ndjson
        return sum(write(file, wanted, store.current(wanted)) for wanted in kinds)


def _write_ndjson(file: TextIO, kind: str, records: Iterable[Record]) -> int:
    count = 0
    for record in records:
        count += 1
        file.write(msgspec.json.encode({"record": kind, **fields_of(record)}).decode() + "\n")
    return count


def _write_csv(file: TextIO, kind: str, records: Iterable[Record]) -> int:
    columns = list(FIELDS[kind])
    writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    count = 0
    for record in records:
        count += 1
        writer.writerow(_cells(record))
    return count


def _cells(record: Record) -> dict[str, object]:
    cells: dict[str, object] = fields_of(record)
    if kind_name(record) == "item":
        bill: Any = cells["bill_of_materials"]
        units: Any = cells["units"]
        cells["units"] = "; ".join(
            f"{u['unit']}={u['numerator']}/{u['denominator']}" for u in units
        )
        if bill is not None:
            cells["bill_version"] = bill["version"]
            cells["bill_of_materials"] = "; ".join(
                f"{c['sku']}*{c['quantity']}" for c in bill["components"]
            )
    return {
        column: "; ".join(value) if isinstance(value, list) else value
        for column, value in cells.items()
    }
