"""The span of an input: from when its batch was taken to when what it brought is visible."""

from __future__ import annotations

from stockfold.contracts.order_commands import SOURCE
from stockfold.ledger.facts import Input
from stockfold.runtime.telemetry import records
from stockfold.runtime.telemetry.tracing import Traces


def trace(traces: Traces, given: Input, now_us: int) -> None:
    """Begin the span of an input, if it is traced; what comes of it is under that span.

    Many are decided in one batch, and each has a span of its own, a child of whoever sent it: the
    SKU's writer takes them one by one. An input without a trace may begin one; an order's command
    belongs to the trace of its order, or to none.
    """
    parent, given.traceparent = given.traceparent, ""
    if not traces.chosen(parent, anew=given.source != SOURCE):
        return
    about = {
        records.CORRELATION: given.correlation_id,
        records.EVENT_ID: given.event_id,
        records.EVENT_TYPE: f"stockfold.{given.type}",
        records.SKU: given.sku,
    }
    attributes = records.consumed(given.topic, given.partition, given.offset, "ledger", about)
    span = traces.begin(parent, f"process {given.topic}", attributes, now_us)
    given.traceparent = span.traceparent
