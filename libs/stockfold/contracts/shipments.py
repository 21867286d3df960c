"""Parcels as they are told on the shipments topic, and as their shop is told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from stockfold.channels.parcels import Parcel, checked
from stockfold.contracts import envelope as envelopes
from stockfold.contracts.codec import MAGIC, decode
from stockfold.contracts.json_reader import JsonReader, check_content_type
from stockfold.domain.errors import ContractError

ORDER_SHIPPED = "stockfold.OrderShipped"
_READER = JsonReader()


class Told(NamedTuple):
    """A parcel, and the channel whose order it is of."""

    channel: str
    parcel: Parcel


def channel_of(key: bytes | None) -> str:
    """The channel of a record, by its key alone; empty when it names none."""
    return (key or b"").decode("utf-8", "replace").partition("|")[0]


def read_parcel(
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes | None]] | None,
) -> Told:
    """The parcel of a record, Avro or JSON; ContractError says what is wrong with it."""
    envelope = envelopes.parse(headers)
    if envelope.type != ORDER_SHIPPED:
        raise ContractError(
            "wrong_topic",
            f"ce_type is {envelope.type}",
            remedy=f"Send {ORDER_SHIPPED} here; movements of stock belong on their own topics.",
        )
    body = _body(value, dict(headers or ()))
    if key != f"{body['channel']}|{body['order']}".encode():
        raise ContractError(
            "key_mismatch",
            f"the key is not {body['channel']}|{body['order']}",
            remedy="Send channel|order as the key.",
        )
    # One that was told without a correlation is followed by its own id; its order's key says more.
    own = envelope.correlation_id == envelope.id
    return Told(body["channel"], checked(parcel_of(body, "" if own else envelope.correlation_id)))


def parcel_of(body: Mapping[str, Any], correlation: str) -> Parcel:
    """The parcel of a body, not yet checked; without a correlation the order's key is one."""
    return Parcel(
        order=body["order"],
        shipment=body["shipment"],
        correlation=correlation or f"{body['channel']}|{body['order']}",
        shipped_at_us=body["shipped_at"],
        carrier=body["carrier"],
        tracking_number=body["tracking_number"],
        tracking_url=body["tracking_url"],
        lines=tuple((row["line"], row["quantity"]) for row in body["lines"]),
    )


def read_body(value: bytes) -> dict[str, Any]:
    """The body of a record by its value alone, Avro or JSON; ContractError when it is none."""
    if value[:1] == MAGIC:
        schema, body = decode(value, expected=ORDER_SHIPPED)
    else:
        schema, body = _READER.read(ORDER_SHIPPED, value)
    if schema.name != ORDER_SHIPPED:
        raise ContractError("type_mismatch", f"the value is {schema.name}", remedy="Send one type.")
    return dict(body)


def _body(value: bytes | None, headers: dict[str, bytes | None]) -> dict[str, Any]:
    if value is None:
        raise ContractError("undecodable", "it has no value", remedy="Send the event's body.")
    if value[:1] != MAGIC:
        check_content_type(headers.get("content-type"))
    return read_body(value)
