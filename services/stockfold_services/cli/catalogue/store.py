"""Where an import is laid out before anything is published: SQLite on disk, so memory is bounded.

``current`` is what the topics hold, ``staged`` what the file says, ``planned`` what would change.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

import msgspec

from stockfold.domain.reference import CatalogItem, Record
from stockfold_services.cli.catalogue.records import (
    KINDS,
    decode,
    encode,
    full_key,
    kind_name,
    same_content,
    with_fields,
)

_TABLES = """
CREATE TABLE current (key TEXT PRIMARY KEY, kind TEXT, kit INTEGER, body BLOB) WITHOUT ROWID;
CREATE TABLE staged (key TEXT PRIMARY KEY, kind TEXT, line INTEGER, given BLOB) WITHOUT ROWID;
CREATE TABLE planned
    (key TEXT PRIMARY KEY, kind TEXT, kit INTEGER, action TEXT, line INTEGER, body BLOB)
    WITHOUT ROWID;
CREATE VIEW afterwards AS
    SELECT key, kind, kit, line, body FROM planned
    UNION ALL
    SELECT key, kind, kit, NULL, body FROM current WHERE key NOT IN (SELECT key FROM planned);
"""
ACTIONS = ("added", "changed", "deactivated", "unchanged")


class Change(NamedTuple):
    """One record that would change. ``line`` is None for what the file does not have."""

    action: str
    kind: str
    line: int | None
    old: Record | None
    new: Record


class Clash(NamedTuple):
    """A record that the file has twice, with different content."""

    first_line: int
    first: dict[str, Any]


class Store:
    """The layout of one import, or the content of the topics. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / "import.sqlite", isolation_level=None)
        # Nothing here outlives the command, so nothing needs to survive a crash.
        self._db.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;" + _TABLES)
        self._db.execute("BEGIN")
        self.counts = dict.fromkeys(ACTIONS, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    # --- what is ------------------------------------------------------------------------------

    def put_current(self, record: Record) -> None:
        """Note what a topic holds; the last one of a key rules."""
        self._db.execute(
            "INSERT OR REPLACE INTO current VALUES (?, ?, ?, ?)",
            (full_key(record), kind_name(record), _is_kit(record), encode(record)),
        )

    def remove_current(self, key: str) -> None:
        """Note that a topic no longer holds a key."""
        self._db.execute("DELETE FROM current WHERE key = ?", (key,))

    def current(self, kind: str) -> Iterator[Record]:
        """What the topics hold of a kind, by key."""
        rows = self._db.execute("SELECT body FROM current WHERE kind = ? ORDER BY key", (kind,))
        return (decode(kind, body) for (body,) in rows)

    # --- what the file says -------------------------------------------------------------------

    def stage(self, record: Record, given: dict[str, Any], line: int) -> Clash | None:
        """Note a record of the file; the clash when it was there before and said otherwise."""
        key, body = full_key(record), msgspec.json.encode(given, order="sorted")
        done = self._db.execute(
            "INSERT OR IGNORE INTO staged VALUES (?, ?, ?, ?)", (key, kind_name(record), line, body)
        )
        if done.rowcount:
            return None
        first_line, first = self._db.execute(
            "SELECT line, given FROM staged WHERE key = ?", (key,)
        ).fetchone()
        return None if first == body else Clash(first_line, msgspec.json.decode(first))

    # --- what would change --------------------------------------------------------------------

    def plan(self, *, full: bool) -> None:
        """Compare the file with the topics. ``full``: what the file lacks becomes inactive.

        Only kinds that the file has any record of are compared.
        """
        reading = self._db.cursor()
        rows = reading.execute(
            "SELECT s.key, s.kind, s.line, s.given, c.body FROM staged s"
            " LEFT JOIN current c ON c.key = s.key"
        )
        for key, kind, line, given, body in rows:
            old = decode(kind, body) if body is not None else None
            new = with_fields(kind, None if full else old, msgspec.json.decode(given))
            self._compare(key, line, old, new)
        if not full:
            return
        rows = reading.execute(
            "SELECT key, kind, body FROM current WHERE key NOT IN (SELECT key FROM staged)"
            " AND kind IN (SELECT DISTINCT kind FROM staged)"
        )
        for key, kind, body in rows:
            old = decode(kind, body)
            if old.active:
                self._compare(key, None, old, msgspec.structs.replace(old, active=False))

    def _compare(self, key: str, line: int | None, old: Record | None, new: Record) -> None:
        if old is not None and same_content(old, new):
            self.counts["unchanged"] += 1
            return
        if old is None:
            action = "added"
        else:
            action = "deactivated" if old.active and not new.active else "changed"
        self.counts[action] += 1
        new = msgspec.structs.replace(new, revision=1 if old is None else old.revision + 1)
        self._db.execute(
            "INSERT INTO planned VALUES (?, ?, ?, ?, ?, ?)",
            (key, kind_name(new), _is_kit(new), action, line, encode(new)),
        )

    def planned(self, kind: str | None = None) -> Iterator[Change]:
        """What would change, by key; items first, aliases last."""
        for wanted in KINDS if kind is None else (kind,):
            rows = self._db.cursor().execute(
                "SELECT p.action, p.line, p.body, c.body FROM planned p"
                " LEFT JOIN current c ON c.key = p.key WHERE p.kind = ? ORDER BY p.key",
                (wanted,),
            )
            for action, line, body, before in rows:
                old = decode(wanted, before) if before is not None else None
                yield Change(action, wanted, line, old, decode(wanted, body))

    @property
    def differing(self) -> int:
        """How many records would be published."""
        return sum(count for action, count in self.counts.items() if action != "unchanged")

    # --- what would be afterwards -------------------------------------------------------------

    def find(self, key: str) -> Record | None:
        """The record of a key (``item|SKU``) as it would be afterwards."""
        row = self._db.execute("SELECT kind, body FROM afterwards WHERE key = ?", (key,)).fetchone()
        return None if row is None else decode(*row)

    def is_planned(self, key: str) -> bool:
        """Whether the record of a key would change."""
        found = self._db.execute("SELECT 1 FROM planned WHERE key = ?", (key,)).fetchone()
        return found is not None

    def afterwards(self, kind: str) -> Iterator[tuple[int | None, Record]]:
        """(line in the file, record) of everything of a kind, as it would be afterwards."""
        rows = self._db.cursor().execute(
            "SELECT line, body FROM afterwards WHERE kind = ?", (kind,)
        )
        return ((line, decode(kind, body)) for line, body in rows)

    def kits(self) -> Iterator[tuple[int | None, CatalogItem]]:
        """(line in the file, item) of everything that has a bill of materials afterwards."""
        rows = self._db.cursor().execute("SELECT line, body FROM afterwards WHERE kit = 1")
        for line, body in rows:
            item = decode("item", body)
            assert isinstance(item, CatalogItem)
            yield line, item


def _is_kit(record: Record) -> bool:
    return isinstance(record, CatalogItem) and record.bill_of_materials is not None
