"""What really was in force, silent and told in a period, as topics and read model have kept it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

import asyncpg
import msgspec

from stockfold.availability.policy import Policy
from stockfold.availability.what_if_figures import Period
from stockfold.availability.what_if_sides import Revision, Silences
from stockfold.availability.what_was import Record, Told
from stockfold.contracts.codec import decode
from stockfold.contracts.policies import read_policy
from stockfold.contracts.topics import AVAILABILITY, KEPT_MS, POLICIES, REFERENCE, SCHEDULE
from stockfold.domain.errors import ContractError, StockfoldError
from stockfold.domain.times import format_us, from_us, to_us
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.postgres import UNAVAILABLE, schema_name
from stockfold.runtime.settings import Settings
from stockfold_services.availability.scheduler import Scheduler
from stockfold_services.rebuild.building import connected

_COLUMNS = "channel, sku, version, quantity, status, seq, recorded_at AS recorded_us"
_WITHIN = f"""
SELECT {_COLUMNS} FROM availability_history
WHERE partition = $1 AND recorded_at >= $2 AND recorded_at < $3
"""  # noqa: S608 - our own names
_BEFORE = f"""
SELECT DISTINCT ON (channel, sku) {_COLUMNS} FROM availability_history
WHERE partition = $1 AND recorded_at < $2 ORDER BY channel, sku, version DESC
"""  # noqa: S608 - our own names


class Policies(msgspec.Struct):
    """The revisions of each channel, each from its time on, and what of them is not kept."""

    revisions: dict[str, list[Revision]] = msgspec.field(default_factory=dict)
    notes: list[str] = msgspec.field(default_factory=list)


def policies_then(reader: PartitionReader, period: Period) -> Policies:
    """The policies that were in force, by the broker's times of their records.

    Where revisions are gone, the one before stands for them, or else the next, and a note says so.
    """
    found = Policies()
    for batch in reader.read(POLICIES, 0):
        for record in batch:
            at_us = record.timestamp()[1] * 1000
            if record.value() is None:
                channel = (record.key() or b"").decode("utf-8", "replace")
                found.revisions.setdefault(channel, []).append((at_us, None))
                continue
            try:
                policy = read_policy(record.value())
            except ContractError:
                continue  # As the services do: the revision before stayed in force.
            _add(found, policy, at_us, period)
    return found


def _add(found: Policies, policy: Policy, at_us: int, period: Period) -> None:
    turns = found.revisions.setdefault(policy.channel, [])
    since_us, last = turns[-1] if turns else (0, None)
    known = 0 if last is None else last.revision
    if last is not None and policy.revision <= known:
        return
    gone = policy.revision > known + 1
    if gone and since_us < period.to_us and at_us > period.from_us:
        found.notes.append(
            f"Of {policy.channel} no policy between the revisions {known} and {policy.revision} is "
            f"kept: before {format_us(at_us)}, revision {known or policy.revision} stands for them."
        )
    turns.append((0 if gone and not turns else at_us, policy))


def silences_then(reader: PartitionReader) -> Silences:
    """Which locations were silent from when on, as every availability process came to know it."""
    scheduler = Scheduler()
    for batch in reader.read(REFERENCE, 0):
        scheduler.take_reference(batch)
    found: list[tuple[int, Mapping[str, int]]] = []
    for batch in reader.read(SCHEDULE, 0):
        for record in batch:
            before = scheduler.times.silent
            silent = scheduler.apply([record]).silent
            if silent != before:
                found.append((record.timestamp()[1] * 1000, silent))
    return found


def kept_since_us() -> int:
    """Since when old marks of sources are kept for sure: compaction leaves them alone so long."""
    return SYSTEM_CLOCK.now_us() - KEPT_MS * 1000


class ToldReader:
    """Reads what channels were told, from the availability topic and the read model's history.

    The topic has the latest of every listing, the history 30 days of all. Without a PostgreSQL
    that answers there is the topic alone, and ``note`` says so.
    """

    def __init__(self, settings: Settings, reader: PartitionReader, period: Period) -> None:
        self._settings = settings
        self._reader = reader
        self._period = period
        self.note = ""

    def record(self, partition: int) -> Record:
        """What was told of one partition's SKUs in the period, and last before it."""
        return Record([*self._of_topic(partition), *self._of_history(partition)])

    def _of_topic(self, partition: int) -> Iterator[Told]:
        end = self._reader.settled_end(AVAILABILITY, partition)
        for batch in self._reader.read(AVAILABILITY, partition, end=end):
            for record in batch:
                if record.value() is not None:
                    body = decode(record.value())[1]
                    yield Told(
                        body["channel"],
                        body["sku"],
                        body["version"],
                        body["quantity"],
                        body["status"],
                        body["seq"],
                        body["recorded_at"],
                    )

    def _of_history(self, partition: int) -> list[Told]:
        if self.note:
            return []
        try:
            return asyncio.run(self._ask(partition))
        except (*UNAVAILABLE, asyncpg.PostgresError, StockfoldError) as error:
            self.note = (
                "The read model did not answer, so what channels were told is known only as far "
                f"as the availability topic still has it ({error})."
            )
            return []

    async def _ask(self, partition: int) -> list[Told]:
        begins, ends = from_us(self._period.from_us), from_us(self._period.to_us)
        async with connected(self._settings, schema_name(self._settings.prefix)) as connection:
            before = await connection.fetch(_BEFORE, partition, begins)
            within = await connection.fetch(_WITHIN, partition, begins, ends)
        return [
            Told(**{**dict(row), "recorded_us": to_us(row["recorded_us"])})
            for row in (*before, *within)
        ]
