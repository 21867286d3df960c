"""The ledger process: the single writer of each SKU."""

from __future__ import annotations

import gc
import threading

from stockfold.runtime.clock import SYSTEM_CLOCK, Clock
from stockfold.runtime.exactly_once import ExactlyOnceLoop
from stockfold.runtime.kafka import wait_for_topics
from stockfold.runtime.serve import serve
from stockfold.runtime.settings import Settings
from stockfold.runtime.snapshots import open_store
from stockfold.runtime.telemetry.loop import lag_told
from stockfold.runtime.telemetry.tracing import traces_of
from stockfold.runtime.watchdog import ends_when_stalled
from stockfold_services.ledger.processor import LedgerProcessor


def run(settings: Settings, stop: threading.Event, *, clock: Clock = SYSTEM_CLOCK) -> None:
    """Serve this instance's share of the partitions until ``stop``.

    SettingsError when the SKU-keyed topics have unequal partition counts.
    """
    if not wait_for_topics(settings, stop):
        return
    traces = traces_of(settings, "ledger")
    processor = LedgerProcessor(settings, snapshots=open_store(settings), traces=traces)
    loop = ExactlyOnceLoop(
        settings,
        processor,
        instance=settings.ledger.instance,
        batch_events_max=settings.ledger.batch_events_max,
        batch_ms_max=settings.ledger.batch_ms_max,
        merge_wait_ms=settings.ledger.merge_wait_ms,
        clock=clock,
        traces=traces,
    )
    # What the ledger holds lives long and has no cycles: the collector's rounds over millions of
    # objects would find nothing and stop the loop for seconds.
    gc.disable()
    try:
        with (
            lag_told(settings, processor.name, processor.inputs, loop.positions),
            ends_when_stalled(loop.pulses, settings.environment.stall_limit_s),
        ):
            loop.run(stop)
    finally:
        gc.enable()
        processor.close()


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    serve("ledger", run)


if __name__ == "__main__":
    main()
