"""From a size to what it needs: processes, memory, disk and PostgreSQL."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stockfold_services.cli.sizing.arithmetic import Factor, Step, step
from stockfold_services.cli.sizing.costs import COSTS, Cost

EVENTS_PER_LINE = 3
"""Reserved, allocated, shipped."""
OPEN_DAYS = 2
"""How long an order line is open."""
HISTORY_DAYS = 30
TOLD_SHARE = 0.3
"""Of a channel's listings of a changed position: by how many something visible changes."""
BUSY = 0.5
"""Of a core at the peak, so that a backlog is caught up with."""
MEMORY_GIB = 8.0
"""Of one process."""
PLACES_PER_PARTITION = 500_000
"""SKU-locations, so that a partition restarts within 5 s."""
PARTITIONS_MIN = 8
SNAPSHOTS = 2
"""Kept of each partition."""
DAY_S = 86_400
YEAR_DAYS = 365

_GIB = Factor(2**30, "bytes a GiB", divides=True)
_US = Factor(1_000_000, "µs a second", divides=True)

SERVER_CORES = 8
SERVER_DISK_GIB = 2_000
"""Of one PostgreSQL or one broker, as many rent it."""


@dataclass(frozen=True, slots=True)
class Size:
    """What there is to serve."""

    name: str
    skus: int
    locations: float
    """Of each SKU, on average."""
    channels: float
    """On which a SKU is listed, on average."""
    orders_per_day: int
    lines: float
    """Of each order, on average."""
    other_per_day: int
    """Other events: receipts, counts, transfers, sales in stores."""
    peak: float
    """The busiest second against an average one."""
    lookups_per_s: float
    """At the peak."""


class Needs:
    """The figures of a size, each with its arithmetic; ``steps`` in the order they build up."""

    def __init__(self, size: Size, costs: Mapping[str, Cost] = COSTS) -> None:
        self.size = size
        self._costs = costs
        self.steps: list[Step] = []
        self._load()
        self._cpu()
        self._memory()
        self._processes()
        self._kafka_disk()
        self._postgres()

    def __getitem__(self, name: str) -> float:
        return next(found.value for found in self.steps if found.name == name)

    def _cost(self, name: str) -> Factor:
        cost = self._costs[name]
        return Factor(cost.value, cost.unit)

    def _add(self, name: str, unit: str, *products: tuple[Factor, ...]) -> float:
        self.steps.append(step(name, unit, *products))
        return self.steps[-1].value

    def _whole(self, name: str, unit: str, value: int, how: str) -> None:
        self.steps.append(Step(name, value, unit, how))

    def _load(self) -> None:
        size = self.size
        sold = (
            Factor(size.orders_per_day, "orders"),
            Factor(size.lines, "lines"),
            Factor(EVENTS_PER_LINE, "events"),
        )
        events = self._add("events a day", "", sold, (Factor(size.other_per_day, "others"),))
        self._add(
            "events at the peak",
            "/s",
            (
                Factor(events, "a day"),
                Factor(DAY_S, "s", divides=True),
                Factor(size.peak, "times the average"),
            ),
        )
        skus = Factor(size.skus, "SKUs")
        self._add("SKU-locations", "", (skus, Factor(size.locations, "locations")))
        self._add("listings", "", (skus, Factor(size.channels, "channels")))

    def _cpu(self) -> None:
        """Cores at the peak."""
        events = Factor(self["events at the peak"], "events/s")
        asked = Factor(self.size.lookups_per_s, "look-ups/s")
        told = Factor(self.size.channels * TOLD_SHARE, "channels told")
        rows = Factor(
            self._add("rows at the peak", "/s", (events, self._cost("rows_per_event"))), "rows/s"
        )
        self._add("ledger", "cores", (events, self._cost("ledger_us"), _US))
        self._add("broker", "cores", (events, self._cost("kafka_us"), _US))
        self._add(
            "availability",
            "cores",
            (events, self._cost("position_us"), _US),
            (events, told, self._cost("channel_us"), _US),
        )
        self._add("projector", "cores", (rows, self._cost("projector_us"), _US))
        self._add("api", "cores", (asked, self._cost("lookup_us"), _US))
        self._add(
            "PostgreSQL",
            "cores",
            (rows, self._cost("postgres_us"), _US),
            (asked, self._cost("lookup_postgres_us"), _US),
        )

    def _memory(self) -> None:
        size = self.size
        places = Factor(self["SKU-locations"], "SKU-locations")
        lines = (
            Factor(size.orders_per_day * size.lines, "lines a day"),
            Factor(OPEN_DAYS, "days open"),
        )
        self._add(
            "memory of all ledgers",
            "GiB",
            (Factor(size.skus, "SKUs"), self._cost("sku_bytes"), _GIB),
            (places, self._cost("location_bytes"), _GIB),
            (*lines, self._cost("line_bytes"), _GIB),
        )
        self._add(
            "snapshots",
            "GiB",
            (places, self._cost("snapshot_disk"), Factor(SNAPSHOTS, "kept"), _GIB),
        )

    def _processes(self) -> None:
        memory = self["memory of all ledgers"]
        by_memory = math.ceil(memory / MEMORY_GIB)
        for name in ("ledger", "availability"):
            by_cpu = math.ceil(self[name] / BUSY)
            self._whole(
                f"{name} processes",
                "",
                max(by_cpu, by_memory, 1),
                f"the larger of {by_cpu} by CPU (half a core each at the peak) and {by_memory} by "
                f"memory ({MEMORY_GIB:g} GiB each)",
            )
        for name in ("projector", "api"):
            by_cpu = math.ceil(self[name] / BUSY)
            self._whole(f"{name} processes", "", max(by_cpu, 1), "half a core each at the peak")
        most = max(self["ledger processes"], self["availability processes"])
        wanted = max(PARTITIONS_MIN, 2 * most, self["SKU-locations"] / PLACES_PER_PARTITION)
        self._whole(
            "partitions",
            "",
            2 ** math.ceil(math.log2(wanted)),
            f"a power of two: at least {PARTITIONS_MIN}, two for each ledger, and one for "
            f"{PLACES_PER_PARTITION:,} SKU-locations",
        )
        self._add(
            "restart of a partition",
            "s",
            (
                Factor(self["SKU-locations"], "SKU-locations"),
                Factor(self["partitions"], "partitions", divides=True),
                self._cost("places_per_s")._replace(divides=True),
            ),
        )

    def _kafka_disk(self) -> None:
        year = (Factor(self["events a day"], "events a day"), Factor(YEAR_DAYS, "days"))
        self._add(
            "topics, a year more",
            "GiB",
            (*year, self._cost("input_disk"), _GIB),
            (*year, self._cost("journal_disk"), _GIB),
        )
        self._add(
            "compacted topics",
            "GiB",
            (Factor(self["SKU-locations"], "positions"), self._cost("position_disk"), _GIB),
            (Factor(self["listings"], "listings"), self._cost("availability_disk"), _GIB),
        )
        self._add(
            "archive, a year more",
            "GiB",
            (*year, Factor(2, "records"), self._cost("archive_disk"), _GIB),
        )

    def _postgres(self) -> None:
        size = self.size
        sold = size.orders_per_day * size.lines
        lines = (Factor(sold, "lines a day"), Factor(YEAR_DAYS, "days"))
        told = self["events a day"] * size.channels * TOLD_SHARE
        self._add(
            "PostgreSQL, what is now",
            "GiB",
            (Factor(self["SKU-locations"], "positions"), self._cost("position_row"), _GIB),
            (Factor(self["listings"], "listings"), self._cost("availability_row"), _GIB),
            (
                Factor(told, "told a day"),
                Factor(HISTORY_DAYS, "days"),
                self._cost("history_row"),
                _GIB,
            ),
        )
        self._add(
            "PostgreSQL, a year more",
            "GiB",
            (
                Factor(self["events a day"], "events a day"),
                Factor(YEAR_DAYS, "days"),
                self._cost("journal_row"),
                _GIB,
            ),
            (*lines, self._cost("line_row"), _GIB),
            (*lines, self._cost("status_row"), _GIB),
        )


@dataclass(frozen=True, slots=True)
class Limit:
    """A thing of which there is one at first, how full it is, and what to do when it is full."""

    name: str
    full: float
    then: str


def limits(needs: Needs) -> list[Limit]:
    """What is fullest first, of an installation with one process or server of everything."""
    disk = needs["topics, a year more"] + needs["compacted topics"]
    tables = needs["PostgreSQL, what is now"] + needs["PostgreSQL, a year more"]
    found = [
        Limit("one ledger's core", needs["ledger"], THEN["ledger"]),
        Limit("one ledger's memory", needs["memory of all ledgers"] / MEMORY_GIB, THEN["memory"]),
        Limit("one availability process", needs["availability"], THEN["availability"]),
        Limit("one projector", needs["projector"], THEN["projector"]),
        Limit("one api process", needs["api"], THEN["api"]),
        Limit("PostgreSQL's cores", needs["PostgreSQL"] / SERVER_CORES, THEN["postgres"]),
        Limit("PostgreSQL's disk in a year", tables / SERVER_DISK_GIB, THEN["tables"]),
        Limit("the broker's cores", needs["broker"] / SERVER_CORES, THEN["broker"]),
        Limit("the broker's disk in a year", disk / SERVER_DISK_GIB, THEN["topics"]),
    ]
    return sorted(found, key=lambda limit: -limit.full)


THEN = {
    "ledger": "Start more ledgers, each with an `instance` of its own: they share the partitions.",
    "memory": "Start more ledgers on more machines: each holds only the SKUs of its partitions.",
    "availability": "Start more of them: they share the partitions.",
    "projector": "Start more of them, each with an `instance` of its own.",
    "api": "Start more of them behind a load balancer; `batchGet` for whoever asks for many.",
    "postgres": "Let look-ups go to read replicas; a larger server for what the projectors write.",
    "tables": "Partition the journal's table, or keep less of it there: the topic has it all.",
    "broker": "Three brokers or more, partitions spread over them.",
    "topics": "Archive inputs and journal to object storage, and let the topics forget.",
}


def sizes() -> Iterable[Size]:
    """Those of the page."""
    return (
        Size("A shop of 100 orders a day", 5_000, 1, 2, 100, 2, 300, 20, 5),
        Size("A chain of 500 stores", 40_000, 400, 2, 20_000, 2.5, 2_000_000, 5, 200),
        Size(
            "A marketplace of 100 million SKUs",
            100_000_000,
            1.2,
            1.5,
            3_000_000,
            1.5,
            20_000_000,
            8,
            5_000,
        ),
    )
