"""Opening balances: what lies where at one moment, each a count as of that moment.

A count and not an adjustment: it is absolute, so that movements which reach the ledger before or
after the load, and occurred before or after that moment, are all counted once; and the same file
loaded again, at any time, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote

import msgspec
import xxhash

from stockfold.contracts.envelope import Envelope
from stockfold.contracts.intake import Intake, Taken
from stockfold.contracts.tables import Table
from stockfold.domain.times import format_us

EVENT_TYPE = "stockfold.StockCounted"
QUANTITY = "quantity"
_COUNTED = "counted"
_WHERE = ("sku", "location", "bucket")


class BadRow(msgspec.Struct, frozen=True):
    """Why a row was not taken; the first row behind the header is 1."""

    row: int
    field: str
    reason: str
    remedy: str


class Balances:
    """Reads the rows of one file. ``told_us`` is when they are told, UTC microseconds."""

    def __init__(
        self,
        header: Sequence[str],
        mapping: Mapping[str, str],
        *,
        source: str,
        as_of_us: int,
        told_us: int,
    ) -> None:
        mapping = dict(mapping)
        names = {name.strip().lower(): name.strip() for name in header}
        if QUANTITY in names and _COUNTED not in {*names, *mapping.values()}:
            mapping.setdefault(names[QUANTITY], _COUNTED)
        self._as_of = format_us(as_of_us)
        self._table = Table(EVENT_TYPE, header, mapping, {"as_of": self._as_of})
        self._source = source
        self._told_us = told_us
        self._intake = Intake()
        self._seen: set[int] = set()

    @property
    def ignored(self) -> list[str]:
        """Columns that become nothing."""
        return self._table.ignored

    def read(self, rows: Iterable[Sequence[str]]) -> Iterator[Taken | list[BadRow]]:
        """What each row becomes, in order."""
        for number, row in enumerate(rows, 1):
            yield self._read(number, row)

    def _read(self, number: int, row: Sequence[str]) -> Taken | list[BadRow]:
        tree = self._table.tree(row)
        if tree is None:
            what = f"it has {len(row)} cells, the header {self._table.width}"
            return [BadRow(number, "", what, "Write a cell for every column.")]
        fields = dict(tree.pairs)
        event_id = self._id(fields)
        known = xxhash.xxh3_64_intdigest(event_id.encode())
        if known in self._seen:
            what = "an earlier row is of the same SKU, location and bucket"
            return [BadRow(number, "sku", what, "Add them up to one row.")]
        envelope = Envelope(event_id, self._source, EVENT_TYPE, self._told_us)
        taken = self._intake.body(envelope, tree)
        if isinstance(taken, Taken):
            self._seen.add(known)
            return taken
        return [
            BadRow(number, problem.path.removeprefix("$."), problem.what, problem.remedy)
            for problem in taken
        ]

    def _id(self, fields: Mapping[str, object]) -> str:
        """The same for the same place and moment, whatever file or day it comes from."""
        bucket = fields.get("bucket", "on_hand")
        parts = (self._as_of, *(fields.get(name, "") for name in _WHERE[:2]), bucket)
        told = "/".join(quote(str(part), safe=":") for part in parts)
        if len(told) > 400:
            told = xxhash.xxh3_128_hexdigest(told.encode())
        return f"balances/{told}"
