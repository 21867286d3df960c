"""What is to be built, how it went, and who is told meanwhile."""

from __future__ import annotations

from typing import Protocol

import msgspec

from stockfold_services.rebuild.generations import Source
from stockfold_services.rebuild.positions import Path
from stockfold_services.rebuild.until import Until


class Progress(Protocol):
    """Told how far the work is."""

    def stage(self, name: str, total: int) -> None:
        """A stage of ``total`` records begins."""
        ...

    def done(self, records: int) -> None:
        """So many more records of it are done."""
        ...


class Wanted(msgspec.Struct, frozen=True):
    """What is to be built."""

    name: str
    path: Path
    until: Until | None = None
    source: Source = "journal"


class Report(msgspec.Struct):
    """What was built. ``*_per_s`` are journal records a second of the two stages."""

    name: str
    schema: str
    source: Source
    until: str
    path: Path
    facts: int = 0
    skus: int = 0
    rows: dict[str, int] = {}
    next_offsets: dict[int, int] = {}
    """Where the journal's reading ended, by partition."""
    positions: dict[int, int] = {}
    """Where the projector goes on in the positions topic after a cutover, by partition."""
    seconds: float = 0.0
    copied_per_s: float = 0.0
    folded_per_s: float = 0.0
    digest: str = ""
    differs: dict[str, int] = {}
    """Of history decided anew: rows that differ from the live generation's, by table."""
