"""What components and kits tell each other, as records of two compacted topics.

A kit asks for a component on ``stockfold.kit-components.v1``, in the component's partition; the
component answers, then and at every change, on ``stockfold.component-availability.v1``, in the
kit's.
"""

from __future__ import annotations

from collections.abc import Mapping
from sys import intern
from typing import Any

import msgspec

from stockfold.availability.answer import Visible
from stockfold.contracts.codec import decode, encoder
from stockfold.domain.bills import Bill
from stockfold.domain.errors import ContractError
from stockfold_services.availability.records import Cause

ANSWER = "stockfold.ComponentAvailability"
REQUEST = "stockfold.KitComponent"

_encode_answer = encoder(ANSWER)
_encode_request = encoder(REQUEST)


class Told(msgspec.Struct, frozen=True, gc=False):
    """What a component says of itself.

    ``held``: whether any location ever held it. ``bills``: its own, if it is a kit; in its own copy
    those of the kits inside as well, and ``refused`` says why a newer one is not in force. They are
    not ``in_force`` yet while a kit asks for its parts for the first time; ``asked`` are those it
    has asked for, in its own copy. ``visible`` by channel is without what could be assembled.
    """

    version: int
    held: bool
    bills: tuple[Bill, ...]
    in_force: bool
    refused: str
    asked: tuple[str, ...]
    visible: Mapping[str, Visible]

    def says_as_much_as(self, other: Told) -> bool:
        """Whether they differ in nothing but the version."""
        return msgspec.structs.replace(other, version=self.version) == self


def pair_key(first: str, second: str) -> bytes:
    """The key ``first|second``. Only the second may hold the sign that separates them."""
    return f"{first.replace('%', '%25').replace('|', '%7C')}|{second}".encode()


def pair_of(key: bytes | None) -> tuple[str, str]:
    """The two SKUs of a key; ContractError ``bad_key``."""
    first, separator, second = (key or b"").decode("utf-8", "replace").partition("|")
    if not separator or not second:
        raise ContractError("bad_key", f"the key {key!r} is not of the form SKU|SKU")
    return first.replace("%7C", "|").replace("%25", "%"), second


def encode_request(kit: str, component: str, revision: int) -> bytes:
    """The record by which a kit asks for a component."""
    return _encode_request({"kit": kit, "component": component, "revision": revision})


def encode_told(component: str, kit: str, told: Told, cause: Cause) -> bytes:
    """The record that tells a component to a kit; with an empty ``kit``, its own copy."""
    return _encode_answer(
        {
            "component": component,
            "kit": kit,
            "version": told.version,
            "held": told.held,
            "bills": [_fields_of(bill) for bill in told.bills],
            "in_force": told.in_force,
            "refused": told.refused,
            "asked": told.asked,
            "channels": [_channel(name, visible) for name, visible in told.visible.items()],
            "recorded_at": cause.recorded_us,
            "correlation_id": cause.correlation_id,
            "caused_at": cause.caused_us,
        }
    )


def _fields_of(bill: Bill) -> dict[str, Any]:
    return {
        "sku": bill.sku,
        "revision": bill.revision,
        "version": bill.version,
        "components": [{"sku": sku, "quantity": units} for sku, units in bill.components],
    }


def _channel(name: str, visible: Visible) -> dict[str, Any]:
    quantity, status, next_available, lead_time_days, locations = visible
    return {
        "channel": name,
        "quantity": quantity,
        "status": status,
        "next_available": next_available,
        "lead_time_days": lead_time_days,
        "locations": [{"location": place, "quantity": units} for place, units in locations],
    }


class Answered(msgspec.Struct, frozen=True, gc=False):
    """One record of the component availability topic; ``kit`` is empty for its own copy."""

    component: str
    kit: str
    told: Told
    cause: Cause


def read_answer(value: bytes | None) -> Answered:
    """What a component tells; ContractError when it is something else."""
    body = _body(value, ANSWER)
    bills = tuple(
        Bill(
            bill["sku"],
            bill["revision"],
            bill["version"],
            tuple((part["sku"], part["quantity"]) for part in bill["components"]),
        )
        for bill in body["bills"]
    )
    visible = {intern(row["channel"]): _visible(row) for row in body["channels"]}
    told = Told(
        body["version"],
        body["held"],
        bills,
        body["in_force"],
        body["refused"],
        tuple(body["asked"]),
        visible,
    )
    cause = Cause(body["recorded_at"], body["correlation_id"], body["caused_at"])
    return Answered(body["component"], body["kit"], told, cause)


def _visible(row: dict[str, Any]) -> Visible:
    shares = row["locations"]
    return (
        row["quantity"],
        intern(row["status"]),
        row["next_available"],
        row["lead_time_days"],
        tuple((intern(share["location"]), share["quantity"]) for share in shares) if shares else (),
    )


def read_request(value: bytes | None) -> tuple[str, str]:
    """(kit, component) of a request; ContractError when it is something else."""
    body = _body(value, REQUEST)
    return body["kit"], body["component"]


def _body(value: bytes | None, name: str) -> dict[str, Any]:
    schema, body = decode(value)
    if schema.name != name:
        raise ContractError(
            "wrong_topic",
            f"{schema.name} does not belong on this topic, {name} does",
            remedy="Only availability writes it: find out who else does.",
        )
    return body
