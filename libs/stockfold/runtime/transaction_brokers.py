"""Asking the brokers of a transaction, on a thread of its own, until they take what they are told.

aiokafka has the protocol and the ways to log in.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from aiokafka import errors
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from confluent_kafka import KafkaError

from stockfold.runtime.leaders import connected
from stockfold.runtime.transaction_requests import MOVED, NOT_NOW, refusal

RETRY_S, RETRY_S_MAX = 0.002, 0.1


class Brokers:
    """The brokers that ``options`` of aiokafka lead to. Its coroutines run within ``wait``."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self._coordinators: dict[tuple[int, str], int] = {}
        self._client: AIOKafkaClient | None = None
        self._trouble = ""
        """Why the last request has to be repeated."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="brokers", daemon=True)
        self._thread.start()

    def wait(self, work: Coroutine[Any, Any, None], timeout_s: float) -> None:
        """Run it to its end, from another thread; a negative time-out is none. KafkaException."""
        asyncio.run_coroutine_threadsafe(self._within(work, timeout_s), self._loop).result()

    def close(self) -> None:
        """Leave them."""
        if self._client is not None:
            asyncio.run_coroutine_threadsafe(self._client.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def client(self) -> AIOKafkaClient:
        """Connected."""
        if self._client is None:
            self._client = await connected(self._options)
        return self._client

    async def coordinator(self, kind: int, key: str, request: Any) -> Any:
        """The answer of who coordinates a group, or a transactional id."""
        client = await self.client()
        node = self._coordinators.get((kind, key))
        if node is None:
            node = self._coordinators[kind, key] = await client.coordinator_lookup(kind, key)
        return await client.send(node, request, group=ConnectionGroup.COORDINATION)

    async def until_taken(self, ask: Callable[[], Awaitable[int]]) -> None:
        """Ask until the code is 0; KafkaException for an error that will not pass."""
        pause_s = RETRY_S
        while code := await self._code_of(ask):
            if code in MOVED:
                self._coordinators.clear()
            if code != KafkaError.CONCURRENT_TRANSACTIONS and self._client is not None:
                self._client.force_metadata_update()
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 1.5, RETRY_S_MAX)

    async def _code_of(self, ask: Callable[[], Awaitable[int]]) -> int:
        try:
            code = await ask()
        except errors.KafkaError as error:
            self._trouble = f"{type(error).__name__} {error}"
            known = getattr(error, "errno", 0)
            if not error.retriable and known not in NOT_NOW:
                failed = known or KafkaError._FAIL  # noqa: SLF001  (its public name)
                raise refusal(failed, self._trouble) from error
            self._coordinators.clear()
            return KafkaError.NETWORK_EXCEPTION
        self._trouble = KafkaError(code).str() if code else ""
        return code

    async def _within(self, work: Coroutine[Any, Any, None], timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s if timeout_s >= 0 else None):
                await work
        except TimeoutError:
            text = f"the brokers did not take it in {timeout_s:g} s; {self._trouble or 'no answer'}"
            raise refusal(KafkaError._TIMED_OUT, text) from None  # noqa: SLF001  (see above)
