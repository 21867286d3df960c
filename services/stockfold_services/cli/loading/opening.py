"""What there is at one moment: balances, an ERP's snapshot, inbound, goods in transit, allocations.

A balance is a count as of that moment and not an adjustment: it is absolute, so that movements
which reach the ledger before or after the load, and occurred before or after that moment, are all
counted once; and the same file loaded again, at any time, changes nothing. Dispatches and
allocations occurred at that moment: the count has the units that had left by then, so a dispatch
takes nothing from it, in whatever order the two are loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote

import msgspec
import xxhash

from stockfold.contracts.envelope import Envelope
from stockfold.contracts.intake import Intake, Taken
from stockfold.contracts.json_text import JsonObject
from stockfold.contracts.tables import Table
from stockfold.domain.times import format_us


class Kind(msgspec.Struct, frozen=True):
    """What one kind of file is: an event type, and the fields that tell its rows apart."""

    event_type: str
    identity: tuple[str, ...]
    renamed: tuple[str, str] | None = None
    """A column of this name is that field, if no other is."""
    constants: tuple[tuple[str, int], ...] = ()
    """Fields that a file need not have."""


KINDS = {
    "balances": Kind(
        "stockfold.StockCounted", ("sku", "location", "bucket"), ("quantity", "counted")
    ),
    "snapshots": Kind("stockfold.StockSnapshotReported", ("sku", "location", "bucket")),
    "inbound": Kind(
        "stockfold.InboundExpected", ("sku", "inbound", "line"), constants=(("revision", 1),)
    ),
    "in-transit": Kind("stockfold.TransferDispatched", ("sku", "transfer", "from", "to")),
    "allocations": Kind("stockfold.StockAllocated", ("sku", "allocation")),
}
FIGURES = ("balances", "snapshots")
"""Kinds that are absolute figures, true at the moment."""
_DEFAULTS = {"bucket": "on_hand"}


class BadRow(msgspec.Struct, frozen=True):
    """Why a row was not taken; the first row behind the header is 1."""

    row: int
    field: str
    reason: str
    remedy: str


Item = Taken | tuple[Taken, ...] | list[BadRow]
"""A row as its record, or records; or what is wrong with it."""


class Opening:
    """Reads the rows of one file. ``told_us`` is when they are told, UTC microseconds."""

    def __init__(
        self,
        kind: str,
        header: Sequence[str],
        mapping: Mapping[str, str],
        *,
        source: str,
        as_of_us: int,
        told_us: int,
        constants: Mapping[str, str] | None = None,
        order_prefix: str = "",
        file: str = "",
        resolve: Callable[[str, str], str] | None = None,
    ) -> None:
        chosen = KINDS[kind]
        mapping = dict(mapping)
        names = {name.strip().lower(): name.strip() for name in header}
        given = {*names, *mapping.values()}
        if chosen.renamed:
            column, field = chosen.renamed
            if column in names and field not in given:
                mapping.setdefault(names[column], field)
        self._as_of = format_us(as_of_us)
        fixed: dict[str, object] = {
            field: value for field, value in chosen.constants if field not in given
        }
        fixed.update({f: v for f, v in (constants or {}).items() if f not in given})
        figures = kind in FIGURES
        if figures:
            fixed["as_of"] = self._as_of
        self._name = kind
        self._identity = chosen.identity
        self._table = Table(chosen.event_type, header, mapping, fixed)
        # A count is told now, and says itself when it was true; the rest occurred at that moment.
        occurred_us = told_us if figures else as_of_us
        self._envelope = Envelope("-", source, chosen.event_type, occurred_us)
        self.intake = Intake()
        self._order_prefix = order_prefix
        self._file = file
        self._resolve = resolve
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
        tree = JsonObject([self._named(*pair) for pair in tree.pairs])
        fields = dict(tree.pairs)
        event_id = self._id(fields)
        known = xxhash.xxh3_64_intdigest(event_id.encode())
        if known in self._seen:
            what = f"an earlier row is of the same {', '.join(self._identity)}"
            return [BadRow(number, "sku", what, "Add them up to one row.")]
        envelope = msgspec.structs.replace(self._envelope, id=event_id)
        taken = self.intake.body(envelope, tree)
        if isinstance(taken, Taken):
            self._seen.add(known)
            return taken.sent_in(self._file, number)
        return [
            BadRow(number, problem.path.removeprefix("$."), problem.what, problem.remedy)
            for problem in taken
        ]

    def _named(self, field: str, value: object) -> tuple[str, object]:
        """Our SKU for what the source calls it; and the order as the ledger knows a channel's,
        whose reservation its allocation meets.
        """
        if field == "sku" and self._resolve is not None and isinstance(value, str):
            return field, self._resolve(self._envelope.source, value)
        if field == "order":
            return field, f"{self._order_prefix}{value}"
        return field, value

    def _id(self, fields: Mapping[str, object]) -> str:
        """The same for the same thing and moment, whatever file or day it comes from."""
        named = (fields.get(name, _DEFAULTS.get(name, "")) for name in self._identity)
        told = "/".join(quote(str(part), safe=":") for part in (self._as_of, *named))
        if len(told) > 400:
            told = xxhash.xxh3_128_hexdigest(told.encode())
        return f"{self._name}/{told}"
