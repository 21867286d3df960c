"""The feed of availability changes: who reads it, from where, and what woke it.

A client is told, partition by partition in the order of the records, the latest version of every
listing that has changed behind its position. Versions in between may be passed over; a listing's
versions only rise; nothing that has changed is missed, however long the client was away, for the
table holds the latest version of every listing for ever.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Mapping
from contextlib import suppress

import asyncpg
import msgspec

from stockfold.contracts.topics import AVAILABILITY
from stockfold.domain.errors import StockfoldError
from stockfold_services.api.database import Database
from stockfold_services.api.problems import Problem

log = logging.getLogger(__name__)

CLIENTS_MAX = 64
POLL_S = 0.2
PAGE_ROWS_MAX = 512
PARTITIONS_MAX = 10_000

_ENDS = """
SELECT (SELECT kafka_cluster_id || '/' || prefix FROM origin LIMIT 1) AS origin,
    o.partition, o.next_offset
FROM (VALUES (1)) AS one LEFT JOIN offsets o ON o.topic = $1 ORDER BY o.partition
"""
# Every record in the table lies before its partition's next offset, in the same snapshot.
_PAGE = """
SELECT a.* FROM unnest($1::int[], $2::bigint[]) AS c(partition, next_offset)
CROSS JOIN LATERAL (
    SELECT channel, sku, quantity, status, next_available, lead_time_days, locations, version,
        policy_revision, seq, recorded_at, partition, record_offset
    FROM availability
    WHERE partition = c.partition AND record_offset >= c.next_offset
    AND ($3::text IS NULL OR channel = $3)
    ORDER BY record_offset LIMIT $4
) AS a ORDER BY a.partition, a.record_offset
"""


class Position(msgspec.Struct, frozen=True):
    """How far a client has read: the next record offset of each partition.

    ``stamp`` is of the environment whose offsets these are: those of another mean nothing here.
    """

    stamp: str
    offsets: tuple[tuple[int, int], ...]

    def text(self) -> str:
        """The id of an event, which a client hands back to go on behind it."""
        return self.stamp + "".join(f".{p}-{offset}" for p, offset in self.offsets)


def read_position(text: str) -> Position:
    """The position that an id names; Problem 422 when it is none."""
    stamp, *parts = text.split(".")
    pairs = [part.split("-") for part in parts]
    if (
        len(stamp) != 12
        or len(pairs) > PARTITIONS_MAX
        or not all(len(p) == 2 and all(n.isascii() and n.isdigit() for n in p) for p in pairs)
        or any(len(number) > 18 for pair in pairs for number in pair)
    ):
        raise Problem(422, "Input not valid", "after: not an id of this feed")
    return Position(stamp, tuple((int(p), int(offset)) for p, offset in pairs))


class Page(msgspec.Struct):
    """What has changed behind a position, the position behind it, and whether more is there."""

    rows: list[asyncpg.Record]
    position: Position
    more: bool


class Changes:
    """What the feed's clients share: their number, and one look at the offsets for all of them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._clients = 0
        self._woken = asyncio.Event()
        self._poller: asyncio.Task[None] | None = None
        self._ends: Mapping[int, int] = {}
        self.closing = False

    def enter(self) -> None:
        """One more client; Problem 503 when there are too many."""
        if self.closing or self._clients >= CLIENTS_MAX:
            raise Problem(503, "Too many listen", f"{CLIENTS_MAX} clients read the feed already.")
        self._clients += 1
        if self._poller is None:
            self._poller = asyncio.create_task(self._poll())

    def leave(self) -> None:
        """One client less; the last one stops the looking."""
        self._clients -= 1
        if not self._clients and self._poller is not None:
            self._poller.cancel()
            self._poller = None

    def close(self) -> None:
        """End every stream: the process stops."""
        self.closing = True
        self._wake()

    async def start(self, after: str | None) -> Position:
        """Where a client begins: behind ``after``, at the beginning for ``0``, else now.

        Problem 410 when the id is of another environment, or of offsets that are not there.
        """
        asked = None if after in {None, "0"} else read_position(after or "")
        stamp, ends = await self._look()
        if asked is None:
            return Position(stamp, tuple((p, 0 if after == "0" else end) for p, end in ends))
        known = dict(ends)
        if asked.stamp != stamp or any(o > known.get(p, 0) for p, o in asked.offsets):
            raise Problem(
                410,
                "Id of another past",
                "The id is not of this environment's records. Read everything anew, from after=0.",
            )
        return asked

    async def page(self, position: Position, channel: str | None) -> Page:
        """What has changed behind a position, a bounded number of rows."""
        async with self._database.reading() as connection:
            _, ends = await _ends(connection)
            begins = dict(position.offsets)
            starts = [(p, begins.get(p, 0)) for p, _ in ends]
            limit = max(PAGE_ROWS_MAX // max(len(starts), 1), 1)
            rows = await connection.fetch(
                _PAGE, [p for p, _ in starts], [o for _, o in starts], channel, limit
            )
        nexts = dict(ends)
        full = set()
        counts: dict[int, int] = {}
        for row in rows:
            place = row["partition"]
            counts[place] = counts.get(place, 0) + 1
            if counts[place] == limit:
                full.add(place)
                nexts[place] = row["record_offset"] + 1
        return Page(rows, Position(position.stamp, tuple(sorted(nexts.items()))), bool(full))

    async def changed(self, position: Position, wait_s: float) -> None:
        """Until there is anything behind a position, or the time is over."""
        deadline = asyncio.get_running_loop().time() + wait_s
        while not self.closing and not self._behind(position):
            left_s = deadline - asyncio.get_running_loop().time()
            if left_s <= 0:
                return
            woken = self._woken
            with suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), left_s)

    def _behind(self, position: Position) -> bool:
        known = dict(position.offsets)
        return any(end > known.get(p, 0) for p, end in self._ends.items())

    async def _poll(self) -> None:
        while True:
            try:
                _, ends = await self._look()
            except (StockfoldError, Problem) as error:
                log.warning("the feed of changes waits for the read model: %s", error)
            else:
                if dict(ends) != self._ends:
                    self._ends = dict(ends)
                    self._wake()
            await asyncio.sleep(POLL_S)

    def _wake(self) -> None:
        woken, self._woken = self._woken, asyncio.Event()
        woken.set()

    async def _look(self) -> tuple[str, list[tuple[int, int]]]:
        async with self._database.asking() as connection:
            return await _ends(connection)


async def _ends(connection: asyncpg.Connection) -> tuple[str, list[tuple[int, int]]]:
    rows = await connection.fetch(_ENDS, AVAILABILITY.name)
    stamp = hashlib.sha256((rows[0]["origin"] or "").encode()).hexdigest()[:12]
    return stamp, [(r["partition"], r["next_offset"]) for r in rows if r["partition"] is not None]
