"""PostgreSQL as the projector writes it: rows and offsets in one transaction, fenced."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import psutil

from stockfold.contracts import topics as contracts
from stockfold.domain.errors import DefectError, SettingsError
from stockfold.runtime.postgres import connection_options, schema_name
from stockfold.runtime.settings import Settings
from stockfold.runtime.steps import step
from stockfold_services.projector.batch import Batch, Place
from stockfold_services.projector.migrate import migrate
from stockfold_services.projector.rows import Row
from stockfold_services.projector.tables import (
    DEMAND_LINES,
    JOURNAL,
    PROJECTOR_ROW_AGE,
    RESERVATION_STATUS,
    TABLES,
    Table,
)

PRUNE_ROWS_MAX = 10_000
"""Rows that one transaction removes, so that it stays short."""

_SESSION = {
    # A frozen projector must not hold its locks for ever; its successor waits no longer than this.
    "idle_in_transaction_session_timeout": "15s",
    "lock_timeout": "20s",
    # Rows and the offsets they came from are committed together: a lost tail is read again.
    "synchronous_commit": "off",
}


class Moved(Exception):  # noqa: N818 - an answer: somebody else has written these places
    """Another projector has written these places; nothing of the batch was."""

    def __init__(self, places: list[Place]) -> None:
        self.places = places
        super().__init__(", ".join(f"{topic} {partition}" for topic, partition in places))


class _Met(Exception):  # noqa: N818 - an answer
    """A row that was to be added is there already: the table's rows must go by way of its stage."""

    def __init__(self, table: str) -> None:
        self.table = table
        super().__init__(table)


@dataclass(frozen=True, slots=True)
class Seen:
    """How far a place has been read: records that are left, and the time of the newest one read."""

    lag: int
    record_at: datetime | None


class Store:
    """One connection. ``opened`` makes it."""

    def __init__(self, connection: asyncpg.Connection, schema: str) -> None:
        self._connection = connection
        self.schema = schema
        self._met: set[str] = set()
        """Tables without a guard that have held a row of a batch already."""
        self.projector = uuid.uuid4().hex

    @classmethod
    @asynccontextmanager
    async def opened(cls, settings: Settings, schema: str | None = None) -> AsyncIterator[Store]:
        """Connect, bring the schema to this release, and make the stages.

        ``schema`` is another generation of the read model than the live one.
        """
        schema = schema or schema_name(settings.prefix)
        session = {**_SESSION, "search_path": schema}
        connection = await asyncpg.connect(**connection_options(settings, "projector", **session))
        try:
            await migrate(connection, schema)
            for table in TABLES:
                await connection.execute(
                    f"CREATE TEMP TABLE {table.stage} (LIKE {table.name} INCLUDING DEFAULTS) "
                    "ON COMMIT DELETE ROWS"
                )
            yield cls(connection, schema)
        finally:
            await _close(connection)

    async def claim_origin(self, cluster_id: str, prefix: str) -> None:
        """Bind the read model to one Kafka; SettingsError when it was filled from another."""
        await self._connection.execute(
            "INSERT INTO origin (kafka_cluster_id, prefix) SELECT $1, $2 "
            "WHERE NOT EXISTS (SELECT FROM origin) ON CONFLICT DO NOTHING",
            cluster_id,
            prefix,
        )
        known = await self._connection.fetchval("SELECT kafka_cluster_id FROM origin")
        if known != cluster_id:
            raise SettingsError(
                f"the read model was filled from the Kafka cluster {known}, this one is "
                f"{cluster_id}: their offsets have nothing to do with each other",
                where=f"PostgreSQL schema {self.schema}",
                remedy=f'DROP SCHEMA "{self.schema}" CASCADE, and it is rebuilt from this Kafka; '
                "or set kafka.bootstrap to the other one.",
            )

    async def go_behind_others(self, niceness: int) -> bool:
        """Let PostgreSQL's other processes go before the one that serves us; whether that was done.

        It is done to a server of this machine that is ours to steer, such as the embedded one.
        """
        if not await self._connection.fetchval("SELECT inet_server_addr() IS NULL"):
            return False  # Not by a Unix socket: its process ids are not of this machine.
        try:
            served_by = psutil.Process(self._connection.get_server_pid())
            if not served_by.name().startswith("postgres"):
                return False  # It counts its processes otherwise, in a container.
            served_by.nice(max(niceness, served_by.nice()))
        except psutil.Error:
            return False
        return True

    async def offsets(self, beginnings: dict[Place, int]) -> dict[Place, int]:
        """The next offset of each place; one that is new begins at its given beginning."""
        topics, partitions, firsts = _columns(beginnings)
        async with self._connection.transaction():
            await self._connection.execute(
                "INSERT INTO offsets (topic, partition, next_offset) "
                "SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[]) "
                "ON CONFLICT DO NOTHING",
                topics,
                partitions,
                firsts,
            )
            return await self._stand(beginnings)

    async def _stand(self, places: Collection[Place]) -> dict[Place, int]:
        found = await self._connection.fetch(
            "SELECT o.topic, o.partition, o.next_offset FROM offsets o JOIN "
            "unnest($1::text[], $2::int[]) AS w(topic, partition) USING (topic, partition)",
            [topic for topic, _ in places],
            [partition for _, partition in places],
        )
        return {(row["topic"], row["partition"]): row["next_offset"] for row in found}

    async def moved(self, starts: dict[Place, int]) -> bool:
        """Whether the tables no longer stand where these places are read from."""
        return bool(starts) and await self._stand(starts) != starts

    async def forget_journal(self, partition: int) -> None:
        """Remove every row that came from a journal partition, to read it from offset 0 again."""
        async with self._connection.transaction():
            for table in (JOURNAL, DEMAND_LINES, RESERVATION_STATUS):
                await self._connection.execute(
                    f"DELETE FROM {table.name} WHERE partition = $1",  # noqa: S608 - our own names
                    partition,
                )
            await self._connection.execute(
                "INSERT INTO offsets (topic, partition, next_offset) VALUES ($1, $2, 0) "
                "ON CONFLICT (topic, partition) DO UPDATE SET next_offset = 0",
                contracts.JOURNAL.name,
                partition,
            )

    async def write(self, batch: Batch) -> None:
        """Write a batch with its offsets, all or nothing.

        ``Moved`` when the offsets are no longer those that the batch was read from.
        """
        while True:
            try:
                await self._write(batch)
            except _Met as met:
                self._met.add(met.table)
            else:
                break
        step("projector.after_commit")

    async def _write(self, batch: Batch) -> None:
        async with self._connection.transaction():
            await self._fence(batch.expected)
            step("projector.after_lock")
            for table, rows in batch.tables():
                await self._merge(table, rows)
                step("projector.between_tables")
            topics, partitions, nexts = _columns(batch.next_offsets)
            await self._connection.execute(
                "UPDATE offsets o SET next_offset = w.next_offset, updated_at = now() "
                "FROM unnest($1::text[], $2::int[], $3::bigint[]) AS w(topic, partition, "
                "next_offset) WHERE o.topic = w.topic AND o.partition = w.partition",
                topics,
                partitions,
                nexts,
            )
            step("projector.before_commit")

    async def _fence(self, expected: dict[Place, int]) -> None:
        """Lock the places, always in the same order, and compare where they stand."""
        topics, partitions, _ = _columns(expected)
        found = await self._connection.fetch(
            "SELECT o.topic, o.partition, o.next_offset FROM offsets o "
            "WHERE (o.topic, o.partition) IN (SELECT * FROM unnest($1::text[], $2::int[])) "
            "ORDER BY o.topic, o.partition FOR UPDATE",
            topics,
            partitions,
        )
        stands = {(row["topic"], row["partition"]): row["next_offset"] for row in found}
        moved = [place for place, offset in expected.items() if stands.get(place) != offset]
        if moved:
            raise Moved(moved)

    async def _merge(self, table: Table, rows: list[Row]) -> None:
        if not table.guard and table.name not in self._met:
            await self._append(table, rows)
            return
        await self._connection.copy_records_to_table(
            table.stage, records=rows, columns=list(table.columns)
        )
        answer = await self._connection.execute(table.merge_sql())
        if table is JOURNAL and int(answer.rsplit(" ", 1)[1]) < len(rows):
            await self._refuse_second_history()

    async def _append(self, table: Table, rows: list[Row]) -> None:
        """Copy rows that are only ever added; ``_Met`` when one is there already.

        Each record comes once, so that they are not: without a stage between they cost half.
        """
        try:
            await self._connection.copy_records_to_table(
                table.name, records=rows, columns=list(table.columns)
            )
        except asyncpg.UniqueViolationError as error:
            raise _Met(table.name) from error

    async def _refuse_second_history(self) -> None:
        """A fact that is there already must be the same record; else two histories were mixed."""
        other = await self._connection.fetchrow(
            f"SELECT s.sku, s.seq, s.partition, s.record_offset, j.record_offset AS known "  # noqa: S608 - our own names
            f"FROM {JOURNAL.stage} s JOIN journal j USING (sku, seq) "
            "WHERE (s.partition, s.record_offset) <> (j.partition, j.record_offset) LIMIT 1"
        )
        if other is not None:
            raise DefectError(
                f"fact {other['seq']} of SKU {other['sku']} is in the journal twice, at offsets "
                f"{other['known']} and {other['record_offset']}",
                where=f"journal partition {other['partition']}",
                remedy="Two ledgers have written this SKU. Stop the ledger and compare the facts.",
            )

    async def beat(self, started_at: datetime, seen_at: datetime | None) -> None:
        """Say that this projector lives, and until when it has read everything, where it has."""
        await self._connection.execute(
            "INSERT INTO projectors AS p (projector, started_at, beat_at, seen_at) "
            "VALUES ($1, $2, now(), $3) ON CONFLICT (projector) "
            "DO UPDATE SET beat_at = now(), seen_at = coalesce(excluded.seen_at, p.seen_at)",
            self.projector,
            started_at,
            seen_at,
        )

    async def report(self, seen: dict[Place, Seen]) -> None:
        """Say how far places have been read."""
        await self._connection.executemany(
            "INSERT INTO progress (topic, partition, projector, lag, record_at) "
            "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (topic, partition) DO "
            "UPDATE SET projector = excluded.projector, lag = excluded.lag, "
            "record_at = coalesce(excluded.record_at, progress.record_at)",
            [
                (topic, partition, self.projector, at.lag, at.record_at)
                for (topic, partition), at in seen.items()
            ],
        )

    async def prune(self) -> int:
        """Remove rows beyond their retention, a bounded number; how many were removed."""
        removed = 0
        for table in TABLES:
            keep = table.retention
            if keep is not None:
                answer = await self._connection.execute(
                    f"DELETE FROM {table.name} WHERE ctid = ANY(ARRAY(SELECT ctid FROM "  # noqa: S608 - our own names
                    f"{table.name} WHERE {keep.column} < now() - $1::interval LIMIT $2))",
                    keep.age,
                    PRUNE_ROWS_MAX,
                )
                removed += int(answer.rsplit(" ", 1)[1])
        await self._connection.execute(
            "DELETE FROM projectors WHERE beat_at < now() - $1::interval", PROJECTOR_ROW_AGE
        )
        return removed


def _columns(offsets: dict[Place, int]) -> tuple[list[str], list[int], list[int]]:
    places: Iterable[Place] = offsets
    return [t for t, _ in places], [p for _, p in places], list(offsets.values())


async def _close(connection: asyncpg.Connection) -> None:
    """Close in order, or at once when the server does not answer."""
    try:
        await connection.close(timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()
