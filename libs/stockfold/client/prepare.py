"""From an event to the Kafka record that carries it, checked by the ledger's own rules."""

from __future__ import annotations

from datetime import datetime

import msgspec

from stockfold.client.event import Event
from stockfold.client.ids import derive_id
from stockfold.contracts import codec, envelope
from stockfold.contracts.topics import INPUT_OF
from stockfold.domain.errors import ContractError
from stockfold.domain.times import to_us
from stockfold.ledger.facts import Refused
from stockfold.ledger.validation import validate


class Prepared(msgspec.Struct, frozen=True):
    """A Kafka record: ``topic`` with its environment prefix, ``key`` the SKU."""

    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    event_id: str
    type: str

    def __str__(self) -> str:
        return f"{self.type} {self.event_id} of SKU {self.key.decode()} to {self.topic}"


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What is told about an event besides its body."""

    occurred_at: datetime
    event_id: str | None = None
    revision: int | None = None
    correlation_id: str = ""
    traceparent: str = ""
    sequence: int | None = None
    corrects: str = ""


def prepare(event: Event, about: About, *, source: str, prefix: str) -> Prepared:
    """The record of an event; ContractError names the event, what is wrong and what to do.

    Kinds: those of ``stockfold.ledger.validation``, ``unencodable``, ``bad_envelope``,
    ``missing_id`` when no id was given and none follows from the document.
    """
    name = event.type_name()
    body = event.body()
    value = codec.encode(name, body)
    complete = codec.decode(value)[1]
    try:
        validate(name.removeprefix("stockfold."), complete)
    except Refused as error:
        raise ContractError(
            error.kind, f"{name}: {error.reason}", where=repr(event), remedy=error.remedy
        ) from None
    event_id = about.event_id or derive_id(name, complete, about.revision)
    if event_id is None:
        raise ContractError(
            "missing_id",
            f"{name} has no event id, and none follows from its document",
            where=repr(event),
            remedy="Give event_id, the same whenever this event is sent again; or document and "
            "document_line, where the type has them.",
        )
    headers = envelope.build(_envelope(event, about, event_id, source), subject=event.sku)
    try:
        envelope.parse(headers)
    except ContractError as error:
        raise ContractError(
            error.kind, f"{name}: {error.what}", where=repr(event), remedy=error.remedy
        ) from None
    topic = INPUT_OF[name].full_name(prefix)
    return Prepared(topic, event.sku.encode(), value, headers, event_id, name)


def _envelope(event: Event, about: About, event_id: str, source: str) -> envelope.Envelope:
    try:
        occurred_us = to_us(about.occurred_at)
    except (ValueError, AttributeError):
        raise ContractError(
            "bad_envelope",
            f"{event.type_name()}: occurred_at is {about.occurred_at!r}, no time with an offset",
            where=repr(event),
            remedy="Give when it happened, with a time zone: datetime.now(UTC).",
        ) from None
    return envelope.Envelope(
        event_id,
        source,
        event.type_name(),
        occurred_us,
        about.correlation_id,
        about.traceparent,
        about.sequence,
        about.corrects,
    )
