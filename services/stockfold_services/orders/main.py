"""The orders process: two exactly-once loops, one that decides and one that brings it answers."""

from __future__ import annotations

import threading
from contextlib import ExitStack

from stockfold.domain.errors import DefectError
from stockfold.runtime.clock import SYSTEM_CLOCK, Clock
from stockfold.runtime.exactly_once import ExactlyOnceLoop
from stockfold.runtime.kafka import wait_for_topics
from stockfold.runtime.processor import Processor
from stockfold.runtime.serve import serve
from stockfold.runtime.settings import Settings
from stockfold.runtime.telemetry.loop import lag_told
from stockfold.runtime.telemetry.tracing import OFF, Traces, traces_of
from stockfold.runtime.watchdog import ends_when_stalled
from stockfold_services.orders.processor import OrdersProcessor
from stockfold_services.orders.router import AnswerRouter


def run(settings: Settings, stop: threading.Event, *, clock: Clock = SYSTEM_CLOCK) -> None:
    """Serve this instance's share of the partitions until ``stop``.

    SettingsError when the topics have unequal partition counts.
    """
    if not wait_for_topics(settings, stop):
        return
    traces = traces_of(settings, "orders")
    processor = OrdersProcessor(settings, traces=traces)
    router = AnswerRouter(settings.kafka.order_partitions)
    processors: list[Processor] = [processor, router]
    loops = [_loop(settings, processor, clock, traces), _loop(settings, router, clock, OFF)]
    failures: list[BaseException] = []
    ended = threading.Event()

    def work(loop: ExactlyOnceLoop) -> None:
        try:
            loop.run(ended)
        except BaseException as error:  # noqa: BLE001  (raised below, by the thread that waits)
            failures.append(error)
        ended.set()

    threads = [threading.Thread(target=work, args=(loop,), daemon=True) for loop in loops]
    with (
        ends_when_stalled([loop.pulse for loop in loops], settings.environment.stall_limit_s),
        ExitStack() as told,
    ):
        for one, loop in zip(processors, loops, strict=True):
            told.enter_context(lag_told(settings, one.name, one.inputs, loop.positions))
        for thread in threads:
            thread.start()
        while not stop.wait(0.1) and not ended.is_set():
            pass
        ended.set()
        for thread in threads:
            thread.join()
    processor.close()
    if failures:
        raise failures[0]
    if not stop.is_set():
        raise DefectError("one of the loops of orders ended without being asked to")


def _loop(
    settings: Settings, processor: Processor, clock: Clock, traces: Traces
) -> ExactlyOnceLoop:
    return ExactlyOnceLoop(
        settings,
        processor,
        instance=settings.orders.instance,
        batch_events_max=settings.orders.batch_events_max,
        batch_ms_max=settings.orders.batch_ms_max,
        clock=clock,
        traces=traces,
    )


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    serve("orders", run)


if __name__ == "__main__":
    main()
