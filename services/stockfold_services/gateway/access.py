"""Who calls, and what they may send: the keys, followed from their topic."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Self

from confluent_kafka import KafkaException
from fastapi import Request

from stockfold.contracts.intake import Taken
from stockfold.contracts.json_text import Problem as Wrong
from stockfold.contracts.topics import API_KEYS
from stockfold.domain.errors import StockfoldError
from stockfold.runtime.clock import SYSTEM_CLOCK, Clock
from stockfold.runtime.follow import TopicFollower
from stockfold.runtime.keys import ApiKey, KeyBook
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.problems import Problem
from stockfold.runtime.settings import Settings

log = logging.getLogger(__name__)

LOOK_S = 0.25
RETRY_S = 2.0
STOP_S_MAX = 2.0
BURST_S = 2
BURST_EVENTS_MIN = 512
HERE = ("127.0.0.1", "localhost", "::1")
"""Names of this machine: whoever calls by another is led here by a foreign name server."""


class Access:
    """Knows the keys; an asynchronous context. Until they were read once nobody may do anything."""

    def __init__(self, settings: Settings, clock: Clock = SYSTEM_CLOCK) -> None:
        self._settings = settings
        self._clock = clock
        self._book = KeyBook()
        self._read = asyncio.Event()
        self._follower = TopicFollower(settings, API_KEYS, "gateway.keys")
        self._stop = threading.Event()
        self._rates: dict[str, _Rate] = {}

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        # A thread of its own that may be left behind: without Kafka it hangs for long in one call.
        self._thread = threading.Thread(target=self._follow, name="api-keys", daemon=True)
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await asyncio.to_thread(self._thread.join, STOP_S_MAX)

    @property
    def is_known(self) -> bool:
        """Whether the keys were read, and are followed."""
        return self._read.is_set()

    async def a_key_exists(self, stop: asyncio.Event) -> bool:
        """Whether there is a key, as soon as that is known; False when ``stop`` came first."""
        stopped, read = asyncio.create_task(stop.wait()), asyncio.create_task(self._read.wait())
        await asyncio.wait((stopped, read), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        read.cancel()
        return len(self._book) > 0

    def caller(self, request: Request) -> ApiKey | None:
        """The key of a request; None as long as there is none at all. Problem 401, 403, 503."""
        if not self.is_known:
            raise Problem(503, "Not available now", "The API keys were not read from Kafka yet.")
        if not len(self._book):
            if request.url.hostname not in HERE:
                raise Problem(403, "Not allowed", "Until an API key exists, call it by 127.0.0.1.")
            return None
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Problem(
                401, "Key missing", "Send the header Authorization: Bearer and your API key."
            )
        key = self._book.holder(token.strip())
        if key is None:
            raise Problem(401, "Key not known", "Check the API key, or have a new one made.")
        why = key.refusal(self._clock.now_us())
        if why:
            raise Problem(401, "Key not valid", f"{why} Have a new one made.")
        return key

    def count(self, key: ApiKey | None, events: int) -> None:
        """Count events against the rate of their key. Problem 429 beyond it, then none counts."""
        if key is None:
            return
        rate = self._rates.setdefault(key.key, _Rate())
        wait_s = rate.wait_s(key.events_per_s, events)
        if wait_s:
            raise Problem(
                429,
                "Too many events",
                f"The key {key.name} may send {key.events_per_s} events a second. "
                "Nothing of this request was taken.",
                retry_after_s=wait_s,
            )

    def _follow(self) -> None:
        try:
            while not self._stop.is_set():
                self._stop.wait(self._look())
        finally:
            # Nobody is let in by keys that are followed no more.
            self._say(self._read.clear)
            self._follower.close()

    def _look(self) -> float:
        """Take what has come; the seconds until the next look."""
        try:
            if not self._read.is_set():
                self._read_whole()
                self._say(self._read.set)
            for record in self._follower.poll():
                self._book.apply(record)
        except (StockfoldError, KafkaException) as error:
            log.warning("the API keys were not read: %s", error)
            return RETRY_S
        return LOOK_S

    def _say(self, what: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # The loop has ended, and with it whoever waited.
            self._loop.call_soon_threadsafe(what)

    def _read_whole(self) -> None:
        book = KeyBook()
        for batch in self._follower.read_whole(PartitionReader(self._settings)):
            for record in batch:
                book.apply(record)
        self._book = book


def not_allowed(key: ApiKey | None, taken: Taken) -> Wrong | None:
    """What its key does not allow of an event."""
    if key is None:
        return None
    beyond = key.beyond(taken.envelope.source, taken.envelope.type, taken.body)
    if not beyond:
        return None
    return Wrong(
        "not_allowed",
        "$",
        f"is of {beyond} which the key {key.name} may not send",
        "Send it with a key that may, or have this one made wider.",
    )


class _Rate:
    """What a key may still send: it grows with time, up to a burst."""

    def __init__(self) -> None:
        self._at_s = time.monotonic()
        self._left = math.inf

    def wait_s(self, events_per_s: int, events: int) -> int:
        """Take the events; or whole seconds until they may be taken, and nothing is taken."""
        now_s = time.monotonic()
        burst = max(BURST_S * events_per_s, BURST_EVENTS_MIN)
        self._left = min(self._left + (now_s - self._at_s) * events_per_s, burst)
        self._at_s = now_s
        if events > self._left:
            return max(math.ceil((events - self._left) / events_per_s), 1)
        self._left -= events
        return 0
