"""Everything that a scenario left behind, gathered once it has settled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import asyncpg

from stockfold.contracts.codec import decode
from stockfold.contracts.frames import SnapshotError
from stockfold.contracts.topics import JOURNAL
from stockfold.ledger.digest import digest
from stockfold.runtime.partition_memory import Partition
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.postgres import connection_options
from stockfold.runtime.settings import Settings
from stockfold.runtime.snapshots import SnapshotStore, open_store
from stockfold_services.ledger.processor import LedgerProcessor
from tests.faults.observer import OUTPUTS, Place, final_log, fingerprint, inputs_kept
from tests.faults.processes import Service
from tests.faults.site import Site, until
from tests.faults.workload import PARTITIONS, Expected

SETTLE_S_MAX = 60.0
LAST_S_MAX = 10.0


class Rec(NamedTuple):
    """A record of the final log, decoded."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    name: str
    body: dict[str, Any]
    print: bytes

    @property
    def place(self) -> Place:
        return self.topic, self.partition, self.offset


@dataclass
class Evidence:
    """What the checks look at. Nothing in it changes by itself any more."""

    expected: Expected
    ends: dict[tuple[str, int], int]
    acknowledged: dict[Place, str]
    unacknowledged: dict[Place, str]
    """Inputs that a broker in distress kept without saying so; they were sent again."""
    records: list[Rec]
    seen: dict[Place, bytes]
    """What the observer was shown, at whatever time."""
    oddities: list[str]
    """What the observer or the settling ran into."""
    tables: dict[str, list[dict[str, Any]]]
    stock: dict[str, int | None]
    digests: dict[str, str] = field(default_factory=dict)
    """Ways to the state of the ledger → their digests; all must be equal."""
    snapshots: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """Snapshot → digests: as it was saved, of what it restores, of the journal folded so far."""

    def of(self, topic: str) -> list[Rec]:
        """The records of a topic, by partition and offset."""
        return sorted((r for r in self.records if r.topic == topic), key=lambda r: r.place)


def settle(site: Site) -> list[str]:
    """Wait until everything sent has reached every reader; what did not is told."""
    site.feeder.stop()
    expected, observer = site.workload.expected, site.observer

    def published() -> bool:
        return all(
            observer.availability.get(sku, (0, -1))[1] == expected.availability(sku)
            for sku in site.workload.skus
        )

    def shown() -> bool:
        stock = site.shop.stock()
        return all(stock[sku] == expected.availability(sku) for sku in site.workload.skus)

    stages = (
        ("the ledger covers every input", lambda: observer.covers(site.feeder.ends)),
        ("availability follows", published),
        ("the shop follows", shown),
        ("the read model follows", lambda: _projected(site)),
    )
    deadline = time.monotonic() + SETTLE_S_MAX
    return [
        f"after {SETTLE_S_MAX:.0f} s it still did not hold: {what}"
        for what, holds in stages
        if until(holds, max(deadline - time.monotonic(), 1.0)) is None
    ]


def _projected(site: Site) -> bool:
    ends: dict[tuple[str, int], int] = {}
    for topic, partition, offset in list(site.observer.seen):
        ends[topic, partition] = max(ends.get((topic, partition), 0), offset + 1)
    try:
        rows = asyncio.run(_query(site.settings, {"offsets": _TABLES["offsets"]}))["offsets"]
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    found = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
    topics = {topic for topic, _ in found}
    return bool(topics) and all(
        found.get(place, 0) >= end for place, end in ends.items() if place[0] in topics
    )


def gather(site: Site) -> Evidence:
    """Let everything settle, stop the services, and read what there is."""
    oddities = settle(site)
    for label, service in site.services.items():
        if not service.is_running() and not service.is_expected_to_end:
            oddities.append(f"{label} has ended by itself: exit code {service.child.returncode}")
    oddities += _stop(site, lambda service: service.name != "projector")
    records = []
    for message in final_log(site.settings):
        schema, body = decode(message.value())
        topic = message.topic().removeprefix(site.settings.prefix)
        head = (topic, message.partition(), message.offset(), message.key(), message.value())
        records.append(Rec(*head, schema.name.rpartition(".")[2], body, fingerprint(message)))
    last = {record.place for record in records}
    until(lambda: last <= site.observer.seen.keys(), LAST_S_MAX)
    # What the others told as they ended is in the read model too.
    until(lambda: _projected(site), LAST_S_MAX)
    oddities += _stop(site, lambda service: service.name == "projector")
    oddities += site.observer.errors
    oddities += [f"the observer was shown {place} twice" for place in site.observer.twice[:5]]
    acknowledged, ends = dict(site.feeder.acknowledged), dict(site.feeder.ends)
    unacknowledged = {
        place: event for place, event in inputs_kept(site.settings) if place not in acknowledged
    }
    for topic, partition, offset in unacknowledged:
        ends[topic, partition] = max(ends.get((topic, partition), 0), offset + 1)
    return Evidence(
        site.workload.expected,
        ends,
        acknowledged,
        unacknowledged,
        records,
        dict(site.observer.seen),
        oddities,
        asyncio.run(_query(site.settings, _TABLES)),
        site.shop.stock(),
        digests(site.settings, records),
        snapshots(site.settings, records),
    )


def _stop(site: Site, which: Callable[[Service], bool]) -> list[str]:
    """Stop these services in order; those that did not end as they should."""
    codes = [(label, one.stop(), one) for label, one in site.services.items() if which(one)]
    return [
        f"{label} ended with exit code {code}"
        for label, code, service in codes
        if code not in (0, None) and not service.is_expected_to_end
    ]


def digests(settings: Settings, records: list[Rec]) -> dict[str, str]:
    """The ledger's state by the ways there are to it."""
    journal = sorted((r for r in records if r.topic == JOURNAL.name), key=lambda r: r.place)
    folded = [Partition(number, 1_000_000) for number in range(PARTITIONS)]
    for record in journal:
        folded[record.partition].fold(record.value, record.offset)
    return {
        "the journal folded": digest(s for part in folded for s in part.skus.values()),
        "a ledger that recovers from the journal": _recovered(settings, None),
        "a ledger that recovers from snapshots": _recovered(settings, open_store(settings)),
    }


def _recovered(settings: Settings, store: SnapshotStore | None) -> str:
    """The digest of what the ledger holds after its own recovery."""
    ledger = LedgerProcessor(settings, snapshots=store)
    reader = PartitionReader(settings)
    try:
        for number in range(PARTITIONS):
            ledger.recover(number, reader)
        return digest(s for part in ledger.partitions.values() for s in part.skus.values())
    finally:
        ledger.close()


def snapshots(settings: Settings, records: list[Rec]) -> dict[str, tuple[str, str, str]]:
    """Every whole snapshot that is kept; damaged ones are the scenario's own doing."""
    store = open_store(settings)
    journal = sorted((r for r in records if r.topic == JOURNAL.name), key=lambda r: r.place)
    found = {}
    for number in range(PARTITIONS):
        for offset in store.offsets(number):
            try:
                snapshot = store.open(number, offset)
            except SnapshotError:
                continue
            folded = Partition(number, 1_000_000)
            for record in journal:
                if record.partition == number and record.offset < offset:
                    folded.fold(record.value, record.offset)
            restored, scratch = snapshot.restore().skus.values(), folded.skus.values()
            name = f"partition {number} at {offset}"
            found[name] = (snapshot.digest, digest(restored), digest(scratch))
    return found


_TABLES = {
    "offsets": "SELECT topic, partition, next_offset FROM offsets",
    "positions": "SELECT sku, location, seq, on_hand, quality_hold, damaged, in_transit, reserved,"
    " allocated, atp, partition, record_offset FROM positions",
    "availability": "SELECT channel, sku, quantity, version, partition, record_offset"
    " FROM availability",
    "journal": "SELECT sku, seq, event_id, kind, partition, record_offset FROM journal",
    "exceptions": "SELECT exception, kind, folded, partition, record_offset FROM exceptions",
    "delivery_history": "SELECT channel, sku, version, partition, record_offset"
    " FROM delivery_history",
    "unreadable": "SELECT topic, partition, record_offset FROM unreadable",
}
TOPIC_OF_TABLE = {
    "positions": "stockfold.positions.v1",
    "availability": "stockfold.availability.v1",
    "journal": "stockfold.journal.v1",
    "exceptions": "stockfold.exceptions.v1",
    "delivery_history": "stockfold.deliveries.v1",
}
assert set(TOPIC_OF_TABLE.values()) <= {topic.name for topic in OUTPUTS}


async def _query(settings: Settings, queries: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    connection = await asyncpg.connect(**connection_options(settings, "faults"))
    try:
        return {
            name: [dict(row) for row in await connection.fetch(sql)]
            for name, sql in queries.items()
        }
    finally:
        await connection.close()
