"""Events that were not folded, or were and must be looked at, as ``ExceptionRaised`` records."""

from __future__ import annotations

from collections.abc import Sequence

from stockfold.contracts import avro
from stockfold.contracts.avro import LONGS
from stockfold.contracts.journal import wire_head

_HEAD = wire_head("stockfold.ExceptionRaised")


def _optional(value: bytes | None) -> bytes:
    return avro.ZERO if value is None else avro.SOME + avro.blob(value)


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

    ``about`` tells apart exceptions of one kind that one record brings, such as by SKU.
    """
    exception = f"{topic}/{partition}/{offset}/{kind}"
    longs, names, string = LONGS, avro.NAMES, avro.string
    parts = [
        _HEAD,
        string(f"{exception}/{about}" if about else exception),
        names[kind],
        b"\x01" if folded else b"\x00",
        string(reason),
        names[remedy],
        string(sku),
        names[source],
        string(event_id),
        names[event_type],
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
        string(correlation_id),
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
