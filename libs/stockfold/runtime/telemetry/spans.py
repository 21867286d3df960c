"""Recorded spans on their way to the collector: one queue and one thread for all of a process."""

from __future__ import annotations

import atexit
import os
import socket
import threading
from collections.abc import Sequence
from importlib.metadata import version

from opentelemetry import trace
from opentelemetry.context import Context as SdkContext
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import (
    ReadableSpan,
    SpanLimits,
    SynchronousMultiSpanProcessor,
    TracerProvider,
)
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from stockfold.runtime.redaction import redacted
from stockfold.runtime.telemetry.otlp import OtlpSender
from stockfold.runtime.telemetry.tracing import Attributes, Context, Kind, Span, Starter, text_of
from stockfold.runtime.telemetry_settings import TelemetrySettings

ATTRIBUTE_CHARACTERS_MAX = 256
BATCH_SPANS_MAX = 512
LINKS_MAX = 32

_KINDS: dict[Kind, trace.SpanKind] = {
    "server": trace.SpanKind.SERVER,
    "client": trace.SpanKind.CLIENT,
    "consumer": trace.SpanKind.CONSUMER,
    "producer": trace.SpanKind.PRODUCER,
    "internal": trace.SpanKind.INTERNAL,
}
_NO_PARENT = trace.set_span_in_context(trace.INVALID_SPAN)


class RecordedSpan(Span):
    """A span that the collector will hear of once it has ended."""

    __slots__ = ("_span",)

    is_recorded = True

    def __init__(self, span: trace.Span) -> None:
        told = span.get_span_context()
        super().__init__(text_of(Context(told.trace_id, told.span_id, sampled=True)))
        self._span = span

    def put(self, attributes: Attributes) -> None:
        """See ``Span.put``."""
        self._span.set_attributes(
            {name: redacted(v) if isinstance(v, str) else v for name, v in attributes.items()}
        )

    def rename(self, name: str) -> None:
        """See ``Span.rename``."""
        self._span.update_name(name)

    def fail(self, kind: str) -> None:
        """See ``Span.fail``."""
        self._span.set_attribute("error.type", kind)
        self._span.set_status(trace.StatusCode.ERROR, kind)

    def end(self, at_us: int | None = None) -> None:
        """See ``Span.end``."""
        if self._span.is_recording():
            self._span.end(None if at_us is None else at_us * 1000)


class _Exporter(SpanExporter):
    def __init__(self, sender: OtlpSender) -> None:
        self._sender = sender

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        taken = self._sender.post(encode_spans(spans).SerializeToString())
        return SpanExportResult.SUCCESS if taken else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        self._sender.close()


class Pipeline:
    """Where the spans of this process go for one collector."""

    def __init__(self, settings: TelemetrySettings) -> None:
        self._batches = BatchSpanProcessor(
            _Exporter(OtlpSender(settings, "/v1/traces")),
            max_queue_size=settings.queue_spans_max,
            schedule_delay_millis=settings.export_every_s * 1000,
            max_export_batch_size=min(BATCH_SPANS_MAX, settings.queue_spans_max),
        )
        self._processor = SynchronousMultiSpanProcessor()
        self._processor.add_span_processor(self._batches)

    def starter(self, service: str) -> Starter:
        """What starts the spans of a service. Whether one is sampled, its caller has decided."""
        tracer = TracerProvider(
            sampler=ALWAYS_ON,
            resource=resource_of(service),
            shutdown_on_exit=False,
            active_span_processor=self._processor,
            span_limits=SpanLimits(
                max_span_attribute_length=ATTRIBUTE_CHARACTERS_MAX, max_links=LINKS_MAX
            ),
        ).get_tracer("stockfold", version("stockfold"))

        def start(
            parent: Context | None,
            name: str,
            kind: Kind,
            attributes: Attributes,
            start_us: int | None,
            links: Sequence[Context],
        ) -> Span:
            span = tracer.start_span(
                name,
                _NO_PARENT if parent is None else _context(parent),
                _KINDS[kind],
                attributes,
                [trace.Link(_remote(link)) for link in links],
                None if start_us is None else start_us * 1000,
            )
            return RecordedSpan(span)

        return start

    def flush(self) -> None:
        """Send what waits; returns when the collector has answered, or not in time."""
        self._batches.force_flush()


def _remote(context: Context) -> trace.SpanContext:
    flags = trace.TraceFlags(int(context.sampled))
    return trace.SpanContext(context.trace_id, context.span_id, is_remote=True, trace_flags=flags)


def _context(parent: Context) -> SdkContext:
    return trace.set_span_in_context(trace.NonRecordingSpan(_remote(parent)))


def resource_of(service: str) -> Resource:
    """What all telemetry of a service in this process says of where it is from."""
    return Resource(
        {
            "service.namespace": "stockfold",
            "service.name": f"stockfold-{service}",
            "service.version": version("stockfold"),
            "service.instance.id": f"{socket.gethostname()}-{os.getpid()}",
        }
    )


_pipelines: dict[TelemetrySettings, Pipeline] = {}
_lock = threading.Lock()


def pipeline(settings: TelemetrySettings) -> Pipeline:
    """The process's pipeline to the collector of these settings, made when it is first asked for.

    What waits at the process's end is sent within the time of one request, or left.
    """
    with _lock:
        found = _pipelines.get(settings)
        if found is None:
            found = _pipelines[settings] = Pipeline(settings)
            atexit.register(_end, found, settings.request_timeout_s)
        return found


def _end(ending: Pipeline, seconds: float) -> None:
    """Flush, in a thread that the process waits for no longer than that."""
    flushing = threading.Thread(target=ending.flush, daemon=True)
    flushing.start()
    flushing.join(seconds)
