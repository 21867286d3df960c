"""What a topic is."""

from __future__ import annotations

from dataclasses import dataclass, field

DAY_MS = 86_400_000

KEPT_MS = 30 * DAY_MS
"""How long what was in force and what was told can be looked up (decision record 0004)."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it must exist on the broker.

    ``keyed_by_sku`` topics share one partition count and one partitioner (murmur2 of the SKU),
    so that a SKU's inputs, journal and outputs share a partition number; ``keyed_by_order`` topics
    share another count (murmur2 of channel|order). ``partitions`` of the others is fixed here.
    ``retention_ms`` of -1 keeps for ever.
    """

    name: str
    owner: str
    doc: str
    key: str
    schemas: tuple[str, ...]
    keyed_by_sku: bool = True
    partitions: int = 1
    compacted: bool = False
    # Compaction leaves what has been superseded alone for so long.
    superseded_kept_ms: int = 0
    retention_ms: int = -1
    # Inputs are ordered across topics by the broker's own clock, never by a producer's.
    log_append_time: bool = field(default=False)
    keyed_by_order: bool = False

    def full_name(self, prefix: str) -> str:
        """The name on the broker, in the environment of ``prefix``."""
        return prefix + self.name
