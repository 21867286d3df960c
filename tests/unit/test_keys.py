"""API keys: what proves one, and what it allows."""

from __future__ import annotations

from typing import Any

import pytest

from stockfold.contracts.topics import API_KEYS
from stockfold.runtime.keys import ApiKey, KeyBook, encode_key, issue
from stockfold.runtime.records import LoopRecord

NOW_US = 1_000_000_000


def key(**terms: Any) -> tuple[ApiKey, str]:
    told = {"name": "wms", "events_per_s": 10, "body_bytes_max": 1024, "created_at": NOW_US}
    return issue(**{**told, "expires_at": NOW_US + 10, **terms})


def record(name: str, value: bytes | None) -> LoopRecord:
    """A record of the topic of keys."""
    return LoopRecord(API_KEYS.name, 0, 0, 0, name.encode(), value)


def book(*keys: ApiKey) -> KeyBook:
    found = KeyBook()
    for one in keys:
        found.apply(record(one.key, encode_key(one)))
    return found


def test_only_the_whole_token_proves_its_holder() -> None:
    (one, token), (other, _) = key(sources=("/wms",)), key()
    known = book(one, other)
    assert known.holder(token) == one
    secret = token.rpartition("_")[2]
    for wrong in ("", "sfk", token[:-1], token + "x", f"sfk_{other.key}_{secret}", f"x{token}"):
        assert known.holder(wrong) is None
    assert known.holder(f"sfk_{one.key}_\ud800") is None
    assert token not in repr(one)


def test_secrets_and_salts_are_never_the_same_twice() -> None:
    made = [key() for _ in range(50)]
    assert len({one.hash for one, _ in made}) == len({one.salt for one, _ in made}) == 50


def test_a_broken_record_leaves_the_key_before_in_force_and_a_tombstone_removes_it() -> None:
    one, token = key()
    known = book(one)
    known.apply(record(one.key, b"\x00broken"))
    assert known.holder(token) == one
    known.apply(record(one.key, None))
    assert known.holder(token) is None


def test_a_key_holds_until_it_expires_or_is_withdrawn() -> None:
    assert key()[0].refusal(NOW_US + 9) == ""
    assert "expired" in key()[0].refusal(NOW_US + 10)
    assert "withdrawn" in key(revoked_at=NOW_US)[0].refusal(NOW_US)


@pytest.mark.parametrize(
    ("terms", "source", "kind", "body", "beyond"),
    [
        ({}, "/any", "GoodsReceived", {"location": "DC"}, ""),
        ({"sources": ("/wms",)}, "/wms", "GoodsReceived", {"location": "DC"}, ""),
        ({"sources": ("/wms",)}, "/wms/2", "GoodsReceived", {"location": "DC"}, "source /wms/2"),
        ({"locations": ("DC",)}, "/a", "GoodsReceived", {"location": "DC"}, ""),
        ({"locations": ("DC",)}, "/a", "GoodsReceived", {"location": "X"}, "location X"),
        ({"locations": ("DC",)}, "/a", "TransferDispatched", {"from": "DC", "to": "X"}, "location"),
        ({"locations": ("DC",)}, "/a", "ReserveStock", {"locations": ["DC", "X"]}, "location X"),
        ({"locations": ("DC",)}, "/a", "TransferClosed", {}, "names no location"),
        (
            {"locations": ("DC",), "types": ("stockfold.TransferClosed",)},
            "/a",
            "TransferClosed",
            {},
            "",
        ),
        ({"types": ("stockfold.StockCounted",)}, "/a", "GoodsReceived", {"location": "X"}, "type"),
    ],
)
def test_a_key_allows_its_sources_types_and_locations_and_nothing_else(
    terms: dict, source: str, kind: str, body: dict, beyond: str
) -> None:
    told = key(**terms)[0].beyond(source, f"stockfold.{kind}", body)
    assert told.startswith(beyond) if beyond in ("", "location", "type") else beyond in told
    assert bool(told) == bool(beyond)
