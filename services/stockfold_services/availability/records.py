"""Records of the topics as availability reads and writes them."""

from __future__ import annotations

from sys import intern
from typing import Any

import msgspec

from stockfold.availability.answer import Answer, Visible
from stockfold.availability.policy import Policy
from stockfold.availability.positions import LocationNumbers, Summary
from stockfold.contracts.avro_reader import BodyReader, body_reader
from stockfold.contracts.codec import HEADER_BYTES, decode, encoder
from stockfold.contracts.journal import wire_head
from stockfold.contracts.registry import default_registry
from stockfold.domain.errors import ContractError

POSITION = "stockfold.Position"
SUMMARY = "stockfold.SkuSummary"
AVAILABILITY = "stockfold.Availability"

_encode_availability = encoder(AVAILABILITY)


class Cause(msgspec.Struct, frozen=True, gc=False):
    """Why something is looked at: when it was decided, for which business, caused when.

    Times in UTC microseconds; ``caused_us`` is the broker's time of the input that caused it.
    """

    recorded_us: int = 0
    correlation_id: str = ""
    caused_us: int = 0


class PositionRead(msgspec.Struct, frozen=True, gc=False):
    """One record of the positions topic; ``location`` is empty for a SKU's summary."""

    sku: str
    location: str
    seq: int
    numbers: LocationNumbers | Summary
    cause: Cause


class Published(msgspec.Struct, frozen=True, gc=False):
    """What was last told of one channel and SKU."""

    version: int
    visible: Visible


def sku_of_key(key: bytes | None) -> tuple[str, str]:
    """(location or channel, SKU) of a key ``location|sku``; ContractError ``bad_key``."""
    try:
        head, separator, sku = (key or b"").decode().partition("|")
    except UnicodeDecodeError:
        separator = head = sku = ""
    if not separator or not sku:
        raise ContractError("bad_key", f"the key {key!r} is not of the form location|sku")
    return intern(head), sku


def _fast_reader() -> tuple[bytes, BodyReader]:
    schema = default_registry().by_name(POSITION)
    read = body_reader(schema.parsed, tuples=True)
    assert read is not None, "the schema of positions has nothing unusual"
    return wire_head(POSITION), read


_POSITION_HEAD, _read_fast = _fast_reader()


def read_position(value: bytes | None) -> PositionRead:
    """A position or summary; ContractError when it is neither."""
    if value is not None and value[:HEADER_BYTES] == _POSITION_HEAD:
        try:
            fields, end = _read_fast(value, HEADER_BYTES)
            if end == len(value):
                return _position(*fields)
        except Exception:  # noqa: BLE001, S110  (told in full by the careful path below)
            pass
    return _read_carefully(value)


def _position(
    sku: str,
    location: str,
    seq: int,
    on_hand: int,
    quality_hold: int,
    damaged: int,
    in_transit: int,
    reserved: int,
    allocated: int,
    atp: int,
    claims: list[tuple[str, int, int]],
    expected: list[tuple[str, str, int, int | None, int]],
    recorded_us: int,
    correlation_id: str,
    caused_us: int,
) -> PositionRead:
    """The position of a ``Position``'s fields, in the order of the schema."""
    location = intern(location)
    numbers = LocationNumbers(
        on_hand,
        quality_hold,
        damaged,
        in_transit,
        reserved,
        allocated,
        atp,
        tuple([(intern(channel), soft, hard) for channel, soft, hard in claims]) if claims else (),
        tuple(expected) if expected else (),
        seq,
    )
    return PositionRead(sku, location, seq, numbers, Cause(recorded_us, correlation_id, caused_us))


def _read_carefully(value: bytes | None) -> PositionRead:
    schema, body = decode(value)
    numbers: LocationNumbers | Summary
    if schema.name == POSITION:
        location = intern(body["location"])
        claims, expected = body["claims"], body["expected"]
        numbers = LocationNumbers(
            body["on_hand"],
            body["quality_hold"],
            body["damaged"],
            body["in_transit"],
            body["reserved"],
            body["allocated"],
            body["atp"],
            tuple((intern(c["channel"]), c["reserved"], c["allocated"]) for c in claims)
            if claims
            else (),
            tuple(
                (e["inbound"], e["line"], e["quantity"], e["eta"], e["confidence"])
                for e in expected
            )
            if expected
            else (),
            body["seq"],
        )
    elif schema.name == SUMMARY:
        location = ""
        numbers = Summary(
            tuple((b["channel"], b["quantity"]) for b in body["backordered"]),
            tuple(
                (f["channel"], f["quantity"], f["priority"], f["revision"]) for f in body["fences"]
            ),
            tuple((m["channel"], m["quantity"], m["revision"]) for m in body["limits"]),
            body["seq"],
        )
    else:
        raise ContractError(
            "wrong_topic",
            f"{schema.name} does not belong on the positions topic",
            remedy="Only the ledger writes positions: find out who else does.",
        )
    cause = Cause(body["recorded_at"], body["correlation_id"], body["caused_at"])
    return PositionRead(body["sku"], location, body["seq"], numbers, cause)


def read_published(value: bytes | None) -> tuple[str, str, Published]:
    """(channel, SKU, what was told) of an availability record; ContractError when it is none."""
    schema, body = decode(value)
    if schema.name != AVAILABILITY:
        raise ContractError(
            "wrong_topic", f"{schema.name} does not belong on the availability topic"
        )
    visible: Visible = (
        body["quantity"],
        intern(body["status"]),
        body["next_available"],
        body["lead_time_days"],
        tuple((intern(share["location"]), share["quantity"]) for share in body["locations"]),
    )
    return intern(body["channel"]), body["sku"], Published(body["version"], visible)


def encode_availability(
    policy: Policy, sku: str, seq: int, answer: Answer, version: int, cause: Cause
) -> bytes:
    """The record that tells a channel what it may promise."""
    record: dict[str, Any] = {
        "channel": policy.channel,
        "sku": sku,
        "quantity": answer.quantity,
        "status": answer.status,
        "next_available": answer.next_available,
        "lead_time_days": answer.lead_time_days,
        "locations": [
            {"location": location, "quantity": units} for location, units in answer.locations
        ],
        "version": version,
        "policy_revision": policy.revision,
        "seq": seq,
        "steps": [
            {"what": step.what, "quantity": step.quantity, "detail": step.detail}
            for step in answer.steps
        ],
        "recorded_at": cause.recorded_us,
        "correlation_id": cause.correlation_id,
        "caused_at": cause.caused_us,
    }
    return _encode_availability(record)
