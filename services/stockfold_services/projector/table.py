"""What a table of the read model is: key, guard of the newer row, and retention."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Retention:
    """How long rows stay: ``days`` after the time in ``column``."""

    column: str
    days: int

    @property
    def age(self) -> timedelta:
        """The same as a duration."""
        return timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class Table:
    """A table that the projector writes.

    ``guard`` are the columns by which a row is newer; a row replaces another of its key only when
    it is not older. Without a guard rows are only added. ``retention`` None keeps for ever.
    """

    name: str
    doc: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    guard: tuple[str, ...] = ()
    retention: Retention | None = None
    kept: tuple[str, ...] = ()

    @property
    def stage(self) -> str:
        """The temporary table that its rows are copied into first."""
        return f"stage_{self.name}"

    def merge_sql(self) -> str:
        """Takes the rows over from the stage; one row per key, if there is a guard."""
        columns = ", ".join(self.columns)
        action = "DO NOTHING"
        if self.guard:
            changes = ", ".join(f"{c} = {self._new(c)}" for c in self.columns if c not in self.key)
            newer = ", ".join(f"excluded.{c}" for c in self.guard)
            older = ", ".join(f"t.{c}" for c in self.guard)
            action = f"DO UPDATE SET {changes} WHERE ({newer}) >= ({older})"
        return (
            f"INSERT INTO {self.name} AS t ({columns}) SELECT {columns} FROM {self.stage} "  # noqa: S608 - names are declared here
            f"ON CONFLICT ({', '.join(self.key)}) {action}"
        )

    def _new(self, column: str) -> str:
        new = f"excluded.{column}"
        return f"coalesce({new}, t.{column})" if column in self.kept else new
