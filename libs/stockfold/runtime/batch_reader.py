"""Reading a partition in the batches in which the broker keeps it, for who reads whole columns.

A consumer makes an object of each record, which costs more than all else that a bulk rebuild does
with it. aiokafka has the protocol and the ways to log in; its client runs on a thread of its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self, TypeVar

from aiokafka import errors
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.structs import TopicPartition

from stockfold.contracts.topics import Topic
from stockfold.domain.errors import UnavailableError
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import aiokafka_config
from stockfold.runtime.leaders import NOBODY, connected, leader
from stockfold.runtime.partition_reader import SILENCE_S
from stockfold.runtime.record_batches import Batch, Fetched, committed
from stockfold.runtime.settings import Settings

T = TypeVar("T")

FETCH_BYTES = 1024 * 1024
"""Of one answer; a larger batch comes whole all the same."""
_WAIT_MS = 500
_RETRY_S = 0.1
_READ_COMMITTED = 1
_ERROR = 1
_WITH_REPLICA = 11


class BatchReader:
    """Committed batches of partitions; a context with a connection. Not for several threads.

    SettingsError for a security option that aiokafka has no counterpart of.
    """

    def __init__(self, settings: Settings) -> None:
        self._config = aiokafka_config(settings)
        self._prefix = settings.environment.prefix
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="batches", daemon=True)
        self._client: AIOKafkaClient | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._client is not None:
            self._start(self._client.close()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def read(self, topic: Topic, partition: int, start: int, end: int) -> Iterator[list[Batch]]:
        """Committed batches that hold records from ``start`` to before ``end``.

        The first and the last may hold others too. UnavailableError when the broker falls silent.
        """
        place = TopicPartition(topic.full_name(self._prefix), partition)
        pending: Future[Fetched] | None = None
        try:
            while start < end:
                if pending is None:
                    pending = self._start(self._fetch(place, start))
                batches, start = pending.result()
                # The next is under way while this one is folded.
                pending = self._start(self._fetch(place, start)) if start < end else None
                if batches:
                    yield batches
        finally:
            if pending is not None:
                pending.cancel()

    def _start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _fetch(self, place: TopicPartition, offset: int) -> Fetched:
        """What lies at ``offset``, asked for again while the broker is away or has moved."""
        where = f"{place.topic} partition {place.partition}"
        deadline = SYSTEM_CLOCK.monotonic_s() + SILENCE_S
        while True:
            try:
                raw, aborted = await self._ask(place, offset)
            except errors.KafkaError as error:
                late = SYSTEM_CLOCK.monotonic_s() > deadline
                if late or not error.retriable:
                    raise UnavailableError(
                        f"the broker refuses offset {offset}: {type(error).__name__} {error}",
                        where=where,
                        remedy="Check the broker and the partition, then start again: what was "
                        "folded is kept.",
                    ) from error
                if error.invalid_metadata and self._client is not None:
                    await self._client.force_metadata_update()
            else:
                fetched = committed(raw, aborted, offset, where)
                if fetched.next_offset > offset:
                    return fetched
                if SYSTEM_CLOCK.monotonic_s() > deadline:
                    raise UnavailableError(
                        f"the broker has sent nothing for {SILENCE_S:.0f} s",
                        where=where,
                        remedy="Check the broker, then start again: what was folded is kept.",
                    )
            await asyncio.sleep(_RETRY_S)

    async def _ask(self, place: TopicPartition, offset: int) -> tuple[bytes, list[tuple[int, int]]]:
        """Bytes from ``offset``, and the aborted transactions among them."""
        if self._client is None:
            self._client = await connected(self._config)
        client = self._client
        await client.add_topic(place.topic)
        node = leader(client.cluster, place)
        if node == NOBODY:
            await client.force_metadata_update()
            raise errors.LeaderNotAvailableError(place)
        wanted = [(place.topic, [(place.partition, offset, FETCH_BYTES)])]
        answer = await client.send(
            node, FetchRequest(_WAIT_MS, 1, FETCH_BYTES, _READ_COMMITTED, wanted)
        )
        ((_, (found,)),) = answer.topics
        if found[_ERROR]:
            raise errors.for_code(found[_ERROR])(place)
        # The newest version has one field more between the two.
        aborted = found[-3 if answer.API_VERSION >= _WITH_REPLICA else -2]
        return found[-1], aborted or []
