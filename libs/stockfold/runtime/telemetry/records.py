"""What spans say of Kafka's records, in the words of OpenTelemetry's semantic conventions.

Attributes: the place of a record, the event's id and type, the correlation id, SKU, and channel.
Never a body.
"""

from __future__ import annotations

from collections.abc import Sequence

from stockfold.runtime.telemetry.tracing import CURRENT, HEADER, Attributes, Span, Traces

CORRELATION = "stockfold.correlation_id"
EVENT_ID = "stockfold.event.id"
EVENT_TYPE = "stockfold.event.type"
SKU = "stockfold.sku"
CHANNEL = "stockfold.channel"
OUTCOME = "stockfold.outcome"

_TOLD = {"ce_id": EVENT_ID, "ce_type": EVENT_TYPE, "correlationid": CORRELATION}
Headers = Sequence[tuple[str, bytes]]


def consumed(
    topic: str, partition: int, offset: int, group: str, about: Attributes
) -> dict[str, str | int | float | bool]:
    """The attributes of whoever processes a record; ``about`` are ours, empty ones are left out."""
    return {
        "messaging.system": "kafka",
        "messaging.operation.type": "process",
        "messaging.operation.name": "process",
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": str(partition),
        "messaging.kafka.offset": offset,
        "messaging.consumer.group.name": group,
        **{name: value for name, value in about.items() if value != ""},
    }


def sending(traces: Traces, topic: str, headers: Headers) -> tuple[Span, Headers]:
    """The span of an event that is sent, and the headers to send it with.

    It is of the trace that the event names; else of the request that brings it; else, by chance,
    the first of its own. A request that brings an event of another trace is linked.
    """
    told = {name: value.decode("utf-8", "replace") for name, value in headers}
    if "ce_id" not in told:
        return Span(), headers
    request = CURRENT.get()
    attributes = {
        "messaging.system": "kafka",
        "messaging.operation.type": "send",
        "messaging.operation.name": "send",
        "messaging.destination.name": topic,
        **{name: told[header] for header, name in _TOLD.items() if told.get(header)},
    }
    span = traces.enter(
        f"send {topic}",
        attributes,
        parent=told.get(HEADER) or request,
        kind="producer",
        links=[request] if told.get(HEADER) and request else [],
    )
    kept = [(name, value) for name, value in headers if name != HEADER]
    return span, [*kept, (HEADER, span.traceparent.encode())]
