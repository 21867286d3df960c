"""Time that jumps to the next moment that somebody waits for."""

from __future__ import annotations

import asyncio

import pytest

from stockfold_services.publisher.conformance.virtual_time import VirtualClock, VirtualLoop

BEGAN_S = 1_700_000_000.0


def test_hours_of_waiting_pass_in_order_and_take_no_time() -> None:
    loop = VirtualLoop()
    clock = VirtualClock(loop, BEGAN_S)
    passed: list[float] = []
    loop.passed = passed.append
    woke: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        woke.append((name, clock.monotonic_s()))

    async def both() -> None:
        await asyncio.gather(sleeper("late", 7_200.0), sleeper("soon", 60.0))

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(both())
    assert woke == [("soon", 60.0), ("late", 7_200.0)]
    assert sum(passed) == pytest.approx(7_200.0)
    assert clock.now_us() == 1_700_007_200_000_000


def test_what_waits_for_nothing_is_told_instead_of_hanging() -> None:
    loop = VirtualLoop()

    async def forever() -> None:
        await asyncio.Event().wait()

    task = loop.create_task(forever())
    with pytest.raises(RuntimeError, match="never happen"):
        loop.run_until_complete(task)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()


def test_what_is_meant_for_a_thread_is_done_before_time_goes_on() -> None:
    loop = VirtualLoop()

    def fails() -> None:
        raise ValueError("as it should")

    async def work() -> tuple[int, float]:
        answer = await asyncio.to_thread(lambda: 42)
        with pytest.raises(ValueError, match="as it should"):
            await asyncio.to_thread(fails)
        return answer, loop.time()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        assert runner.run(work()) == (42, 0.0)


def test_a_wait_that_would_stop_the_loop_is_refused() -> None:
    loop = VirtualLoop()
    with pytest.raises(RuntimeError, match="would stop"):
        VirtualClock(loop, BEGAN_S).sleep(1.0)
    loop.close()
