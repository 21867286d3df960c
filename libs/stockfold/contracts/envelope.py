"""CloudEvents 1.0, Kafka binary mode: attributes in headers, body in the value.

Required: ce_specversion, ce_id, ce_source, ce_type, ce_time. Optional: ce_subject, correlationid,
traceparent, sequence, corrects (the event id that a correction replaces). An event that names no
correlation id is followed by its own id.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from stockfold.domain.errors import ContractError
from stockfold.domain.times import format_us, parse_us

Headers = Sequence[tuple[str, bytes | None]]
MAX_ATTRIBUTE_BYTES = 512
SEQUENCE_MAX = (1 << 63) - 1
_VERSIONS = (b"1.0", b"1")
_USUAL = (
    "ce_specversion",
    "ce_id",
    "ce_source",
    "ce_type",
    "ce_time",
    "content-type",
    "correlationid",
)
"""The headers that ``build`` writes for most events, in its order."""


_REQUIRED = _USUAL[:5]


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """The CloudEvents attributes of one event. ``time_us`` is when it occurred, UTC."""

    id: str
    source: str
    type: str
    time_us: int
    correlation_id: str = ""
    traceparent: str = ""
    sequence: int | None = None
    corrects: str = ""


def _refuse(what: str, remedy: str) -> ContractError:
    return ContractError("bad_envelope", what, remedy=remedy)


Fields = tuple[str, str, str, int, str, str, int | None, str, bytes, bytes]
"""The fields of an ``Envelope``, in their order; then the bytes of its id and correlation id."""


def parse(headers: Headers | None) -> Envelope:
    """The envelope of Kafka headers; ContractError ``missing_header`` or ``bad_envelope``."""
    event_id, source, name, time_us, more, trace, sequence, corrects, _, _ = parse_fields(headers)
    return Envelope(event_id, source, name, time_us, more, trace, sequence, corrects)


def parse_fields(headers: Headers | None) -> Fields:
    """The same as a tuple, for who takes it apart at once."""
    if headers is not None and len(headers) == len(_USUAL):
        (n1, version), (n2, event), (n3, source), (n4, name), (n5, at), (n6, _), (n7, more) = (
            headers
        )
        if (
            (n1, n2, n3, n4, n5, n6, n7) == _USUAL
            and version in _VERSIONS
            and event
            and source
            and more
            and len(event) + len(source) + len(more) <= MAX_ATTRIBUTE_BYTES  # So each of them is.
        ):
            try:
                return (
                    event.decode(),
                    source.decode(),
                    name.decode(),  # type: ignore[union-attr]
                    parse_us(at.decode()),  # type: ignore[union-attr]
                    more.decode(),
                    "",
                    None,
                    "",
                    event,
                    more,
                )
            except (AttributeError, ValueError, OverflowError):
                return _parse_any(headers)  # Which says in full what is wrong.
    return _parse_any(headers)


def _parse_any(headers: Headers | None) -> Fields:
    """The same of any headers: the definition, which takes half as long again."""
    found: dict[str, bytes | None] = dict(headers) if headers else {}
    get = found.get
    try:
        if found["ce_specversion"] not in _VERSIONS:
            raise _refuse("ce_specversion is not 1.0", "Send CloudEvents 1.0.")
        raw_id: bytes = found["ce_id"]  # type: ignore[assignment]
        event_id = raw_id.decode()
        source = found["ce_source"].decode()  # type: ignore[union-attr]
        correlation = get("correlationid")
        trace = get("traceparent")
        sequence = get("sequence")
        corrects = get("corrects")
        fields = (
            event_id,
            source,
            found["ce_type"].decode(),  # type: ignore[union-attr]
            parse_us(found["ce_time"].decode()),  # type: ignore[union-attr]
            correlation.decode() if correlation else event_id,
            trace.decode() if trace else "",
            _number(sequence) if sequence else None,
            corrects.decode() if corrects else "",
            raw_id,
            correlation or raw_id,
        )
    except KeyError as error:
        raise ContractError(
            "missing_header",
            f"header {error.args[0]} is missing",
            remedy="Send the CloudEvents headers ce_specversion, ce_id, ce_source, ce_type, "
            "ce_time.",
        ) from None
    except AttributeError:
        null = ", ".join(name for name in _REQUIRED if get(name, b"") is None)
        raise _refuse(f"header {null} is null", "Send text.") from None
    except UnicodeDecodeError as error:
        raise _refuse(f"a CloudEvents header is not UTF-8 text: {error}", "Send text.") from None
    except (ValueError, OverflowError) as error:
        raise _refuse(
            f"a CloudEvents header cannot be read: {error}",
            "ce_time is RFC 3339 with an offset, such as 2026-11-01T12:00:00Z.",
        ) from None
    if not 0 < len(event_id) <= MAX_ATTRIBUTE_BYTES or not 0 < len(source) <= MAX_ATTRIBUTE_BYTES:
        raise _refuse(
            f"ce_id and ce_source must have 1 to {MAX_ATTRIBUTE_BYTES} characters",
            "Shorten them.",
        )
    for name in ("correlationid", "traceparent", "corrects"):
        if len(get(name) or b"") > MAX_ATTRIBUTE_BYTES:
            raise _refuse(
                f"{name} must have at most {MAX_ATTRIBUTE_BYTES} bytes",
                "Shorten it, or leave it out.",
            )
    return fields


def _number(raw: bytes) -> int:
    """A producer's own number: decimal digits, at most 64 bits signed."""
    if not raw.isdigit() or len(raw) > len(str(SEQUENCE_MAX)) or int(raw) > SEQUENCE_MAX:
        raise _refuse(
            f"sequence is {raw[:40].decode('utf-8', 'replace')!r}",
            f"Send a whole number from 0 to {SEQUENCE_MAX}, in decimal digits.",
        )
    return int(raw)


def build(envelope: Envelope, subject: str = "") -> list[tuple[str, bytes]]:
    """The Kafka headers of an envelope."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", envelope.id.encode()),
        ("ce_source", envelope.source.encode()),
        ("ce_type", envelope.type.encode()),
        ("ce_time", format_us(envelope.time_us).encode()),
        ("content-type", b"application/avro"),
    ]
    if subject:
        headers.append(("ce_subject", subject.encode()))
    if envelope.correlation_id:
        headers.append(("correlationid", envelope.correlation_id.encode()))
    if envelope.traceparent:
        headers.append(("traceparent", envelope.traceparent.encode()))
    if envelope.sequence is not None:
        headers.append(("sequence", str(envelope.sequence).encode()))
    if envelope.corrects:
        headers.append(("corrects", envelope.corrects.encode()))
    return headers
