"""Fetching partitions in the batches in which the broker keeps them, by who takes them.

There is no thread: requests go out and answers are taken in while the owner of the records asks for
some, from the socket's buffer where they wait. A thread of its own would want Python's lock for
each piece of an answer, while the owner decides.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import suppress
from itertools import chain, islice
from typing import Any, NamedTuple

import uvloop
from aiokafka import conn as connections
from aiokafka import errors
from aiokafka.client import AIOKafkaClient
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.structs import TopicPartition
from confluent_kafka import KafkaError, KafkaException

from stockfold.runtime.fetch_requests import Place, Row, Session
from stockfold.runtime.leaders import NOBODY, connected, leader
from stockfold.runtime.record_batches import Batch, committed

REQUEST_BYTES = 32 * 1024 * 1024
PLACE_BYTES = 1024 * 1024
"""Of one partition in an answer. A batch that is larger comes only alone, so no less than what a
broker takes by default; and an answer has room for what all partitions have: who merges topics
waits for each of them."""
WAITING_BYTES = 256 * 1024
"""Of one partition; while more waits here, no more is asked for."""
WAITING_BYTES_MAX = 64 * 1024 * 1024
"""Of all; while more waits, only partitions that have nothing here are asked for."""
RETRY_S, RETRY_S_MAX = 0.02, 1.0
_TURNS = 12
"""Of the event loop when nobody waits: enough to take in an answer that has come."""
connections.READER_LIMIT = REQUEST_BYTES
"""Of what a connection takes in before it waits for its reader. With aiokafka's 64 KiB an answer
came in by pieces, some for each time that the loop was let turn."""
_ASK_ANEW = frozenset(
    {KafkaError.FETCH_SESSION_ID_NOT_FOUND, KafkaError.INVALID_FETCH_SESSION_EPOCH}
)


class _Assigned:
    """An assigned partition."""

    __slots__ = (
        "arrivals",
        "bytes",
        "next_offset",
        "opened",
        "paused",
        "place",
        "silent_until_s",
        "told_end",
    )

    def __init__(self, place: TopicPartition, offset: int) -> None:
        self.place = place
        self.arrivals: deque[_Arrival] = deque()
        """What waits here."""
        self.opened: Iterator[Any] | None = None
        """The first batch that waits, where it is handed out already."""
        self.next_offset = offset
        self.told_end = -1
        self.bytes = 0
        """Of batches that wait here."""
        self.paused = False
        self.silent_until_s = 0.0
        """Not asked for before: the broker had an error."""


class _Arrival(NamedTuple):
    """A batch, from ``start`` on; or the end of its partition, at ``start``."""

    batch: Batch | None
    start: int


class Taken(NamedTuple):
    """Records of one partition in their order, or its end where there are none."""

    place: Place
    records: list[Any]
    """aiokafka's DefaultRecord."""
    end: int


class Fetcher:
    """Reads committed records of assigned partitions. Not for several threads.

    ``options`` are aiokafka's; ``wait_ms`` and ``bytes_min`` say how long the broker may keep an
    answer back while it has less.
    """

    def __init__(self, options: Mapping[str, Any], wait_ms: int, bytes_min: int) -> None:
        self._options = options
        self._wait_ms, self._bytes_min = wait_ms, bytes_min
        self._loop = uvloop.new_event_loop()
        self._client: AIOKafkaClient | None = None
        self._assigned: dict[Place, _Assigned] = {}
        self._sessions: dict[int, Session] = {}
        self._asking: dict[int, asyncio.Task[None]] = {}
        self._nodes: set[int] = set()
        """Brokers that led a partition when we last looked."""
        self._learning: asyncio.Task[None] | None = None
        self._ready: deque[_Assigned] = deque()
        """Partitions of which something waits here, by whose turn it is."""
        self._bytes = 0
        self._spinning: asyncio.Handle | None = None
        self._failure: BaseException | None = None
        self._retry_s = RETRY_S

    # --- for the owner ------------------------------------------------------------------------

    def assign(self, offsets: Mapping[Place, int]) -> None:
        """Read these partitions from their offsets, and no others."""
        for task in (*self._asking.values(), *([self._learning] if self._learning else ())):
            task.cancel()
        self._asking, self._learning, self._sessions, self._nodes = {}, None, {}, set()
        self._ready.clear()
        self._bytes = 0
        places = {TopicPartition(*place): offset for place, offset in offsets.items()}
        self._assigned = {place: _Assigned(place, offset) for place, offset in places.items()}

    def pause(self, places: list[Place], *, paused: bool) -> None:
        """Hand out and fetch none of these, or do so again."""
        for place in places:
            self._assigned[place].paused = paused

    def turn(self, wait_s: float) -> None:
        """Send requests and take in answers; wait so long at most until something has come."""
        self._ask()
        if wait_s > 0:
            timer = self._loop.call_later(wait_s, self._loop.stop)
            self._loop.run_forever()
            timer.cancel()
        else:
            self._spin(_TURNS)
            self._loop.run_forever()
            if self._spinning is not None:
                self._spinning.cancel()
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def take(self, records_max: int) -> list[Taken]:
        """What has come: at most so many records, and alike of each partition.

        Whoever merges topics takes one for read to its end until it hears otherwise.
        """
        found: list[Taken] = []
        paused = [of for of in self._ready if of.paused]
        ready = deque(of for of in self._ready if not of.paused)
        left = records_max
        while left > 0 and ready:
            each = max(1, left // len(ready))
            for _ in range(len(ready)):
                if left <= 0:
                    break
                of = ready.popleft()
                taken = self._of(of, min(left, each))
                found.append(taken)
                left -= len(taken.records) or 1
                if of.arrivals:
                    ready.append(of)
        self._ready = deque((*ready, *paused))
        return found

    def close(self) -> None:
        """Leave the brokers."""
        self.assign({})
        self._loop.run_until_complete(self._leave())
        self._loop.close()

    async def _leave(self) -> None:
        if self._client is not None:
            with suppress(errors.KafkaError, OSError):
                await self._client.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- handing out --------------------------------------------------------------------------

    def _of(self, of: _Assigned, most: int) -> Taken:
        batch, start = of.arrivals[0]
        if batch is None:
            of.arrivals.popleft()
            return Taken(of.place, [], start)
        if of.opened is None:
            of.opened = chain(DefaultRecordBatch(batch.whole))
        try:
            records = list(islice(of.opened, most))
        except errors.KafkaError as error:
            raise KafkaException(
                KafkaError(KafkaError.INVALID_MSG, f"{of.place}: {error!r}")
            ) from error
        if len(records) < most:
            of.arrivals.popleft()
            of.opened = None
            of.bytes -= len(batch.whole)
            self._bytes -= len(batch.whole)
        if records and records[0].offset < start:
            records = [record for record in records if record.offset >= start]
        return Taken(of.place, records, -1)

    # --- asking -------------------------------------------------------------------------------

    def _spin(self, turns: int) -> None:
        if turns:
            self._spinning = self._loop.call_soon(self._spin, turns - 1)
        else:
            self._loop.stop()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._failure = task.exception()
            self._loop.stop()

    def _ask(self) -> None:
        """Have a request under way to each broker that leads a partition which is wanted."""
        if not self._assigned or (self._nodes and self._nodes <= self._asking.keys()):
            return
        client = self._client
        if client is None:
            self._look_around()
            return
        now_s = self._loop.time()
        enough = WAITING_BYTES if self._bytes < WAITING_BYTES_MAX else 1
        nodes: set[int] = set()
        wanted: dict[int, dict[Place, int]] = {}
        for place, of in self._assigned.items():
            node = leader(client.cluster, place)
            if node == NOBODY:
                self._look_around()
                continue
            nodes.add(node)
            if node in self._asking or of.paused or of.silent_until_s > now_s:
                continue
            if of.bytes < enough:
                wanted.setdefault(node, {})[place] = of.next_offset
        self._nodes = nodes
        for node, offsets in wanted.items():
            self._asking[node] = self._start(self._fetch(client, node, offsets))

    def _look_around(self) -> None:
        if self._learning is None:
            self._learning = self._start(self._learn())

    async def _learn(self) -> None:
        """Connect, and ask who leads the partitions."""
        try:
            if self._client is None:
                self._client = await connected(self._options)
            await self._client.set_topics({topic for topic, _ in self._assigned})
            cluster = self._client.cluster
            if any(leader(cluster, place) == NOBODY for place in self._assigned):
                await self._client.force_metadata_update()
                await self._rest()
        except errors.KafkaError:
            await self._rest()
        self._learning = None
        self._ask()

    async def _fetch(self, client: AIOKafkaClient, node: int, offsets: dict[Place, int]) -> None:
        session = self._sessions.setdefault(node, Session())
        request = session.ask(offsets, self._wait_ms, self._bytes_min, (REQUEST_BYTES, PLACE_BYTES))
        try:
            answer = await client.send(node, request)
        except errors.KafkaError:
            await self._pause(client, session)
        else:
            if answer.error in _ASK_ANEW:
                session.restart()
            elif answer.error:
                await self._pause(client, session)
            else:
                session.answered(answer.session_id)
                self._retry_s = RETRY_S
                self._take_in(client, session, offsets, answer.rows)
        del self._asking[node]
        self._ask()

    async def _pause(self, client: AIOKafkaClient, session: Session) -> None:
        """The broker is away."""
        self._ask_anew(client, session)
        await self._rest()

    @staticmethod
    def _ask_anew(client: AIOKafkaClient, session: Session) -> None:
        """Perhaps another broker leads its partitions soon."""
        session.restart()
        client.force_metadata_update()

    async def _rest(self) -> None:
        await asyncio.sleep(self._retry_s)
        self._retry_s = min(self._retry_s * 2, RETRY_S_MAX)

    def _take_in(
        self, client: AIOKafkaClient, session: Session, asked: dict[Place, int], rows: list[Row]
    ) -> None:
        for row in rows:
            of = self._assigned.get(row.place)
            if of is None or asked.get(row.place) != of.next_offset:
                continue  # Another broker has answered meanwhile.
            if row.error:
                self._refused(client, session, of, row.error)
                continue
            topic, partition = row.place
            start = of.next_offset
            where = f"{topic} partition {partition}"
            waited = bool(of.arrivals)
            batches, of.next_offset = committed(row.raw, row.aborted, start, where)
            if batches and of.arrivals and of.arrivals[-1].batch is None:
                of.arrivals.pop()  # It is no end any more.
            for batch in batches:
                of.bytes += len(batch.whole)
                self._bytes += len(batch.whole)
                of.arrivals.append(_Arrival(batch, start))
            if of.next_offset >= row.stable_end and of.told_end != of.next_offset:
                of.told_end = of.next_offset
                of.arrivals.append(_Arrival(None, of.next_offset))
            if of.arrivals and not waited:
                self._ready.append(of)
        if self._ready:
            self._loop.stop()

    def _refused(self, client: AIOKafkaClient, session: Session, of: _Assigned, code: int) -> None:
        """Ask again soon where the partition moves; KafkaException for what will not pass."""
        kind = errors.for_code(code)
        topic, partition = of.place
        if not kind.retriable:
            what = f"{topic} partition {partition} offset {of.next_offset}: {kind.__name__}"
            raise KafkaException(KafkaError(code, what))
        self._ask_anew(client, session)
        of.silent_until_s = self._loop.time() + RETRY_S
