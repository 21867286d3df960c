"""Lines of a file as events: rows of CSV under a header, or CloudEvents in JSON (NDJSON)."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence

import msgspec

from stockfold.client.ids import derive_id
from stockfold.contracts import json_text
from stockfold.contracts.envelope import Envelope
from stockfold.contracts.intake import Intake, Taken
from stockfold.contracts.json_text import JsonObject, JsonRefusedError, Problem
from stockfold.contracts.judging import Verdict
from stockfold.contracts.tables import Table
from stockfold.runtime.idempotency import id_of

Found = Taken | Sequence[Problem]
_NO_ID = Problem(
    "missing_header",
    "$.id",
    "has no id, and none follows from a document and line",
    "Send an Idempotency-Key, or columns for document and document_line.",
)


class CsvRows:
    """Rows of one event type. ``time_us`` is when they occurred; ``key`` the Idempotency-Key."""

    def __init__(
        self,
        header: str,
        mapping: Mapping[str, str],
        constants: Mapping[str, str],
        *,
        event_type: str,
        source: str,
        time_us: int,
        key: str,
        intake: Intake,
    ) -> None:
        self._delimiter = max((",", ";", "\t"), key=header.count)
        self._table = Table(event_type, self._cells(header), mapping, constants)
        self._envelope = Envelope("-", source, event_type, time_us)
        self._key = key
        self._intake = intake

    @property
    def ignored(self) -> list[str]:
        """Columns that become nothing."""
        return self._table.ignored

    def read(self, number: int, line: str) -> Found:
        """The event of a line, the first behind the header being 1."""
        try:
            tree = self._table.tree(self._cells(line))
        except csv.Error as error:
            return [Problem("undecodable", "$", f"is no CSV: {error}", "Quote it otherwise.")]
        if tree is None:
            what = f"has not {self._table.width} cells, as the header has"
            return [Problem("undecodable", "$", what, "Write a cell for every column.")]
        found = self._judged(number, tree)
        return found.sent_in(_file(self._key), number) if isinstance(found, Taken) else found

    def _judged(self, number: int, tree: JsonObject) -> Found:
        envelope = self._envelope
        if self._key:
            envelope = msgspec.structs.replace(envelope, id=id_of(self._key, number))
            return self._intake.body(envelope, tree)
        taken = self._intake.body(envelope, tree)
        if not isinstance(taken, Taken):
            return taken
        derived = derive_id(envelope.type, taken.body, None)
        if derived is None:
            return [_NO_ID]
        return self._intake.body(msgspec.structs.replace(envelope, id=derived), tree)

    def _cells(self, line: str) -> list[str]:
        return next(csv.reader([line], delimiter=self._delimiter, strict=True), [])


class JsonLines:
    """A structured CloudEvent a line."""

    def __init__(self, key: str, intake: Intake) -> None:
        self._key = key
        self._intake = intake

    def read(self, number: int, line: str) -> Found:
        """The event of a line, the first being 1."""
        try:
            tree = json_text.read(line.encode())
        except JsonRefusedError as refused:
            return refused.problems
        if not isinstance(tree, JsonObject):
            return [Problem("undecodable", "$", "is no object", "Send CloudEvents.")]
        attributes = dict(tree.pairs)
        if self._key:
            attributes["id"] = id_of(self._key, number)
        found = self._intake.cloud_event("$", attributes)
        if isinstance(found, Verdict):
            return found.problems
        return found.sent_in(_file(self._key), number)


def _file(key: str) -> str:
    return f"the file with the Idempotency-Key {key}" if key else "a file without Idempotency-Key"
