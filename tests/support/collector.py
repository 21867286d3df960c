"""A collector as OpenTelemetry has them: takes OTLP over HTTP, decodes it, and keeps it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status


@dataclass(frozen=True)
class SeenSpan:
    """A span as the collector was sent it. Ids in hexadecimal digits, times in nanoseconds."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    start_ns: int
    end_ns: int
    error: str
    attributes: dict[str, Any] = field(hash=False)
    links: tuple[tuple[str, str], ...]


class Collector:
    """Serves on a free port of this machine, in threads of its own. A context manager."""

    def __init__(self) -> None:
        self.spans: list[SeenSpan] = []
        self.bodies: list[bytes] = []
        self.authorizations: list[str | None] = []
        self.status = 200
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.take(self.path, body, self.headers.get("Authorization"))
                self.send_response(collector.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """The test tells what it found wrong."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def take(self, path: str, body: bytes, authorization: str | None) -> None:
        assert path == "/v1/traces", path
        self.bodies.append(body)
        self.authorizations.append(authorization)
        if self.status == 200:
            self.spans.extend(_decoded(body))

    def of_trace(self, trace_id: str) -> list[SeenSpan]:
        found = [span for span in self.spans if span.trace_id == trace_id]
        return sorted(found, key=lambda span: span.start_ns)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def _decoded(body: bytes) -> list[SeenSpan]:
    request = ExportTraceServiceRequest.FromString(body)
    return [
        SeenSpan(
            _plain(
                next(a.value for a in part.resource.attributes if a.key == "service.name")
            ).removeprefix("stockfold-"),
            span.name,
            Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
            span.trace_id.hex(),
            span.span_id.hex(),
            span.parent_span_id.hex(),
            span.start_time_unix_nano,
            span.end_time_unix_nano,
            span.status.message if span.status.code == Status.STATUS_CODE_ERROR else "",
            {a.key: _plain(a.value) for a in span.attributes},
            tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        )
        for part in request.resource_spans
        for scope in part.scope_spans
        for span in scope.spans
    ]


def _plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind else None
