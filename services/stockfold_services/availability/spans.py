"""The span of what availability makes of a SKU's change: under the newest of a batch's causes."""

from __future__ import annotations

from stockfold.runtime.records import Record
from stockfold.runtime.telemetry import records
from stockfold.runtime.telemetry.tracing import Traces, sampled, traceparent_in
from stockfold_services.availability.memory import SkuMemory


def trace(
    traces: Traces, traced: dict[str, str], sku: SkuMemory, record: Record, now_us: int
) -> None:
    """Begin the span of a record that changed a SKU, if it is traced; note it in ``traced``.

    A SKU that changed several times in a batch is looked at once, and what is told names the newest
    cause. So does its trace: the newest record's span is above what is told, and linked to those
    before it, whose own traces end here. When the newest is not traced, nothing is.
    """
    name = sku.positions.sku
    before = traced.pop(name, "")
    parent = sampled(traceparent_in(record.headers()))
    if not parent:
        return
    topic, place = record.topic(), (record.partition(), record.offset())
    about = {records.CORRELATION: sku.cause.correlation_id, records.SKU: name}
    span = traces.follow(
        parent,
        f"process {topic}",
        records.consumed(topic, *place, "availability", about),
        start_us=now_us,
        links=[before] if before else [],
    )
    traced[name] = span.traceparent
    traces.until_committed(span)
