"""Parcels on their topic: Avro and JSON alike, and what is not taken."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from stockfold.contracts import codec, envelope
from stockfold.contracts.shipments import ORDER_SHIPPED, Told, channel_of, read_parcel
from stockfold.domain.errors import ContractError

KEY = b"woo-de|4711"
BODY: dict[str, Any] = {
    "channel": "woo-de",
    "order": "4711",
    "shipment": "S-1",
    "shipped_at": 1_790_000_000_000_000,
    "carrier": "DHL",
    "lines": [{"line": "1", "quantity": 2}],
}
JSON = [("content-type", b"application/json")]


def headers(kind: str = ORDER_SHIPPED, correlation: str = "") -> list[tuple[str, bytes]]:
    told = envelope.Envelope("e-1", "/wms", kind, 1, correlation)
    return envelope.build(told)


def read(value: bytes | None, key: bytes = KEY, *more: tuple[str, bytes], **of: str) -> Told:
    return read_parcel(key, value, [*headers(**of), *more])


def test_avro_and_json_tell_the_same_parcel() -> None:
    avro = codec.encode(ORDER_SHIPPED, {**BODY, "tracking_number": "", "tracking_url": ""})
    plain = msgspec.json.encode({**BODY, "shipped_at": "2026-09-21T14:13:20Z"})
    told = read(avro)
    assert told == read(plain, KEY, *JSON)
    assert (told.channel, told.parcel.carrier, told.parcel.lines) == ("woo-de", "DHL", (("1", 2),))


def test_without_a_correlation_the_orders_key_is_one() -> None:
    avro = codec.encode(ORDER_SHIPPED, {**BODY, "tracking_number": "", "tracking_url": ""})
    assert read(avro).parcel.correlation == "woo-de|4711"
    assert read(avro, correlation="trace-7").parcel.correlation == "trace-7"


@pytest.mark.parametrize(
    ("value", "key", "kind", "refused"),
    [
        (None, KEY, ORDER_SHIPPED, "undecodable"),
        (b"nonsense", KEY, ORDER_SHIPPED, "undecodable"),
        (b"\0\0\0\0\x01x", KEY, ORDER_SHIPPED, "undecodable"),
        (b"", KEY, "stockfold.StockShipped", "wrong_topic"),
    ],
)
def test_what_is_no_parcel_is_refused(value: Any, key: bytes, kind: str, refused: str) -> None:
    with pytest.raises(ContractError) as error:
        read(value, key, kind=kind)
    assert error.value.kind == refused


def test_a_key_of_another_order_is_refused() -> None:
    plain = msgspec.json.encode({**BODY, "shipped_at": "2026-09-21T14:13:20Z"})
    with pytest.raises(ContractError, match="the key is not"):
        read(plain, b"woo-de|1", *JSON)


def test_a_record_without_a_key_is_of_no_channel() -> None:
    assert (channel_of(None), channel_of(KEY)) == ("", "woo-de")
