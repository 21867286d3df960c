"""The availability process: what each channel may promise, told when it changes."""

from __future__ import annotations

import threading

from stockfold.contracts.topics import REFERENCE, SCHEDULE
from stockfold.runtime.exactly_once import ExactlyOnceLoop
from stockfold.runtime.follow import TopicFollower
from stockfold.runtime.serve import serve
from stockfold.runtime.settings import Settings
from stockfold.runtime.telemetry.loop import lag_told
from stockfold.runtime.telemetry.tracing import traces_of
from stockfold.runtime.watchdog import ends_when_stalled
from stockfold_services.availability.policies import KafkaPolicyFeed
from stockfold_services.availability.processor import AvailabilityProcessor


def run(settings: Settings, stop: threading.Event) -> None:
    """Serve this instance's share of the partitions until ``stop``."""
    feed = KafkaPolicyFeed(settings)
    reference = TopicFollower(settings, REFERENCE, "availability.reference")
    schedule = TopicFollower(settings, SCHEDULE, "availability.schedule")
    traces = traces_of(settings, "availability")
    processor = AvailabilityProcessor(
        feed,
        settings.kafka.sku_partitions,
        reference,
        schedule,
        settings.availability.instance,
        traces,
    )
    loop = ExactlyOnceLoop(
        settings,
        processor,
        instance=settings.availability.instance,
        batch_events_max=settings.availability.batch_events_max,
        batch_ms_max=settings.availability.batch_ms_max,
        traces=traces,
    )
    try:
        with (
            lag_told(settings, processor.name, processor.inputs, loop.positions),
            ends_when_stalled(loop.pulses, settings.environment.stall_limit_s),
        ):
            loop.run(stop)
    finally:
        feed.close()
        reference.close()
        schedule.close()


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    serve("availability", run)


if __name__ == "__main__":
    main()
