"""The same metrics for an OTLP collector: what Prometheus would scrape, pushed now and then.

Values are cumulative since the process began, so that one push that is lost costs nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version

from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.samples import Sample

from stockfold.runtime.telemetry.otlp import OtlpSender
from stockfold.runtime.telemetry.spans import resource_of
from stockfold.runtime.telemetry_settings import TelemetrySettings

STOP_S_MAX = 6.0
"""For the last push: longer than a request to the collector may take by default."""
_CUMULATIVE = AggregationTemporality.CUMULATIVE
_Labels = tuple[tuple[str, str], ...]


@contextmanager
def pushing(
    settings: TelemetrySettings, registry: CollectorRegistry, service: str, every_s: float
) -> Iterator[None]:
    """Push while the block runs, and once at its end."""
    stop = threading.Event()
    began_ns = time.time_ns()

    def push() -> None:
        sender = OtlpSender(settings, "/v1/metrics")
        ended = False
        while not ended:
            ended = stop.wait(every_s)
            data = data_of(registry.collect(), service, began_ns, time.time_ns())
            sender.post(encode_metrics(data).SerializeToString())
        sender.close()

    thread = threading.Thread(target=push, name="metrics, OTLP", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(STOP_S_MAX)


def data_of(families: Iterable[Family], service: str, began_ns: int, now_ns: int) -> MetricsData:
    """What was collected for Prometheus, as OTLP has it."""
    metrics = [
        metric
        for family in families
        if (metric := _metric(family, began_ns, now_ns)).data.data_points
    ]
    scope = InstrumentationScope("stockfold", version("stockfold"))
    return MetricsData(
        [ResourceMetrics(resource_of(service), [ScopeMetrics(scope, metrics, "")], "")]
    )


def _metric(family: Family, began_ns: int, now_ns: int) -> Metric:
    unit = "s" if family.name.endswith("_seconds") else "1"

    def points(name: str) -> list[NumberDataPoint]:
        return [
            NumberDataPoint(sample.labels, began_ns, now_ns, sample.value)
            for sample in family.samples
            if sample.name == name
        ]

    match family.type:
        case "counter":
            name = family.name + "_total"
            total = Sum(points(name), _CUMULATIVE, is_monotonic=True)
            return Metric(name, family.documentation, unit, total)
        case "histogram":
            found = _histograms(family.name, family.samples, began_ns, now_ns)
            data = Histogram(list(found), _CUMULATIVE)
            return Metric(family.name, family.documentation, unit, data)
        case _:
            return Metric(family.name, family.documentation, unit, Gauge(points(family.name)))


def _histograms(
    name: str, samples: Iterable[Sample], began_ns: int, now_ns: int
) -> Iterator[HistogramDataPoint]:
    """Prometheus counts up to each bound, OTLP between two of them."""
    buckets: dict[_Labels, list[tuple[float, float]]] = {}
    sums: dict[_Labels, float] = {}
    for sample in samples:
        labels = tuple((k, v) for k, v in sorted(sample.labels.items()) if k != "le")
        if sample.name == name + "_bucket":
            bound = float(sample.labels["le"])
            buckets.setdefault(labels, []).append((bound, sample.value))
        elif sample.name == name + "_sum":
            sums[labels] = sample.value
    for labels, found in buckets.items():
        counts = [value for _, value in found]
        yield HistogramDataPoint(
            attributes=dict(labels),
            start_time_unix_nano=began_ns,
            time_unix_nano=now_ns,
            count=int(counts[-1]),
            sum=sums[labels],
            bucket_counts=[
                int(count - before)
                for count, before in zip(counts, [0.0, *counts[:-1]], strict=True)
            ],
            explicit_bounds=[bound for bound, _ in found[:-1]],
            min=None,  # type: ignore[arg-type]  # not known, and optional in OTLP
            max=None,  # type: ignore[arg-type]
        )
