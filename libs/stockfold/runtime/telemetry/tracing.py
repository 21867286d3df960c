"""Spans as the services make them, and the W3C trace context between them.

A trace goes from record to record in the Kafka header ``traceparent``. In memory it is text, empty
for what is not traced: all that tracing costs when it is off is to look whether a text is empty.
What is not sampled makes no spans. Whether it is, decides who lets it in (HTTP, or the first reader
of a record without the header), by ``sample_ratio``; everyone behind keeps to it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from types import TracebackType
from typing import Literal, NamedTuple, Protocol, Self

from stockfold.runtime.settings import Settings

HEADER = "traceparent"
_FORM = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = 0x01

Kind = Literal["server", "client", "consumer", "producer", "internal"]
Headers = list[tuple[str, str | bytes | None]]
Attributes = Mapping[str, str | int | float | bool]


class Context(NamedTuple):
    """A span that another may be under, or be linked to (W3C Trace Context, level 1)."""

    trace_id: int
    span_id: int
    sampled: bool


def context_of(traceparent: str) -> Context | None:
    """The trace context of a text; None when it is none, or has an id of zeros."""
    found = _FORM.fullmatch(traceparent)
    if found is None:
        return None
    trace_id, span_id = int(found[1], 16), int(found[2], 16)
    if not trace_id or not span_id:
        return None
    return Context(trace_id, span_id, bool(int(found[3], 16) & _SAMPLED))


def text_of(context: Context) -> str:
    """The traceparent of a context."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-0{int(context.sampled)}"


def trace_id_of(traceparent: str) -> str:
    """The trace's id in hexadecimal digits; empty for no trace."""
    found = _FORM.fullmatch(traceparent)
    return found[1] if found else ""


def sampled(traceparent: str) -> str:
    """The text itself when it is of a trace that is sampled, else nothing."""
    context = context_of(traceparent)
    return traceparent if context is not None and context.sampled else ""


def traceparent_in(headers: Sequence[tuple[str, bytes | None]] | None) -> str:
    """The traceparent of a record's headers, sampled or not; empty when it has none."""
    for name, value in headers or ():
        if name == HEADER and value:
            return value.decode("ascii", "replace")
    return ""


def headers_of(traceparent: str) -> Headers | None:
    """The headers of a record that belongs to a trace; None for one that does not."""
    return [(HEADER, traceparent.encode())] if traceparent else None


class Span:
    """What is not recorded. ``spans.RecordedSpan`` is one that is."""

    __slots__ = ("traceparent",)

    is_recorded = False
    """Whether it is worth working out attributes."""

    def __init__(self, traceparent: str = "") -> None:
        self.traceparent = traceparent
        """What goes on with whatever comes of this; empty when nothing is traced."""

    def put(self, attributes: Attributes) -> None:
        """Add attributes. Never secrets, names of persons, or bodies."""

    def rename(self, name: str) -> None:
        """Call it otherwise: what a request is for is known only once it was served."""

    def fail(self, kind: str) -> None:
        """Say that it ended badly; ``kind`` is one of few words, such as an exception's kind."""

    def end(self, at_us: int | None = None) -> None:
        """End it, now or at a time in UTC microseconds. Ending it twice changes nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.fail(kind.__name__)
        self.end()


NO_SPAN = Span()


class Starter(Protocol):
    """Makes spans that are recorded; see ``spans``."""

    def __call__(
        self,
        parent: Context | None,
        name: str,
        kind: Kind,
        attributes: Attributes,
        start_us: int | None,
        links: Sequence[Context],
    ) -> Span:
        """Start a span, under ``parent`` or of a new trace."""
        ...


def _contexts(links: Sequence[str]) -> list[Context]:
    return [found for link in links if (found := context_of(link)) is not None]


class Traces:
    """The spans of one service."""

    def __init__(self, start: Starter | None = None, sample_ratio: float = 0.0) -> None:
        self._start = start
        self._ratio = sample_ratio
        self.on = start is not None
        """Whether anything is traced at all."""
        self._uncommitted: list[Span] = []

    def enter(
        self,
        name: str,
        attributes: Attributes,
        *,
        parent: str = "",
        kind: Kind = "server",
        start_us: int | None = None,
        links: Sequence[str] = (),
    ) -> Span:
        """The span of something that comes in: of its sender's trace, else of a new one by chance.

        What is not sampled has a traceparent that says so, for those behind to keep to.
        """
        if self._start is None:
            return Span(parent) if parent else NO_SPAN
        above = context_of(parent)
        if above is None:
            if random.random() >= self._ratio:  # noqa: S311 - no secret
                ids = random.getrandbits(127) + 1, random.getrandbits(63) + 1
                return Span(text_of(Context(*ids, sampled=False)))
        elif not above.sampled:
            return Span(parent)
        return self._start(above, name, kind, attributes, start_us, _contexts(links))

    def follow(
        self,
        parent: str,
        name: str,
        attributes: Attributes,
        *,
        kind: Kind = "consumer",
        start_us: int | None = None,
        links: Sequence[str] = (),
    ) -> Span:
        """A span of a trace that is under way; nothing when ``parent`` is empty or not sampled.

        ``links``: traceparents of what it is also about, though not by it.
        """
        if not parent or self._start is None:
            return NO_SPAN
        above = context_of(parent)
        if above is None or not above.sampled:
            return Span(parent)
        return self._start(above, name, kind, attributes, start_us, _contexts(links))

    def chosen(self, parent: str, *, anew: bool) -> bool:
        """Whether something of the trace ``parent`` is recorded; of none, if it may begin ``anew``.

        For who has many, and few that are traced: what a span says is worked out only then.
        """
        if parent:
            above = context_of(parent)
            if above is not None:
                return above.sampled
        return anew and random.random() < self._ratio  # noqa: S311 - no secret

    def begin(self, parent: str, name: str, attributes: Attributes, start_us: int) -> Span:
        """The consumer's span of what was ``chosen``, which ``until_committed`` ends."""
        assert self._start is not None, "chosen while tracing is off"
        span = self._start(context_of(parent), name, "consumer", attributes, start_us, ())
        self.until_committed(span)
        return span

    def until_committed(self, span: Span) -> None:
        """Leave it to the exactly-once loop to end this span, when what came of it is visible."""
        if span.is_recorded:
            self._uncommitted.append(span)

    def fail_last(self, kind: str) -> None:
        """Say of what ``until_committed`` was told last that it ended badly."""
        self._uncommitted[-1].fail(kind)

    def uncommitted(self) -> list[Span]:
        """What ``until_committed`` was told since this was last asked for."""
        found, self._uncommitted = self._uncommitted, []
        return found


OFF = Traces()
CURRENT: ContextVar[str] = ContextVar("traceparent", default="")
"""The traceparent of the request that this task serves; empty outside of one."""


def about(correlation_id: str, traceparent: str = "") -> dict[str, str]:
    """What a log line says of whom it is about, as its ``extra``; what is unknown is left out."""
    told = {"correlation_id": correlation_id, "trace_id": trace_id_of(sampled(traceparent))}
    return {name: value for name, value in told.items() if value}


def traces_of(settings: Settings, service: str) -> Traces:
    """What a service makes its spans with; ``OFF`` unless the settings name a collector."""
    if settings.telemetry.endpoint is None:
        return OFF
    # The SDK takes a third of a second to import: nobody pays for it who has no collector.
    from stockfold.runtime.telemetry.spans import pipeline  # noqa: PLC0415

    return Traces(pipeline(settings.telemetry).starter(service), settings.telemetry.sample_ratio)
