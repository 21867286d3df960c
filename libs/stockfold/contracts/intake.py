"""Events from the outside as the Kafka records that carry them, judged as the ledger would."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

import msgspec

from stockfold.contracts import envelope as envelopes
from stockfold.contracts.codec import Record, encoder
from stockfold.contracts.envelope import Envelope
from stockfold.contracts.json_text import Problem
from stockfold.contracts.judging import Judge, Verdict
from stockfold.contracts.registry import Registry
from stockfold.contracts.topics import ORDERS, TAKEN_ON
from stockfold.domain.times import parse_us

SENT_IN = "stockfoldsentin"
"""A header that says which row of which file an event was; nobody decides by it."""


class Taken(msgspec.Struct, frozen=True, gc=False):
    """An event that nothing is wrong with; ``topic`` is without prefix.

    ``key`` is the SKU, or channel|order of an event about an order.
    """

    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    envelope: Envelope
    body: Record

    def sent_in(self, file: str, row: int) -> Self:
        """The same, saying which row of which file it was, for whoever must mend it."""
        self.headers.append((SENT_IN, f"row {row} of {file}".encode()))
        return self

    @property
    def about(self) -> dict[str, str]:
        """What it is about: its SKU, or its channel and order."""
        names = ("channel", "order") if self.topic == ORDERS.name else ("sku",)
        return {name: self.body[name] for name in names}


class Intake:
    """Takes events of every input type, by the schemas of one registry.

    ``resolve`` gives our SKU for (source, what the source calls it).
    """

    def __init__(
        self,
        registry: Registry | None = None,
        resolve: Callable[[str, str], str] | None = None,
    ) -> None:
        self._resolve = resolve
        self._registry = registry
        self._judge = Judge(registry)
        self._encoders: dict[str, Callable[[Mapping[str, Any]], bytes]] = {}

    def cloud_event(self, where: str, attributes: Mapping[str, object]) -> Taken | Verdict:
        """A structured CloudEvent, its members as ``json_text.read`` gives them."""
        verdict, record = self._judge.cloud_event(where, attributes)
        if record is None:
            return verdict
        return self._taken(_envelope(attributes), record)

    def body(self, envelope: Envelope, tree: object) -> Taken | list[Problem]:
        """A body as a JSON tree, of the event type that its envelope names."""
        problems, record = self._judge.body(envelope.type, tree)
        return problems if record is None else self._taken(envelope, record)

    def _taken(self, envelope: Envelope, record: Record) -> Taken:
        """The record; an event that belongs to nothing else is followed by its own id."""
        if not envelope.correlation_id:
            envelope = msgspec.structs.replace(envelope, correlation_id=envelope.id)
        name = envelope.type
        encode = self._encoders.get(name)
        if encode is None:
            encode = self._encoders[name] = encoder(name, self._registry)
        topic = TAKEN_ON[name]
        if topic is ORDERS:
            # The codes of its lines are resolved by the orders service, which can wait for them.
            key = f"{record['channel']}|{record['order']}"
        else:
            if self._resolve is not None:
                record["sku"] = self._resolve(envelope.source, record["sku"])
            key = record["sku"]
        headers = envelopes.build(envelope, subject=key)
        return Taken(topic.name, key.encode(), encode(record), headers, envelope, record)


def _envelope(attributes: Mapping[str, Any]) -> Envelope:
    """The envelope of attributes that were judged."""
    sequence = attributes.get("sequence")
    return Envelope(
        attributes["id"],
        attributes["source"],
        attributes["type"],
        parse_us(attributes["time"]),
        attributes.get("correlationid") or "",
        attributes.get("traceparent") or "",
        None if sequence in (None, "") else int(sequence),
        attributes.get("corrects") or "",
    )
