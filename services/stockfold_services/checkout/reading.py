"""From records of the ledger's topics to what the book takes; what is not ours is passed by."""

from __future__ import annotations

from typing import Any

from stockfold.contracts.avro_reader import BodyReader, body_reader
from stockfold.contracts.codec import HEADER_BYTES, decode
from stockfold.contracts.journal import wire_head
from stockfold.contracts.registry import default_registry
from stockfold.runtime.records import Record
from stockfold_services.checkout.book import Asked, Told
from stockfold_services.checkout.names import fingerprint_in, line_in, line_of, source_of

_STATUS = "stockfold.ReservationStatus"
_RESERVE = b"stockfold.ReserveStock"
_OURS = source_of("").encode()


def _fast_reader() -> tuple[bytes, BodyReader]:
    read = body_reader(default_registry().by_name(_STATUS).parsed, tuples=True)
    assert read is not None, "the schema of statuses has nothing unusual"
    return wire_head(_STATUS), read


_HEAD, _read_fast = _fast_reader()


def asked(record: Record) -> Asked | None:
    """A ReserveStock of a checkout, read from its headers alone."""
    headers = dict(record.headers() or ())
    source = headers.get("ce_source") or b""
    if not source.startswith(_OURS) or headers.get("ce_type") != _RESERVE:
        return None
    event = (headers.get("ce_id") or b"").decode("utf-8", "replace")
    name = line_in(event)
    if name is None:
        return None
    channel = source.removeprefix(_OURS).decode("utf-8", "replace")
    return Asked(name, channel, fingerprint_in(event))


def status(record: Record) -> Told | None:
    """The answer in a record of the status topic; ContractError when it cannot be read."""
    value = record.value()
    if value is not None and value[:HEADER_BYTES] == _HEAD:
        try:
            fields, end = _read_fast(value, HEADER_BYTES)
            if end == len(value):
                return _told(record.partition(), *fields)
        except Exception:  # noqa: BLE001, S110  (told in full by the careful path below)
            pass
    found = decode(value)[1]
    found["places"] = [(place["location"], place["quantity"]) for place in found["places"]]
    return _told(record.partition(), *found.values())


def _told(
    partition: int,
    sku: str,
    seq: int,
    reservation: str,
    order: str,
    line: str,
    channel: str,
    what: str,
    command: str,
    reason: str,
    available: int,
    quantity: int,
    ordered: int,
    unordered: int,
    reserved: int,
    allocated: int,
    backordered: int,
    shipped: int,
    cancelled: int,
    expired: int,
    rejected: int,
    places: list[tuple[str, int]],
    expires_us: int | None,
    event_id: str,
    source: str,
    recorded_us: int,
    *_: Any,
) -> Told | None:
    """The answer of a status's fields, in the order of the schema."""
    del quantity, ordered, unordered, backordered, cancelled, expired, rejected, source
    name = line_of(reservation)
    if name is None:
        return None
    return Told(
        name,
        event_id,
        command,
        what,
        reason,
        "",
        available,
        sku,
        channel,
        order,
        line,
        partition,
        seq,
        reserved,
        allocated,
        shipped,
        tuple(places),
        expires_us or 0,
        recorded_us,
    )


def exception(record: Record) -> Told | None:
    """A command of a checkout that the ledger did not take at all, and why."""
    found = decode(record.value())[1]
    name = line_in(found["event_id"])
    if found["folded"] or name is None or not found["source"].encode().startswith(_OURS):
        return None
    return Told(
        name,
        found["event_id"],
        found["event_type"].removeprefix("stockfold."),
        "refused",
        found["kind"],
        f"{found['reason']}. {found['remedy']}",
        sku=found["sku"],
        channel=found["source"].removeprefix(source_of("")),
        partition=record.partition(),
        recorded_us=found["recorded_at"],
    )
