"""An event to be sent in the place of a refused one: corrected, or the same bytes again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from stockfold.channels.parcels import checked as checked_parcel
from stockfold.contracts import codec, envelope
from stockfold.contracts.json_reader import JsonReader
from stockfold.contracts.shipments import parcel_of
from stockfold.contracts.topics import ORDERS, SHIPMENTS, TAKEN_ON, TOPICS, Topic
from stockfold.domain.errors import ContractError, StockfoldError
from stockfold.ledger.facts import Refused
from stockfold.ledger.validation import validate
from stockfold.orders.reading import check_event
from stockfold.runtime.desk.book import Case
from stockfold.runtime.desk.fields import json_value, parse_field

_NAMESPACE = "stockfold."
_BY_NAME = {topic.name: topic for topic in TOPICS}


class Message(msgspec.Struct, frozen=True):
    """A Kafka record to be written to an input topic."""

    topic: Topic
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    event_id: str


class Correction(msgspec.Struct, frozen=True):
    """What changes: fields and headers as typed; ``body`` is JSON text that replaces it all."""

    fields: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes | None = None


def same_again(case: Case) -> Message | None:
    """The same bytes under the same id: ids register only when an event is accepted.

    None for a delivery: its channel's publisher is asked instead (``desk.deliveries``).
    """
    _refuse_findings(case, "resubmitted")
    if case.is_delivery:
        return None
    raised = case.raised
    headers = tuple((h["name"], h["value"]) for h in raised["headers"])
    topic = _BY_NAME[raised["topic"]]
    return Message(topic, raised["key"], raised["value"], headers, str(raised["event_id"]))


def corrected(case: Case, correction: Correction) -> Message:
    """The corrected event: a new id, the header ``corrects``, everything else kept.

    The new id follows from the refused bytes: correcting the same event again under other values is
    a conflict once the first correction was accepted, and never folds twice.
    """
    _refuse_findings(case, "corrected")
    if case.is_delivery:
        raise _unfit(
            case,
            "a delivery carries no event to correct",
            "Mend the product in the shop, then `stockfold exceptions resubmit` it.",
        )
    raised = case.raised
    name, body = _corrected_body(case, correction)
    topic = SHIPMENTS if name in SHIPMENTS.schemas else TAKEN_ON.get(name)
    if topic is None:
        raise _unfit(case, f"{name} is no input event", "Give --header ce_type=stockfold.TYPE.")
    try:
        value = codec.encode(name, body)
        _, checked = codec.decode(value)
        if topic is SHIPMENTS:
            checked_parcel(parcel_of(checked, ""))
        elif topic is ORDERS:
            check_event(checked)
        else:
            validate(name.removeprefix(_NAMESPACE), checked)
    except ContractError as error:
        raise _unfit(case, error.what, "Set the fields that it names.") from error
    except Refused as error:
        raise _unfit(case, f"it would be refused again: {error.reason}", error.remedy) from error
    old_id = str(raised["event_id"])
    event_id = _new_id(case, old_id)
    headers = _headers(case, correction, name, event_id, old_id)
    key = str(body["sku"]) if topic.keyed_by_sku else f"{body['channel']}|{body['order']}"
    return Message(topic, key.encode(), value, headers, event_id)


def _corrected_body(case: Case, correction: Correction) -> tuple[str, dict[str, Any]]:
    """(event type, body); ContractError when the bytes cannot be read, or fit no schema."""
    told = correction.headers.get("ce_type", str(case.raised["event_type"]))
    if correction.body is not None:
        schema, body = JsonReader().read(told, correction.body)
    elif _is_json(case):
        given = _json_of(case)
        given |= {f: json_value(told, f, text) for f, text in correction.fields.items()}
        schema, body = JsonReader().read(told, msgspec.json.encode(given))
        return schema.name, dict(body)
    else:
        schema, body = codec.decode(case.raised["value"], expected=told)
    fields = {f: parse_field(schema.name, f, text) for f, text in correction.fields.items()}
    return schema.name, {**body, **fields}


def read_body(case: Case) -> tuple[str, dict[str, Any]]:
    """(event type, body) of the refused bytes; ContractError when they cannot be read.

    JSON that fits no schema is still shown as it is.
    """
    told = str(case.raised["event_type"])
    if not _is_json(case):
        schema, body = codec.decode(case.raised["value"], expected=told)
        return schema.name, dict(body)
    try:
        schema, body = JsonReader().read(told, case.raised["value"])
    except ContractError:
        return told, _json_of(case)
    return schema.name, dict(body)


def _is_json(case: Case) -> bool:
    value = case.raised["value"]
    return value is not None and value[:1] != codec.MAGIC


def _json_of(case: Case) -> dict[str, Any]:
    try:
        return msgspec.json.decode(case.raised["value"], type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise ContractError(
            "undecodable",
            f"the value is neither Avro in the wire format nor a JSON object: {error}",
            remedy="Give the whole body: --body FILE.json.",
        ) from error


def _headers(
    case: Case, correction: Correction, name: str, event_id: str, old_id: str
) -> tuple[tuple[str, bytes | None], ...]:
    headers: dict[str, bytes | None] = {h["name"]: h["value"] for h in case.raised["headers"]}
    if case.raised["kind"] == "payload_conflict":
        headers.pop("sequence", None)  # The number belongs to the event that came first.
    headers |= {field: text.encode() for field, text in correction.headers.items()}
    headers |= {
        "ce_specversion": b"1.0",
        "ce_id": event_id.encode(),
        "ce_type": name.encode(),
        "content-type": b"application/avro",
    }
    if old_id:
        headers["corrects"] = old_id.encode()
    try:
        envelope.parse(list(headers.items()))
    except ContractError as error:
        raise _unfit(case, error.what, f"{error.remedy} Give it with --header NAME=VALUE.") from (
            error
        )
    return tuple(headers.items())


def _new_id(case: Case, old_id: str) -> str:
    raised = case.raised
    name = raised["exception"] if not old_id else f"{raised['source']}\n{raised['topic']}"
    told = b"\n".join((name.encode(), raised["key"] or b"", raised["value"] or b""))
    mark = "c-" + hashlib.blake2b(told, digest_size=8).hexdigest()
    new_id = f"{old_id}~{mark}" if old_id else mark
    return new_id if len(new_id) <= envelope.MAX_ATTRIBUTE_BYTES else mark


def _refuse_findings(case: Case, what: str) -> None:
    if case.can_be_sent:
        return
    raised = case.raised
    if raised["folded"]:
        reason = f"{case.place} is a finding: its event was folded, so it cannot be {what}"
        remedy = "Send what mends the numbers, such as a count, then `stockfold exceptions resolve`"
    else:
        reason = f"{case.place} is about {raised['topic'] or 'the timer'}, which is no input topic"
        remedy = "Mend its cause, then `stockfold exceptions resolve`"
    raise StockfoldError(reason, where=case.id, remedy=f"{remedy} {case.place}.")


def _unfit(case: Case, what: str, remedy: str) -> ContractError:
    return ContractError("unfit_correction", what, where=f"exception {case.place}", remedy=remedy)
