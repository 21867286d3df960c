"""The ERP process: hands sold orders on, each version at least once and never an older one last."""

from __future__ import annotations

import logging
import threading

from confluent_kafka import Consumer, KafkaException

from stockfold.contracts.topics import ORDER_STATUS
from stockfold.domain.errors import UnavailableError
from stockfold.orders.sink import OrderSink
from stockfold.runtime.kafka import confluent_config, group_id, wait_for_topics
from stockfold.runtime.order_sinks import open_sink
from stockfold.runtime.refusals import Refusals
from stockfold.runtime.serve import serve
from stockfold.runtime.settings import Settings
from stockfold.runtime.telemetry.tracing import traces_of
from stockfold_services.erp.handing_on import HandingOn

log = logging.getLogger(__name__)

RETRY_S_MAX = 10.0


def run(settings: Settings, stop: threading.Event) -> None:
    """Hand orders on until ``stop``; without an ERP in the settings, only wait for it."""
    sink = open_sink(settings.erp)
    if sink is None:
        stop.wait()
        return
    try:
        if wait_for_topics(settings, stop):
            _hand_on(settings, sink, stop)
    finally:
        sink.close()


def _hand_on(settings: Settings, sink: OrderSink, stop: threading.Event) -> None:
    refusals = Refusals(settings, ORDER_STATUS, "stockfold/orders")
    traces = traces_of(settings, "erp")
    backoff_s = 0.2
    while not stop.is_set():
        consumer = Consumer(_config(settings))
        try:
            consumer.subscribe([ORDER_STATUS.full_name(settings.prefix)])
            HandingOn(settings.erp, consumer, sink, refusals, traces).run(stop)
        except (KafkaException, UnavailableError) as error:
            log.warning("orders are handed on again in %.1f s: %s", backoff_s, error)
            stop.wait(backoff_s)
            backoff_s = min(backoff_s * 2, RETRY_S_MAX)
        finally:
            consumer.close()


def _config(settings: Settings) -> dict[str, object]:
    return {
        **confluent_config(settings),
        "group.id": group_id(settings, "erp"),
        "group.instance.id": settings.erp.instance,
        "session.timeout.ms": 6_000,
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        # Of a compacted topic that is read whole, the beginning is always right.
        "auto.offset.reset": "earliest",
    }


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    serve("erp", run)


if __name__ == "__main__":
    main()
