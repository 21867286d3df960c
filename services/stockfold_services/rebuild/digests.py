"""Digests: of the read model's rows, and of the ledger's state, by partition and in total.

Both are sums of 128-bit hashes of canonical rows modulo 2^128, so the order of rows does not matter
and partitions add up. They are two functions over two sets of rows: equal digests of one kind mean
equal contents, a digest of one kind says nothing about one of the other.
"""

from __future__ import annotations

from collections.abc import Callable

import asyncpg
import msgspec

from stockfold.contracts.topics import JOURNAL
from stockfold.ledger.digest import MODULUS, digest
from stockfold.runtime.journal_fold import JournalFold
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold.runtime.snapshots import open_store
from stockfold_services.rebuild.canonical import FROM_JOURNAL, Compared
from stockfold_services.rebuild.until import Until, end_of


class PartitionDigest(msgspec.Struct):
    """One partition. ``rows`` counts rows by table; ``next_offset`` is where its journal ended."""

    digest: str
    next_offset: int | None = None
    facts: int | None = None
    skus: int | None = None
    rows: dict[str, int] = {}


class Digest(msgspec.Struct):
    """A digest by partition, and its sum."""

    of: str
    digest: str
    partitions: dict[int, PartitionDigest]


def _in_total(of: str, partitions: dict[int, PartitionDigest]) -> Digest:
    total = sum(int(part.digest, 16) for part in partitions.values()) % MODULUS
    return Digest(of, f"{total:032x}", dict(sorted(partitions.items())))


async def of_tables(connection: asyncpg.Connection, schema: str, of: str) -> Digest:
    """The digest of a generation's rows that come from the journal, summed in PostgreSQL."""
    sums: dict[int, int] = {}
    found: dict[int, PartitionDigest] = {}
    for compared in FROM_JOURNAL:
        for row in await connection.fetch(_sum_sql(compared, schema)):
            partition = row["partition"]
            sums[partition] = sums.get(partition, 0) + int(row["total"])
            part = found.setdefault(partition, PartitionDigest(""))
            part.rows[compared.table.name] = row["rows"]
    for row in await connection.fetch(
        f'SELECT partition, next_offset FROM "{schema}".offsets WHERE topic = $1',  # noqa: S608 - our own names
        JOURNAL.name,
    ):
        found.setdefault(row["partition"], PartitionDigest("")).next_offset = row["next_offset"]
    for partition, part in found.items():
        part.digest = f"{sums.get(partition, 0) % MODULUS:032x}"
    return _in_total(of, found)


def _sum_sql(compared: Compared, schema: str) -> str:
    """MD5 as 128 bits: it tells accidents apart, not adversaries, and PostgreSQL has it."""
    columns = ", ".join(f"r.{column}" for column in compared.columns)
    half = "('x' || substr(h, {}, 16))::bit(64)::bigint::numeric"
    return (
        f"SELECT partition, count(*) AS rows, "  # noqa: S608 - our own names
        f"sum({half.format(1)} * 18446744073709551616 + {half.format(17)}) AS total FROM ("
        f"SELECT r.at_partition AS partition, "
        f"md5('{compared.table.name}' || ROW({columns})::text) AS h "
        f"FROM ({compared.select(schema)}) r) hashed GROUP BY partition"
    )


def of_journal(
    settings: Settings, partitions: list[int], until: Until | None, tell: Callable[[int], None]
) -> Digest:
    """The digest of the ledger's state, folded from the journal one fact at a time."""
    reader = PartitionReader(settings)
    found = {}
    for partition in partitions:
        fold = JournalFold(partition)
        end = end_of(reader, JOURNAL, partition, until)
        for batch in reader.read(JOURNAL, partition, None, end):
            fold.add(batch)
            tell(len(batch))
        states = fold.states.values()
        found[partition] = PartitionDigest(digest(states), end, fold.facts, fold.skus)
    return _in_total("journal", found)


def of_snapshots(settings: Settings, partitions: list[int]) -> Digest:
    """The digest of the ledger's state in the newest snapshots, computed from their rows.

    SnapshotError when one was saved with another digest. A partition without one is left out.
    """
    store = open_store(settings)
    found = {}
    for partition in partitions:
        snapshot = store.newest(partition)
        if snapshot is not None:
            memory = snapshot.restore(verify=True)
            found[partition] = PartitionDigest(
                snapshot.digest, snapshot.next_offset, memory.facts, len(memory.skus)
            )
    return _in_total("snapshot", found)
