"""One suite for every registry: the lock file, a registry over HTTP, and both joined."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tests.support.contract_records import headers
from tests.support.schema_registry import FakeSchemaRegistry
from tests.support.schema_sets import NAME, V1, V2, enum, field, lock_registry, record

from stockfold.contracts import codec
from stockfold.contracts.inputs import InputReader
from stockfold.contracts.joined_registry import JoinedRegistry
from stockfold.contracts.registry import Registry
from stockfold.contracts.rest_registry import ATTEMPTS, UNKNOWN_S_MAX, RestRegistry
from stockfold.domain.errors import ContractError, SettingsError, UnavailableError

Make = Callable[[Path], Registry]


def _lock(folder: Path) -> Registry:
    return lock_registry(folder, V1, V2)


def _rest(folder: Path) -> Registry:
    del folder
    fake = FakeSchemaRegistry()
    fake.add(V1)
    fake.add(V2)
    return RestRegistry(fake.client())


def _joined(folder: Path) -> Registry:
    return JoinedRegistry(_lock(folder), _rest(folder))


def _joined_with_nothing(folder: Path) -> Registry:
    return JoinedRegistry(_lock(folder), RestRegistry(FakeSchemaRegistry().client()))


@pytest.fixture(params=[_lock, _rest, _joined, _joined_with_nothing])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Registry:
    make: Make = request.param
    return make(tmp_path)


# --- what every registry does -------------------------------------------------------


def test_a_schema_is_found_by_its_id(registry: Registry) -> None:
    schema = registry.by_id(1)
    assert (schema.id, schema.name, schema.definition) == (1, NAME, V1)
    assert registry.by_id(1) is schema


def test_the_newest_schema_is_found_by_name(registry: Registry) -> None:
    assert registry.by_name(NAME).id == 2
    assert registry.by_name(NAME).version == 2


def test_the_versions_of_a_name_are_listed_oldest_first(registry: Registry) -> None:
    assert [schema.definition for schema in registry.versions(NAME)] == [V1, V2]
    assert list(registry.versions("stockfold.Nothing")) == []


def test_an_unknown_id_is_refused(registry: Registry) -> None:
    with pytest.raises(ContractError) as refused:
        registry.by_id(99)
    assert refused.value.kind == "unknown_schema"
    assert "99" in refused.value.what


def test_an_unknown_name_is_refused(registry: Registry) -> None:
    with pytest.raises(ContractError) as refused:
        registry.by_name("stockfold.Nothing")
    assert refused.value.kind == "unknown_type"


def test_what_one_writes_can_be_read_by_its_id(registry: Registry) -> None:
    body = {"sku": "A", "quantity": 5, "condition": "good", "batch": None}
    raw = b"\x00\x00\x00\x00\x02" + codec.write_body(registry.by_id(2), body)
    assert codec.decode(raw, registry)[1] == body


# --- over HTTP ------------------------------------------------------------------------


def test_an_id_is_asked_for_once() -> None:
    fake = FakeSchemaRegistry()
    number = fake.add(V1)
    registry = RestRegistry(fake.client())
    registry.by_id(number)
    registry.by_id(number)
    assert len(fake.requests) == 1


def test_an_unknown_id_is_asked_for_again_after_a_while() -> None:
    fake = FakeSchemaRegistry()
    now_s = 0.0
    registry = RestRegistry(fake.client(), now_s=lambda: now_s)
    for _ in range(3):
        with pytest.raises(ContractError):
            registry.by_id(1)
    assert len(fake.requests) == 1
    fake.add(V1)
    now_s = UNKNOWN_S_MAX + 1
    assert registry.by_id(1).name == NAME


def test_subjects_carry_the_environments_prefix() -> None:
    fake = FakeSchemaRegistry()
    registry = RestRegistry(fake.client(), "qa.")
    number = registry.register(V1)
    assert fake.subjects == {f"qa.{NAME}": [number]}
    assert registry.by_name(NAME).id == number


def test_registering_again_gives_the_same_id() -> None:
    registry = RestRegistry(FakeSchemaRegistry().client())
    assert registry.register(V1) == registry.register(V1)
    assert registry.register(V2) != registry.register(V1)


def test_a_schema_that_the_registry_refuses_is_told_so() -> None:
    fake = FakeSchemaRegistry()
    registry = RestRegistry(fake.client())
    registry.register(V1)
    fake.refuses_changes = True
    with pytest.raises(ContractError, match="refuses the schema") as refused:
        registry.register(V2)
    assert refused.value.kind == "incompatible_schema"


def test_a_passing_failure_is_asked_again_and_a_lasting_one_is_unavailable() -> None:
    fake = FakeSchemaRegistry()
    number = fake.add(V1)
    registry = RestRegistry(fake.client())
    fake.failing = ATTEMPTS
    with pytest.raises(UnavailableError, match="HTTP 503 no leader") as away:
        registry.by_id(number)
    assert "registry.url" in away.value.remedy
    fake.failing = ATTEMPTS - 1
    assert registry.by_id(number).name == NAME


def test_a_registry_that_is_not_there_is_unavailable() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)

    client = httpx.Client(transport=httpx.MockTransport(refuse), base_url="http://registry.test")
    with pytest.raises(UnavailableError, match="did not answer: ConnectError"):
        RestRegistry(client).by_id(1)


@pytest.mark.parametrize("body", [b"<html>", b"[" * 5_000_000])
def test_an_answer_that_is_none_is_unavailable(body: bytes) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
    client = httpx.Client(transport=transport, base_url="http://registry.test")
    with pytest.raises(UnavailableError):
        RestRegistry(client).by_id(1)


def test_wrong_credentials_are_a_setting_to_mend() -> None:
    fake = FakeSchemaRegistry()
    fake.credentials = "Basic dTpw"
    with pytest.raises(SettingsError, match="refuses us") as refused:
        RestRegistry(fake.client()).by_id(1)
    assert "registry.password" in refused.value.remedy
    client = fake.client()
    client.auth = httpx.BasicAuth("u", "p")
    number = fake.add(V1)
    assert RestRegistry(client).by_id(number).name == NAME


@pytest.mark.parametrize(
    "entry",
    [
        {"schema": "syntax = 'proto3';", "schemaType": "PROTOBUF"},
        {"schema": "{}"},
        {"schema": "no json"},
        {"schema": '"string"'},
        {"schema": '{"type": "record"}', "references": [{"name": "x"}]},
    ],
)
def test_what_is_no_avro_record_is_refused(entry: dict[str, object]) -> None:
    fake = FakeSchemaRegistry()
    fake.schemas[1] = entry
    with pytest.raises(ContractError) as refused:
        RestRegistry(fake.client()).by_id(1)
    assert refused.value.kind == "incompatible_schema"


# --- joined: producers with ids of their own --------------------------------------------


def joined(folder: Path, fake: FakeSchemaRegistry, *ours: object) -> JoinedRegistry:
    return JoinedRegistry(lock_registry(folder, *(ours or (V1, V2))), RestRegistry(fake.client()))


def test_our_schema_under_a_producers_id_is_ours(tmp_path: Path) -> None:
    fake = FakeSchemaRegistry(first_id=4711)
    number = fake.add(V2 | {"doc": "Other words."})
    found = joined(tmp_path, fake).by_id(number)
    assert (found.id, found.version, found.definition) == (4711, 2, V2)


def test_a_producers_own_schema_is_taken_when_what_it_writes_can_be_read(tmp_path: Path) -> None:
    fake = FakeSchemaRegistry(first_id=4711)
    own = record(field("quantity", "int"), field("pallet", "string"))
    number = fake.add(own)
    registry = joined(tmp_path, fake)
    body = {"sku": "A", "quantity": 5, "pallet": "P-1"}
    raw = b"\x00" + number.to_bytes(4, "big") + codec.write_body(registry.by_id(number), body)
    told = InputReader(registry).read(
        "receipts", frozenset({NAME}), 0, 0, 0, b"A", raw, headers("GoodsReceived")
    )
    assert told.body == {"sku": "A", "quantity": 5, "condition": "good", "batch": None}
    assert told.schema_id == 4711


def test_a_producers_own_schema_that_cannot_be_read_is_refused_by_field(tmp_path: Path) -> None:
    fake = FakeSchemaRegistry(first_id=4711)
    number = fake.add(record(field("quantity", "string"), field("condition", enum("good"))))
    with pytest.raises(ContractError) as refused:
        joined(tmp_path, fake).by_id(number)
    assert refused.value.kind == "incompatible_schema"
    assert "quantity is long, but was written as string" in refused.value.what


def test_a_schema_that_is_no_event_of_ours_is_unknown(tmp_path: Path) -> None:
    fake = FakeSchemaRegistry(first_id=4711)
    number = fake.add(record(name="Invoice"))
    with pytest.raises(ContractError, match=r"stockfold\.Invoice in the registry") as refused:
        joined(tmp_path, fake).by_id(number)
    assert refused.value.kind == "unknown_schema"


def test_an_id_that_both_know_means_what_the_event_says_it_is(tmp_path: Path) -> None:
    ours = (record(name="StockCounted"), V2)
    fake = FakeSchemaRegistry()
    assert fake.add(V2) == 1
    registry = joined(tmp_path, fake, *ours)
    reader = InputReader(registry)
    allowed = frozenset({NAME, "stockfold.StockCounted"})

    def told(event_type: str, raw: bytes) -> str:
        return reader.read("t", allowed, 0, 0, 0, b"A", raw, headers(event_type)).type

    body = {"sku": "A", "quantity": 5, "condition": "good", "batch": None}
    received = b"\x00\x00\x00\x00\x01" + codec.write_body(registry.by_name(NAME), body)
    counted = b"\x00\x00\x00\x00\x01" + codec.write_body(
        registry.by_name("stockfold.StockCounted"), {"sku": "A"}
    )
    for _ in range(2):
        assert told("StockCounted", counted) == "StockCounted"
        assert told("GoodsReceived", received) == "GoodsReceived"


def test_an_id_of_somebody_elses_type_is_still_ours_in_the_lock_file(tmp_path: Path) -> None:
    fake = FakeSchemaRegistry()
    assert fake.add(record(name="Invoice")) == 1
    assert joined(tmp_path, fake).by_id(1).name == NAME


def test_while_the_registry_is_away_no_id_is_guessed_and_the_event_waits(tmp_path: Path) -> None:
    fake = FakeSchemaRegistry(first_id=4711)
    number = fake.add(V2)
    registry = joined(tmp_path, fake)
    reader = InputReader(registry)
    body = {"sku": "A", "quantity": 5, "condition": "good", "batch": None}
    raw = b"\x00" + number.to_bytes(4, "big") + codec.write_body(registry.by_name(NAME), body)
    place = ("receipts", frozenset({NAME}), 0, 0, 0, b"A", raw, headers("GoodsReceived"))
    fake.failing = ATTEMPTS
    with pytest.raises(UnavailableError):
        reader.read(*place)
    assert reader.read(*place).body == body
    asked = len(fake.requests)
    fake.failing = 10
    assert reader.read(*place).body == body
    assert len(fake.requests) == asked
