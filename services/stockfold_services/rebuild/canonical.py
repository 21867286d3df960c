"""The rows of the read model in the form in which two generations are compared.

Left out is what says how a row came about, not what it says: the place of a position in its topic,
and as of which of its SKU's facts it was written (the ledger names the last of its batch, a rebuild
the last of the SKU). Lists in JSON are sorted.
"""

from __future__ import annotations

from dataclasses import dataclass

from stockfold.contracts.topics import AVAILABILITY, DELIVERIES, EXCEPTIONS, JOURNAL
from stockfold_services.projector import tables
from stockfold_services.projector.tables import Table

_ASIDE = ("seq", "partition", "record_offset")


@dataclass(frozen=True, slots=True)
class Compared:
    """A table, its topic, the columns that are not compared, and JSON lists without an order."""

    table: Table
    topic: str
    aside: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are compared, key included."""
        return tuple(c for c in self.table.columns if c not in self.aside)

    @property
    def from_journal(self) -> bool:
        """Whether the journal alone makes it."""
        return self.topic == JOURNAL.name

    def select(self, schema: str, where: str = "") -> str:
        """SQL of the canonical rows, with partition and record_offset where there are such."""
        shown = [self._expression(column) for column in self.columns]
        places = [c for c in ("partition", "record_offset") if c in self.table.columns]
        shown += [f"t.{c} AS at_{c}" for c in places]
        sql = f'SELECT {", ".join(shown)} FROM "{schema}".{self.table.name} t'  # noqa: S608 - our own names
        kept = [clause for clause in (self._kept(), where) if clause]
        return sql + (f" WHERE {' AND '.join(kept)}" if kept else "")

    def _expression(self, column: str) -> str:
        if column not in self.lists:
            return f"t.{column}"
        return (
            f"(SELECT coalesce(jsonb_agg(e ORDER BY e), '[]') "  # noqa: S608 - our own names
            f"FROM jsonb_array_elements(t.{column}) e) AS {column}"
        )

    def _kept(self) -> str:
        """Rows that no generation has pruned yet; a day less, so that both agree."""
        keep = self.table.retention
        if keep is None:
            return ""
        return f"t.{keep.column} >= date_trunc('day', now()) - interval '{keep.days - 1} days'"


COMPARED: tuple[Compared, ...] = (
    Compared(tables.JOURNAL, JOURNAL.name),
    Compared(tables.POSITIONS, JOURNAL.name, _ASIDE, ("claims", "expected")),
    Compared(
        tables.SKU_SUMMARIES, JOURNAL.name, _ASIDE, ("backordered_by_channel", "fences", "limits")
    ),
    Compared(tables.DEMAND_LINES, JOURNAL.name),
    Compared(tables.TRANSFERS, JOURNAL.name),
    Compared(tables.RESERVATION_STATUS, JOURNAL.name),
    Compared(tables.EXCEPTIONS, EXCEPTIONS.name),
    Compared(tables.AVAILABILITY, AVAILABILITY.name),
    Compared(tables.DELIVERIES, DELIVERIES.name),
    Compared(tables.DELIVERY_HISTORY, DELIVERIES.name),
)
FROM_JOURNAL = tuple(compared for compared in COMPARED if compared.from_journal)
DECIDED_ANEW = tuple(
    Compared(
        c.table,
        c.topic,
        (*c.aside, "partition", "record_offset") if c.table is tables.JOURNAL else c.aside,
        c.lists,
    )
    for c in FROM_JOURNAL
)
"""Facts that were decided anew have no place in the journal."""
