"""A channel's connection begins anew when Kafka is lost, and ends only when it shall."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from aiokafka.errors import KafkaConnectionError
from confluent_kafka import KafkaError, KafkaException

from stockfold.domain.errors import UnavailableError
from stockfold_services.publisher.anew import lived_anew
from stockfold_services.publisher.retry import RetryPolicy

AT_ONCE = RetryPolicy(base_s=0.0, cap_s=0.0)


class Lives:
    """Ends of the first lives, each by its own error; the last one is in order, and stops."""

    def __init__(self, *errors: Callable[[], BaseException]) -> None:
        self.stop = asyncio.Event()
        self.lived = 0
        self._errors = errors

    async def __call__(self) -> None:
        self.lived += 1
        if self.lived <= len(self._errors):
            error = self._errors[self.lived - 1]
            raise error()
        self.stop.set()


@pytest.mark.parametrize(
    "error",
    [
        KafkaConnectionError,
        lambda: KafkaException(KafkaError(KafkaError._TRANSPORT)),
        lambda: UnavailableError("no answer", where="the broker", remedy="Check it."),
        ConnectionResetError,
        TimeoutError,
        asyncio.CancelledError,
        lambda: ExceptionGroup("two", [KafkaConnectionError(), TimeoutError()]),
    ],
)
async def test_a_life_that_kafka_ended_is_followed_by_another(
    error: Callable[[], BaseException],
) -> None:
    lives = Lives(error, error)
    async with asyncio.TaskGroup() as group:
        group.create_task(lived_anew("woo", lives, lives.stop, policy=AT_ONCE))
    assert lives.lived == 3


async def test_a_defect_ends_it() -> None:
    lives = Lives(lambda: ValueError("a defect"))
    with pytest.raises(ValueError, match="a defect"):
        await lived_anew("woo", lives, lives.stop, policy=AT_ONCE)
    assert lives.lived == 1


async def test_who_is_cancelled_from_outside_lives_no_more() -> None:
    began = asyncio.Event()
    lived = 0

    async def life() -> None:
        nonlocal lived
        lived += 1
        began.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(lived_anew("woo", life, asyncio.Event(), policy=AT_ONCE))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert lived == 1
