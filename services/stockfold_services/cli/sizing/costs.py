"""What things cost, as measured: the one table behind every figure of a size.

What an event, a changed row and a look-up cost comes from two cores that had nothing else to do;
the other figures from the same cores while some thirty programs wanted them, where CPU is dearer,
by half and more. Bytes are what they are.
"""

from __future__ import annotations

from typing import NamedTuple


class Cost(NamedTuple):
    """A measured cost: of what, which command measured it, and when."""

    value: float
    unit: str
    what: str
    command: str
    on: str = "2026-11-26"


_PROJECTOR = "python -m infra.bench.projector"
_LATENCY = "python -m infra.bench.latency"
_LOOKUPS = "python -m infra.bench.lookups"
_MEMORY = "make bench PARTS=memory"

COSTS: dict[str, Cost] = {
    "ledger_us": Cost(60, "µs CPU", "ledger, an event at 5,000/s, in small transactions", _LATENCY),
    "kafka_us": Cost(87, "µs CPU", "broker, an event at 5,000/s, with what comes of it", _LATENCY),
    "sku_bytes": Cost(158, "bytes", "ledger, a SKU at rest in memory, with its key", _MEMORY),
    "location_bytes": Cost(35, "bytes", "ledger, a location of a SKU in memory", _MEMORY),
    "line_bytes": Cost(784, "bytes", "ledger, an open order line in memory", _MEMORY),
    "position_us": Cost(
        34, "µs CPU", "availability, a changed position", "make bench PARTS=availability"
    ),
    "channel_us": Cost(
        14.6, "µs CPU", "availability, its telling on a channel", "make bench PARTS=availability"
    ),
    "rows_per_event": Cost(2.53, "rows", "read model, changed by an event", _PROJECTOR),
    "projector_us": Cost(12.7, "µs CPU", "projector, a changed row", _PROJECTOR),
    "postgres_us": Cost(8.0, "µs CPU", "PostgreSQL, a changed row", _PROJECTOR),
    "lookup_us": Cost(540, "µs CPU", "api, an availability look-up", _LOOKUPS),
    "lookup_postgres_us": Cost(187, "µs CPU", "PostgreSQL, a look-up", _LOOKUPS),
    "input_disk": Cost(47, "bytes", "an event in its topic, compressed", _PROJECTOR),
    "journal_disk": Cost(84, "bytes", "a fact in the journal's topic, compressed", _PROJECTOR),
    "position_disk": Cost(30, "bytes", "a position in its topic, compressed", _PROJECTOR),
    "availability_disk": Cost(25, "bytes", "a listing in its topic, compressed", _PROJECTOR),
    "archive_disk": Cost(34, "bytes", "a record in the archive", "python -m infra.bench.archive"),
    "snapshot_disk": Cost(71, "bytes", "a SKU-location in a snapshot", _PROJECTOR),
    "position_row": Cost(298, "bytes", "PostgreSQL, a row of positions", _PROJECTOR),
    "availability_row": Cost(576, "bytes", "PostgreSQL, a row of availability", _PROJECTOR),
    "journal_row": Cost(694, "bytes", "PostgreSQL, a row of the journal", _PROJECTOR),
    "line_row": Cost(630, "bytes", "PostgreSQL, a row of order lines", _PROJECTOR),
    "status_row": Cost(335, "bytes", "PostgreSQL, a row of answers to reservations", _PROJECTOR),
    "history_row": Cost(265, "bytes", "PostgreSQL, what a channel was told once", _PROJECTOR),
    "places_per_s": Cost(
        122_000,
        "SKU-locations/s",
        "ledger, read from a snapshot at a restart",
        "make bench PARTS=recovery",
    ),
}
"""Bytes of PostgreSQL include indexes."""
