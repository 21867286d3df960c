"""Old writers' data is read as if it had been written today."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.contract_records import JSON_TYPE, headers
from tests.support.schema_sets import NAME, V1, V2, field, lock_registry, record

from stockfold.contracts import codec
from stockfold.contracts.inputs import InputReader
from stockfold.contracts.registry import Registry
from stockfold.contracts.upcasters import Upcaster, Upcasters
from stockfold.domain.errors import ContractError, DefectError
from stockfold.ledger.facts import Input

TOPIC = "stockfold.receipts.v1"
OLD = {"sku": "A", "quantity": 5, "condition": "gone", "colour": "red"}
NEW = {"sku": "A", "quantity": 5, "condition": "bad", "batch": None}


def wire(registry: Registry, schema_id: int, body: dict[str, Any]) -> bytes:
    raw = codec.write_body(registry.by_id(schema_id), body)
    return b"\x00" + schema_id.to_bytes(4, "big") + raw


def read(
    reader: InputReader, value: bytes, *more: tuple[str, bytes], told: str = "GoodsReceived"
) -> Input:
    allowed = frozenset({NAME, "stockfold.Replaced"})
    return reader.read(TOPIC, allowed, 0, 0, 0, b"A", value, headers(told, *more))


def test_old_bytes_become_a_record_of_the_newest_schema(tmp_path: Path) -> None:
    registry = lock_registry(tmp_path, V1, V2)
    schema, body = codec.decode(wire(registry, 1, OLD), registry)
    assert (schema.id, schema.version) == (2, 2)
    assert body == NEW


def test_the_same_event_under_both_schemas_is_a_repeat(tmp_path: Path) -> None:
    registry = lock_registry(tmp_path, V1, V2)
    reader = InputReader(registry)
    old, new = read(reader, wire(registry, 1, OLD)), read(reader, wire(registry, 2, NEW))
    assert old.body == new.body == NEW
    assert old.payload_hash == new.payload_hash
    assert (old.schema_id, new.schema_id) == (1, 2)
    assert reader.upgraded == 1


def test_json_that_fits_only_an_older_version_is_taken_as_avro_takes_it(tmp_path: Path) -> None:
    reader = InputReader(lock_registry(tmp_path, V1, V2))
    given = read(reader, json.dumps(OLD).encode(), *JSON_TYPE)
    assert given.body == NEW


def test_json_that_fits_no_version_is_told_what_the_newest_wants(tmp_path: Path) -> None:
    reader = InputReader(lock_registry(tmp_path, V1, V2))
    with pytest.raises(ContractError) as refused:
        read(reader, json.dumps(OLD | {"batch": 7}).encode(), *JSON_TYPE)
    assert "$.colour is no field" in refused.value.what
    assert "$.batch is 7" in refused.value.what


def test_bytes_left_over_behind_an_old_body_are_refused(tmp_path: Path) -> None:
    registry = lock_registry(tmp_path, V1, V2)
    with pytest.raises(ContractError) as refused:
        read(InputReader(registry), wire(registry, 1, OLD) + b"x")
    assert refused.value.kind == "undecodable"


@pytest.fixture
def replaced(tmp_path: Path) -> tuple[Registry, Upcasters]:
    """A type that counted dozens, replaced by one that counts units."""
    dozens = record(field("dozens", "int"), name="Replaced")
    registry = lock_registry(tmp_path, V1, dozens, V2)

    def units(body: dict[str, Any]) -> dict[str, Any]:
        return NEW | {"sku": body["sku"], "quantity": body["dozens"] * 12}

    return registry, {("stockfold.Replaced", 1): Upcaster(NAME, units, "Dozens became units.")}


@pytest.mark.parametrize("as_json", [False, True])
def test_a_replaced_type_is_upcast_to_its_successor(
    replaced: tuple[Registry, Upcasters], *, as_json: bool
) -> None:
    registry, upcasters = replaced
    reader = InputReader(registry, upcasters)
    body = {"sku": "A", "dozens": 2}
    value = json.dumps(body).encode() if as_json else wire(registry, 2, body)
    given = read(reader, value, *(JSON_TYPE if as_json else ()), told="Replaced")
    assert given.type == "GoodsReceived"
    assert given.body == NEW | {"quantity": 24}
    same = read(reader, wire(registry, 3, NEW | {"quantity": 24}))
    assert same.payload_hash == given.payload_hash


def test_a_version_that_meant_something_else_is_upcast_within_its_name(tmp_path: Path) -> None:
    registry = lock_registry(tmp_path, V1, V2)
    upcasters = {(NAME, 1): Upcaster(NAME, lambda body: NEW | {"quantity": -body["quantity"]}, "")}
    _, body = codec.decode(wire(registry, 1, OLD), registry, upcasters=upcasters)
    assert body == NEW | {"quantity": -5}


def test_upcasters_that_lead_in_a_circle_are_a_defect(tmp_path: Path) -> None:
    other = record(name="Other")
    registry = lock_registry(tmp_path, record(), other)
    upcasters = {
        (NAME, 1): Upcaster("stockfold.Other", dict, ""),
        ("stockfold.Other", 1): Upcaster(NAME, dict, ""),
    }
    with pytest.raises(DefectError, match="circle"):
        codec.decode(wire(registry, 1, {"sku": "A"}), registry, upcasters=upcasters)


def test_an_event_read_before_a_release_is_known_again_after_it(tmp_path: Path) -> None:
    first = record(field("quantity", "int"))
    second = record(field("quantity", "int"), field("batch", ["null", "string"], default=None))
    before = InputReader(lock_registry(tmp_path / "before", first))
    after = InputReader(lock_registry(tmp_path / "after", first, second))
    value = json.dumps({"sku": "A", "quantity": 5}).encode()
    old, new = read(before, value, *JSON_TYPE), read(after, value, *JSON_TYPE)
    assert new.payload_hash != old.payload_hash
    assert after.earlier_hashes(new) == {old.payload_hash}
    more = json.dumps({"sku": "A", "quantity": 5, "batch": "B-1"}).encode()
    assert after.earlier_hashes(read(after, more, *JSON_TYPE)) == set()
