"""The availability process: what each channel may promise, told when it changes."""

from __future__ import annotations

import signal
import threading

from stockfold.runtime.exactly_once import ExactlyOnceLoop
from stockfold.runtime.logs import configure
from stockfold.runtime.settings import Settings, load
from stockfold_services.availability.policies import KafkaPolicyFeed
from stockfold_services.availability.processor import AvailabilityProcessor


def run(settings: Settings, stop: threading.Event) -> None:
    """Serve this instance's share of the partitions until ``stop``."""
    feed = KafkaPolicyFeed(settings)
    loop = ExactlyOnceLoop(
        settings,
        AvailabilityProcessor(feed),
        instance=settings.availability.instance,
        batch_events_max=settings.availability.batch_events_max,
        batch_ms_max=settings.availability.batch_ms_max,
    )
    try:
        loop.run(stop)
    finally:
        feed.close()


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    configure("availability")
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    run(load(), stop)


if __name__ == "__main__":
    main()
