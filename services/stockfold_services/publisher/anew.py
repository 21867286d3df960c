"""A channel's connection lives until it is told to stop: when Kafka is lost it begins anew."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable

from aiokafka.errors import KafkaError
from confluent_kafka import KafkaException

from stockfold.domain.errors import UnavailableError
from stockfold.runtime.clock import SYSTEM_CLOCK, Clock
from stockfold_services.publisher.retry import RetryPolicy

log = logging.getLogger(__name__)

SERVER_RETRY = RetryPolicy(base_s=0.5, cap_s=30.0)
HEALTHY_S = 60.0
LOST = (KafkaError, KafkaException, UnavailableError, ConnectionError, TimeoutError)


async def lived_anew(
    channel: str,
    life: Callable[[], Awaitable[None]],
    stop: asyncio.Event,
    *,
    policy: RetryPolicy = SERVER_RETRY,
    clock: Clock = SYSTEM_CLOCK,
) -> None:
    """``life`` over and over until ``stop``, with nothing remembered from one to the next.

    One that Kafka ended is waited for a little longer each time, until one has lasted a minute.
    What else a life raises ends them all.
    """
    rng = random.Random()  # noqa: S311 - jitter, not a secret
    failures = 0
    while not stop.is_set():
        started_s = clock.monotonic_s()
        try:
            await _cancelled_by_us_alone(life)
        except* LOST as group:
            lived_s = clock.monotonic_s() - started_s
            failures = 0 if lived_s > HEALTHY_S else failures + 1
            delay_s = policy.delay_s(failures, rng)
            reasons = "; ".join(f"{type(e).__name__} {e}" for e in _leaves(group))
            log.warning(
                "channel %s stands still, Kafka is not there (%s); again in %.1f s",
                channel,
                reasons,
                delay_s,
            )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), delay_s)


async def _cancelled_by_us_alone(life: Callable[[], Awaitable[None]]) -> None:
    """A cancellation that nobody asked for is a Kafka client's own, which it lets out.

    A task group would take it for ours, and the channel would end without a word.
    """
    try:
        await life()
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise ConnectionAbortedError("a client was cancelled within itself") from error


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
