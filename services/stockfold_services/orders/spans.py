"""The span of an order's input: from when its batch was taken to when all is visible."""

from __future__ import annotations

from stockfold.contracts.order_journal import Cause
from stockfold.contracts.topics import ORDERS
from stockfold.orders.state import OrderState
from stockfold.runtime.telemetry import records
from stockfold.runtime.telemetry.tracing import Traces


def traced(traces: Traces, cause: Cause, state: OrderState, now_us: int) -> Cause:
    """The cause with the span that what comes of it is under; with none when it is not traced.

    An order that comes without a trace may begin one. An answer of the ledger's belongs to the
    trace that asked, or to none.
    """
    if not traces.chosen(cause.traceparent, anew=cause.topic == ORDERS.name):
        return cause._replace(traceparent="")
    about = {
        records.CORRELATION: cause.correlation_id or state.key,
        records.EVENT_ID: cause.event_id,
        records.CHANNEL: state.channel,
    }
    attributes = records.consumed(cause.topic, cause.partition, cause.offset, "orders", about)
    span = traces.begin(cause.traceparent, f"process {cause.topic}", attributes, now_us)
    return cause._replace(traceparent=span.traceparent)
