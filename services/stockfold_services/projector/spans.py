"""Spans of records on their way into PostgreSQL; one each, though a batch is written as one."""

from __future__ import annotations

from collections.abc import Sequence

from stockfold.runtime.telemetry import records
from stockfold.runtime.telemetry.tracing import Span, Traces
from stockfold_services.projector.batch import Consumed


def spans_of(traces: Traces, consumed: Sequence[Consumed]) -> list[Span]:
    """A span of each record that is traced, to be ended when all of them are written."""
    if not traces.on:
        return []
    return [
        traces.follow(
            record.traceparent,
            f"process {record.topic}",
            records.consumed(record.topic, record.partition, record.offset, "projector", {}),
        )
        for record in consumed
        if record.traceparent
    ]
