"""Metrics pushed to a collector say what Prometheus would have scraped."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from stockfold.runtime.telemetry.metrics import pushing
from stockfold.runtime.telemetry_settings import TelemetrySettings

Taken = queue.Queue[tuple[str, bytes]]


@pytest.fixture
def collector() -> Iterator[tuple[str, Taken]]:
    """A collector that takes everything: its address, and what it was sent."""
    taken: Taken = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.put((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", taken
    server.shutdown()
    server.server_close()
    thread.join()


def _last(taken: Taken) -> dict[str, Any]:
    """The metrics of the last push, by name."""
    found: ExportMetricsServiceRequest | None = None
    while not taken.empty():
        path, body = taken.get()
        assert path == "/v1/metrics"
        found = ExportMetricsServiceRequest.FromString(body)
    assert found is not None
    (resource,) = found.resource_metrics
    names = {attribute.key for attribute in resource.resource.attributes}
    assert "service.name" in names
    (scope,) = resource.scope_metrics
    assert scope.scope.name == "stockfold"
    return {metric.name: metric for metric in scope.metrics}


def test_the_last_push_has_every_kind_of_metric(collector: tuple[str, Taken]) -> None:
    endpoint, taken = collector
    registry = CollectorRegistry()
    events = Counter("things_total", "Things.", ["kind"], registry=registry)
    level = Gauge("level", "A level.", registry=registry)
    took = Histogram("took_seconds", "Time.", buckets=(0.1, 1.0), registry=registry)
    with pushing(TelemetrySettings(endpoint=endpoint), registry, "unit", 3600):
        events.labels("good").inc(3)
        level.set(-2.5)
        for seconds in (0.05, 0.5, 0.6, 7.0):
            took.observe(seconds)

    found = _last(taken)
    assert found.keys() == {"things_total", "level", "took_seconds"}
    (point,) = found["things_total"].sum.data_points
    assert point.as_double == 3
    assert [(a.key, a.value.string_value) for a in point.attributes] == [("kind", "good")]
    assert found["things_total"].sum.is_monotonic
    assert found["things_total"].sum.aggregation_temporality == 2
    assert found["level"].gauge.data_points[0].as_double == -2.5
    (histogram,) = found["took_seconds"].histogram.data_points
    assert list(histogram.explicit_bounds) == [0.1, 1.0]
    assert list(histogram.bucket_counts) == [1, 2, 1]
    assert histogram.count == 4
    assert not histogram.HasField("min")
    assert histogram.sum == pytest.approx(8.15)
    assert found["took_seconds"].unit == "s"


def test_it_pushes_again_and_again(collector: tuple[str, Taken]) -> None:
    endpoint, taken = collector
    registry = CollectorRegistry()
    Counter("things_total", "Things.", registry=registry).inc()
    with pushing(TelemetrySettings(endpoint=endpoint), registry, "unit", 0.01):
        for _ in range(3):
            taken.get(timeout=20)


def test_a_collector_that_is_away_costs_no_more_than_a_line_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    registry = CollectorRegistry()
    Counter("things_total", "Things.", registry=registry).inc()
    settings = TelemetrySettings(endpoint="http://127.0.0.1:9")
    with pushing(settings, registry, "unit", 3600):
        pass
    assert [r.message for r in caplog.records if "takes no telemetry" in r.message]
