"""Events that were not folded, or were and must be looked at, as ``ExceptionRaised`` records."""

from __future__ import annotations

from collections.abc import Sequence

from stockfold.contracts import avro
from stockfold.contracts.avro import LONGS
from stockfold.contracts.journal import wire_head

EVENT_BYTES_MAX = 3 * 1024 * 1024
"""Key, value and headers that an exception carries. A producer that compresses gets more past the
broker's limit for inputs than Kafka takes of us, and its partition must move on all the same."""
TEXT_CHARACTERS_MAX = 2000
_HEAD = wire_head("stockfold.ExceptionRaised")


def _optional(value: bytes | None) -> bytes:
    return avro.ZERO if value is None else avro.SOME + avro.blob(value)


def _short(text: str) -> str:
    """The text, cut where somebody sent a megabyte as a name."""
    return text if len(text) <= TEXT_CHARACTERS_MAX else text[:TEXT_CHARACTERS_MAX] + "…"


def encode_exception(
    kind: str,
    *,
    folded: bool,
    reason: str,
    remedy: str,
    sku: str,
    source: str,
    event_id: str,
    event_type: str,
    topic: str,
    partition: int,
    offset: int,
    recorded_us: int,
    correlation_id: str,
    caused_us: int,
    key: bytes | None,
    value: bytes | None = None,
    headers: Sequence[tuple[str, bytes | None]] = (),
    about: str = "",
) -> bytes:
    """The record; ``topic`` is without prefix, times are UTC microseconds.

    ``about`` tells apart exceptions of one kind that one record brings, such as by SKU. What is too
    large to be carried is left out, and the reason says where it stays.
    """
    size = len(key or b"") + len(value or b"")
    size += sum(len(name) + len(raw or b"") for name, raw in headers)
    if size > EVENT_BYTES_MAX:
        reason = (
            f"{_short(reason)}; the event's {size} bytes are too many to be kept here, and stay in "
            f"{topic}, partition {partition}, offset {offset}"
        )
        key, value, headers = None, None, ()
    exception = f"{topic}/{partition}/{offset}/{kind}"
    longs, names, string = LONGS, avro.NAMES, avro.string
    parts = [
        _HEAD,
        string(f"{exception}/{about}" if about else exception),
        names[kind],
        b"\x01" if folded else b"\x00",
        string(_short(reason)),
        names[remedy],
        string(_short(sku)),
        names[_short(source)],
        string(_short(event_id)),
        names[_short(event_type)],
        names[topic],
        longs[partition],
        longs[offset],
        _optional(key),
        _optional(value),
    ]
    if headers:
        parts.append(longs[len(headers)])
        for header, raw in headers:
            parts += (names[header], _optional(raw))
    parts += (
        avro.ZERO,
        avro.moment(recorded_us),
        string(_short(correlation_id)),
        avro.moment(caused_us),
    )
    return b"".join(parts)


def encode_channel_finding(
    kind: str, *, reason: str, remedy: str, source: str, about: str, at_us: int
) -> bytes:
    """A finding about a channel as a whole, of no event; it is noticed at ``at_us``."""
    return encode_exception(
        kind,
        folded=True,
        reason=reason,
        remedy=remedy,
        sku="",
        source=source,
        event_id="",
        event_type="",
        topic="",
        partition=0,
        offset=0,
        recorded_us=at_us,
        correlation_id="",
        caused_us=at_us,
        key=None,
        about=about,
    )
