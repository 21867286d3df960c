"""Comparing a file of an ERP with the journal, one partition after the other."""

from __future__ import annotations

from pathlib import Path

import msgspec

from stockfold.contracts.journal import Mark, decode_entry
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import JOURNAL
from stockfold.explain.entry import Entry
from stockfold.reconcile.book import Cut, SkuBook
from stockfold.reconcile.compare import Known, compare, of_unread, unknown_locations
from stockfold.reconcile.findings import Finding
from stockfold.reconcile.statement import Statement
from stockfold.reconcile.totals import Total, Totals
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold_services.cli.loading.source import count_lines, open_rows
from stockfold_services.cli.progress import Bars
from stockfold_services.cli.questions.journal import journal_errors, sku_partitions
from stockfold_services.cli.reconciling.erp_rows import ErpRows, Names
from stockfold_services.cli.reconciling.known import (
    Reference,
    Units,
    WaitingFor,
    expected_lines,
    refused_movements,
)

ROWS_AT_ONCE = 1_000


class ErpJob(msgspec.Struct, frozen=True):
    """What is compared with what."""

    file: Path
    source: str
    names: Names
    cut: Cut
    complete: bool
    encoding: str
    delimiter: str | None


class Compared(msgspec.Struct):
    """What was found. ``findings`` are those that differ, the largest difference first."""

    findings: list[Finding]
    agreeing: list[Finding]
    totals: list[Total]
    kinds: dict[str, int]
    rows: int
    facts: int
    ignored: list[str]
    reference: Reference

    @property
    def differs(self) -> bool:
        """Whether anything does."""
        return bool(self.findings)


def compare_file(settings: Settings, job: ErpJob, *, keep_agreeing: bool) -> Compared:
    """Read the file and the whole journal. ContractError, SettingsError, UnavailableError."""
    with journal_errors(settings), Bars() as bars:
        reader = PartitionReader(settings)
        partitions = range(sku_partitions(settings))
        names = Reference(reader, job.source)
        units = Units(reader, partitions, names)
        statement, ignored = _read(job, names, units, bars)
        refused = refused_movements(settings, names)
        comparing = _Comparing(statement, job.cut, units, refused, keep_agreeing=keep_agreeing)
        for partition in partitions:
            comparing.partition(reader, partition, len(partitions), bars)
    return comparing.ended(names, ignored)


def _read(job: ErpJob, names: Reference, units: Units, bars: Bars) -> tuple[Statement, list[str]]:
    statement = Statement(complete=job.complete)
    with open_rows(job.file, job.encoding, job.delimiter) as rows:
        reading = ErpRows(
            rows.header,
            job.names,
            sku_of=names.sku,
            location_of=names.location,
            convert=units.convert,
        )
        bars.stage(job.file.name, max(count_lines(job.file) - 1, 0))
        for number, found in enumerate(reading.read(rows), 1):
            for one in found:
                statement.add(one)
            if number % ROWS_AT_ONCE == 0:
                bars.done(ROWS_AT_ONCE)
    return statement, reading.ignored


class _Comparing:
    """Takes partition after partition; only what differs is kept, unless all is wanted."""

    def __init__(
        self,
        statement: Statement,
        cut: Cut,
        units: Units,
        refused: WaitingFor,
        *,
        keep_agreeing: bool,
    ) -> None:
        self._statement = statement
        self._cut = cut
        self._ratios = units.ratios()
        self._refused = refused
        self._keep_agreeing = keep_agreeing
        self._found: list[Finding] = []
        self._agreeing: list[Finding] = []
        self._locations: set[str] = set()
        self._totals = Totals()
        self._facts = 0

    def partition(self, reader: PartitionReader, partition: int, count: int, bars: Bars) -> None:
        """Compare the SKUs of one partition."""
        books = self._fold(reader, partition, bars)
        waiting = expected_lines(reader, partition)
        for key, refused in self._refused.items():
            waiting[key] = [*refused, *waiting.get(key, ())]
        known = Known(self._ratios, waiting=waiting)
        told = [s for s in self._statement if partition_of(s.encode(), count) == partition]
        for sku in sorted({*books, *told}):
            found = compare(sku, books.get(sku), self._statement, self._cut, known)
            self._found += [one for one in found if one.kind != "agrees"]
            agreeing = [one for one in found if one.kind == "agrees"]
            self._totals.add(agreeing)
            if self._keep_agreeing:
                self._agreeing += agreeing
        self._locations |= {place[0] for book in books.values() for place in book.places}

    def _fold(self, reader: PartitionReader, partition: int, bars: Bars) -> dict[str, SkuBook]:
        books: dict[str, SkuBook] = {}
        end = reader.stable_end(JOURNAL, partition)
        bars.stage(f"journal partition {partition}", end)
        for batch in reader.read(JOURNAL, partition, end=end):
            for record in batch:
                fact = decode_entry(record.value())
                if isinstance(fact, Mark):
                    continue
                sku = fact.cause.sku
                book = books.get(sku)
                if book is None:
                    book = books[sku] = SkuBook(self._cut)
                book.add(Entry(fact, partition, record.offset()))
                self._facts += 1
            bars.done(len(batch))
        return books

    def ended(self, names: Reference, ignored: list[str]) -> Compared:
        """Everything that was found."""
        known = frozenset(self._locations | names.locations)
        found = unknown_locations(self._found, known) + of_unread(self._statement.unread)
        self._totals.add(found)
        found.sort(key=_weight)
        return Compared(
            found,
            self._agreeing,
            self._totals.close(self._statement),
            {str(kind): count for kind, count in sorted(self._totals.kinds.items())},
            self._statement.rows,
            self._facts,
            ignored,
            names,
        )


def _weight(one: Finding) -> tuple[int, str, str, str, int]:
    size = abs(one.difference) if one.difference is not None else abs(one.ours)
    return (-size, one.sku, one.location, one.account, one.row)
