"""A publisher that stood still sends nothing of what it had in hand."""

from __future__ import annotations

import asyncio
import time

import pytest

from stockfold.domain.errors import UnavailableError
from stockfold_services.publisher.awake import Awake


async def test_whoever_runs_on_may_send() -> None:
    awake = Awake("channel woo", 5.0)
    awake.prove()  # Not even watched yet.
    watch = asyncio.create_task(awake.watch())
    await asyncio.sleep(0)
    awake.prove()
    watch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watch


async def test_whoever_stood_still_may_not_send_and_its_watch_says_so_too() -> None:
    awake = Awake("channel woo", 0.05)
    watch = asyncio.create_task(awake.watch())
    await asyncio.sleep(0)
    time.sleep(0.06)  # noqa: ASYNC251 - the event loop stands still, as in a stopped process
    with pytest.raises(UnavailableError, match="stood still"):
        awake.prove()
    with pytest.raises(UnavailableError, match="stood still"):
        await watch
