"""What is released stays true: every change is compared with all that was promised."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.schema_sets import NAME, V1, V2, enum, field, lock_folder, record

from stockfold.contracts.house_rules import broken_rules
from stockfold.contracts.registry import LockFileRegistry
from stockfold.contracts.releases import check, fingerprint, locked, release, released
from stockfold.domain.errors import ContractError

BASE = record(
    field("quantity", "int"),
    field("condition", enum("good", "bad", default="bad"), default="good"),
    field("eta", ["null", {"type": "long", "logicalType": "timestamp-micros"}], default=None),
    field("places", {"type": "array", "items": "string"}, default=[]),
)
PLACE = field("place", record(field("row", "int"), name="Place"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A schemas folder whose only schema is released."""
    lock_folder(tmp_path, BASE)
    assert [version.id for version in release(tmp_path)] == [1]
    return tmp_path


def change(folder: Path, definition: Any) -> None:
    (folder / "inputs/GoodsReceived.avsc").write_text(json.dumps(definition), "utf-8")


def with_field(name: str, **changes: Any) -> dict[str, Any]:
    """The base with one of its fields changed."""
    definition = copy.deepcopy(BASE)
    next(f for f in definition["fields"] if f["name"] == name).update(changes)
    return definition


def said(folder: Path, definition: Any) -> str:
    change(folder, definition)
    with pytest.raises(ContractError) as refused:
        release(folder)
    assert refused.value.kind == "incompatible_schema"
    return str(refused.value)


def test_a_release_keeps_a_copy_and_a_fingerprint(folder: Path) -> None:
    index = json.loads((folder / "released/index.json").read_text())
    assert index == [
        {
            "id": 1,
            "name": NAME,
            "version": 1,
            "file": "0001-GoodsReceived.avsc",
            "fingerprint": fingerprint(BASE),
        }
    ]
    assert [version.definition for version in released(folder)] == [BASE]
    assert check(folder) == []


def test_releasing_again_changes_nothing(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert release(folder) == []
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_prose_may_change_without_a_release(folder: Path) -> None:
    change(folder, with_field("quantity", doc="In better words.", example=7))
    assert check(folder) == []


def test_a_compatible_change_is_told_to_need_an_id_and_gets_one(folder: Path) -> None:
    wider = record(*BASE["fields"][1:], field("batch", ["null", "string"], default=None))
    change(folder, wider)
    assert "stockfold schemas release" in str(check(folder)[0])
    assert [(version.id, version.file) for version in release(folder)] == [
        (2, "inputs/GoodsReceived.avsc")
    ]
    assert check(folder) == []
    registry = LockFileRegistry(folder)
    assert registry.by_id(1).definition == BASE
    assert registry.by_name(NAME).id == 2
    assert [schema.version for schema in registry.versions(NAME)] == [1, 2]


def test_a_new_type_gets_the_next_id(folder: Path) -> None:
    (folder / "inputs/New.avsc").write_text(json.dumps(record(name="New")), "utf-8")
    assert [(version.id, version.name) for version in release(folder)] == [(2, "stockfold.New")]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            record(*BASE["fields"][1:], field("batch", "string")),
            "field batch: cannot read what released version 1 (id 1) wrote: it is required",
        ),
        (
            record(*BASE["fields"][2:]),
            (
                "field quantity: cannot be read by those who have released version 1 (id 1): for "
                "them it is required, but is not in what was written. Keep the field"
            ),
        ),
        (
            with_field("quantity", type="string"),
            (
                "field quantity: cannot read what released version 1 (id 1) wrote: it is string, "
                "but was written as int"
            ),
        ),
        (
            with_field("quantity", type="long"),
            (
                "field quantity: cannot be read by those who have released version 1 (id 1): for "
                "them it is int, but was written as long"
            ),
        ),
        (
            with_field("eta", type=["null", "long"]),
            (
                "field eta: cannot read what released version 1 (id 1) wrote: it is long, but was "
                "written as long (timestamp-micros): the same number means another thing"
            ),
        ),
        (
            with_field("condition", type=enum("good")),
            "it may be written as bad, which enum Condition does not know",
        ),
        (
            with_field("places", type={"type": "array", "items": "long"}),
            "field places[]: cannot read",
        ),
        (
            with_field("condition", default="bad"),
            "field condition: the default changed from 'good' to 'bad'",
        ),
    ],
)
def test_an_incompatible_change_is_refused_by_field_and_reason(
    folder: Path, changed: Any, message: str
) -> None:
    before = (folder / "schemas.lock.json").read_bytes()
    assert message in said(folder, changed)
    assert (folder / "schemas.lock.json").read_bytes() == before
    assert any(message in str(finding) for finding in check(folder))


def test_a_symbol_more_is_no_trouble_for_readers_whose_enum_has_a_default(folder: Path) -> None:
    more = enum("good", "bad", "gone", default="bad")
    change(folder, with_field("condition", type=more))
    assert [version.id for version in release(folder)] == [2]


def test_a_field_inside_a_record_is_named_with_its_place(tmp_path: Path) -> None:
    lock_folder(tmp_path, record(PLACE))
    release(tmp_path)
    inner = record(field("row", "int"), field("shelf", "int"), name="Place")
    assert "field place.shelf: cannot read" in said(tmp_path, record(PLACE | {"type": inner}))


def test_a_change_must_fit_every_release_not_only_the_last(folder: Path) -> None:
    optional = ["null", "string"]
    change(folder, record(*BASE["fields"][1:], field("note", optional, default=None)))
    release(folder)
    change(folder, record(*BASE["fields"][1:]))
    release(folder)
    twisted = record(*BASE["fields"][1:], field("note", ["null", "long"], default=None))
    told = said(folder, twisted)
    assert "field note: cannot read what released version 2 (id 2) wrote" in told
    assert "version 3" not in told


def test_versions_that_have_an_id_are_held_to_before_the_first_release(tmp_path: Path) -> None:
    lock_folder(tmp_path, BASE, record(*BASE["fields"][2:]))
    assert "those who have the version of id 1" in str(check(tmp_path)[0])
    with pytest.raises(ContractError):
        release(tmp_path)


def test_a_release_keeps_superseded_versions_only_as_copies(tmp_path: Path) -> None:
    lock_folder(
        tmp_path, BASE, record(*BASE["fields"][1:], field("n", ["null", "int"], default=None))
    )
    release(tmp_path)
    (tmp_path / "inputs/GoodsReceived-1.avsc").unlink()
    assert check(tmp_path) == []
    assert LockFileRegistry(tmp_path).by_id(1).definition == BASE


def test_a_type_that_was_released_cannot_be_given_up(folder: Path) -> None:
    (folder / "schemas.lock.json").write_text('{"schemas": []}', "utf-8")
    told = [str(finding) for finding in check(folder)]
    assert any("id 1 was released, but the lock file no longer gives it" in line for line in told)
    assert any("is gone" in line for line in told)


def test_a_changed_copy_of_a_release_is_found(folder: Path) -> None:
    (folder / "released/0001-GoodsReceived.avsc").write_text(json.dumps(V1), "utf-8")
    assert any("the released copy" in str(finding) for finding in check(folder))


def test_an_id_given_twice_is_found(folder: Path) -> None:
    lock = json.loads((folder / "schemas.lock.json").read_text())
    lock["schemas"].append(lock["schemas"][0] | {"name": "stockfold.Other"})
    (folder / "schemas.lock.json").write_text(json.dumps(lock), "utf-8")
    told = [str(finding) for finding in check(folder)]
    assert any("gives id 1 twice" in line for line in told)
    assert any("defines stockfold.GoodsReceived" in line for line in told)


def test_a_missing_schema_file_is_named(folder: Path) -> None:
    (folder / "inputs/GoodsReceived.avsc").unlink()
    with pytest.raises(ContractError, match="cannot be read") as refused:
        check(folder)
    assert "GoodsReceived.avsc" in refused.value.where


def test_other_versions_may_be_compared_with(folder: Path, tmp_path_factory: Any) -> None:
    other = lock_folder(tmp_path_factory.mktemp("other"), V2)
    told = [str(finding) for finding in check(folder, locked(other))]
    assert any("field quantity: cannot read" in line for line in told)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (field("Quantity", "int"), "snake_case"),
        (field("email", "string"), "personal data"),
        ({"name": "note", "type": "string", "example": "x"}, "no doc"),
        ({"name": "note", "type": "string", "doc": "A note."}, "no example"),
        (field("share", "double"), "binary fraction"),
        (field("condition", ["null", enum("good")]), "has no default"),
        (field("inner", record(field("phone", "string"), name="Inner")), "personal data"),
    ],
)
def test_schemas_keep_to_the_rules_of_the_house(tmp_path: Path, broken: Any, reason: str) -> None:
    lock_folder(tmp_path, record(broken))
    assert [reason in str(finding) for finding in broken_rules(locked(tmp_path))] == [True]
