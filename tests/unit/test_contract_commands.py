"""``stockfold validate`` and ``stockfold schemas``, as producers and developers run them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.support.contract_records import avro_value
from tests.support.schema_registry import FakeSchemaRegistry, served
from tests.support.schema_sets import V1, field, lock_folder, record
from typer.testing import CliRunner, Result

from stockfold.contracts.asyncapi import text
from stockfold.contracts.payloads import payloads
from stockfold.contracts.registry import default_registry
from stockfold.contracts.topics import TOPICS
from stockfold.domain.errors import ContractError, SettingsError, StockfoldError
from stockfold_services.cli.main import app

BODY = {"sku": "SKU-1001", "location": "DC-BERLIN", "quantity": 5}
EVENT = {
    "specversion": "1.0",
    "id": "GRN-4711/1",
    "source": "/erp/main",
    "type": "stockfold.GoodsReceived",
    "time": "2026-11-01T12:00:00Z",
    "data": BODY,
}


def run(*arguments: str, **options: Any) -> Result:
    return CliRunner().invoke(app, arguments, **options)


def failure(*arguments: str, **options: Any) -> StockfoldError:
    error = run(*arguments, **options).exception
    assert isinstance(error, StockfoldError)
    return error


def validated(tmp_path: Path, content: Any, *arguments: str, name: str = "event.json") -> Result:
    file = tmp_path / name
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    file.write_bytes(raw)
    return run("validate", str(file), *arguments)


# --- validate -------------------------------------------------------------------------------------


def test_a_valid_body_is_said_to_be_valid(tmp_path: Path) -> None:
    done = validated(tmp_path, BODY, "--type", "GoodsReceived")
    assert done.exit_code == 0
    assert "valid: 1 event: stockfold.GoodsReceived (JSON)" in done.stdout


@pytest.mark.parametrize(
    "content",
    [EVENT, [EVENT, EVENT], b"\n".join([json.dumps(EVENT).encode()] * 3) + b"\n"],
)
def test_cloud_events_name_their_own_type(tmp_path: Path, content: Any) -> None:
    assert validated(tmp_path, content).exit_code == 0


def test_a_kafka_value_in_avro_names_its_own_type(tmp_path: Path) -> None:
    (payload,) = [p for p in payloads("StockCounted") if p.name == "full"]
    raw = payload.avro()
    assert raw is not None
    assert validated(tmp_path, raw).exit_code == 0
    assert validated(tmp_path, raw, "--type", "GoodsReceived").exit_code == 1
    assert "undecodable" in validated(tmp_path, raw[:-1]).stdout


def test_standard_input_is_read(tmp_path: Path) -> None:
    del tmp_path
    done = run("validate", "-", "--type", "GoodsReceived", input=json.dumps(BODY))
    assert done.exit_code == 0


def test_everything_that_is_wrong_is_told_with_place_kind_and_remedy(tmp_path: Path) -> None:
    wrong = EVENT | {"time": "2026-11-01T12:00:00", "data": BODY | {"quantity": "5", "qty": 5}}
    done = validated(tmp_path, wrong)
    assert done.exit_code == 1
    assert "$.time is no moment" in done.stdout
    assert "$.data.qty is no field of GoodsReceived  [schema_mismatch]" in done.stdout
    assert "$.data.quantity is '5', text; it must be an integer" in done.stdout
    assert "to do: Write a whole number, such as 5." in done.stdout


def test_every_nonsense_of_a_body_is_told(tmp_path: Path) -> None:
    wrong = BODY | {"quantity": 0, "location": "A|B"}
    done = validated(tmp_path, wrong, "--type", "GoodsReceived", "--json")
    (verdict,) = json.loads(done.stdout)["verdicts"]
    assert [(p["kind"], p["path"]) for p in verdict["problems"]] == [
        ("quantity_out_of_range", "$.quantity"),
        ("bad_identifier", "$.location"),
    ]


def test_lines_are_judged_one_by_one(tmp_path: Path) -> None:
    lines = [json.dumps(EVENT), "", "oops", json.dumps(EVENT | {"id": ""})]
    done = validated(tmp_path, "\n".join(lines).encode(), "--json", name="events.ndjson")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["valid"], told["events"], told["invalid"]) == (1, False, 3, 2)
    assert [v["where"] for v in told["verdicts"] if not v["valid"]] == ["line 3", "line 4"]


def test_a_body_without_a_type_is_told_which_types_it_fits(tmp_path: Path) -> None:
    done = validated(tmp_path, BODY)
    assert done.exit_code == 1
    assert "It fits stockfold.GoodsReceived." in done.stdout


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"type": "stockfold.GoodReceived"}, "unknown_type"),
        ({"type": 7}, "bad_envelope"),
        ({"id": None}, "missing_header"),
        ({"sequence": "many"}, "bad_envelope"),
        ({"data": None}, "schema_mismatch"),
        ({"datacontenttype": "text/xml"}, "unsupported_content_type"),
        ({"data_base64": "!"}, "undecodable"),
    ],
)
def test_a_wrong_envelope_is_told(tmp_path: Path, change: dict[str, Any], kind: str) -> None:
    done = validated(tmp_path, EVENT | change, "--json")
    (verdict,) = json.loads(done.stdout)["verdicts"]
    assert done.exit_code == 1
    assert kind in {problem["kind"] for problem in verdict["problems"]}


def test_an_event_without_data_is_told(tmp_path: Path) -> None:
    done = validated(tmp_path, {name: EVENT[name] for name in EVENT if name != "data"})
    assert "$.data is missing" in done.stdout


def test_avro_inside_a_cloud_event_is_read(tmp_path: Path) -> None:
    import base64  # noqa: PLC0415 - one use

    body = dict.fromkeys(("inbound", "line", "document", "document_line", "unit"))
    raw = avro_value("GoodsReceived", {**BODY, **body, "condition": "on_hand"})
    event = {name: EVENT[name] for name in EVENT if name != "data"}
    encoded = event | {"data_base64": base64.b64encode(raw).decode()}
    assert validated(tmp_path, encoded).exit_code == 0


@pytest.mark.parametrize("content", [b"", b"\n\n", b"[]"])
def test_a_file_without_events_is_not_valid(tmp_path: Path, content: bytes) -> None:
    assert validated(tmp_path, content, "--type", "GoodsReceived").exit_code == 1


def test_a_wrong_type_and_a_missing_file_are_told() -> None:
    near = failure("validate", "-", "--type", "GoodReceived", input="{}")
    assert isinstance(near, ContractError)
    assert "stockfold.GoodsReceived" in near.remedy
    assert isinstance(failure("validate", "/no/such/file"), SettingsError)


# --- schemas --------------------------------------------------------------------------------------


def test_schemas_are_listed_with_id_version_and_topic() -> None:
    listed = json.loads(run("schemas", "list", "--json").stdout)
    assert {row["name"] for row in listed} == {name for topic in TOPICS for name in topic.schemas}
    assert all(row["id"] and row["version"] and row["topic"] and row["doc"] for row in listed)
    assert run("schemas", "list").exit_code == 0


def test_a_schema_is_shown_by_field_and_as_avro() -> None:
    assert "expires_at" in run("schemas", "show", "ReserveStock").stdout
    shown = json.loads(run("schemas", "show", "ReserveStock", "--json").stdout)
    assert shown == default_registry().by_name("stockfold.ReserveStock").definition
    first = json.loads(run("schemas", "show", "ReserveStock", "--version", "1", "--json").stdout)
    assert first == default_registry().versions("stockfold.ReserveStock")[0].definition
    assert "no version 99" in failure("schemas", "show", "ReserveStock", "--version", "99").what


def test_a_broken_promise_is_refused_with_schema_field_reason_and_remedy(tmp_path: Path) -> None:
    folder = str(lock_folder(tmp_path, record(field("quantity", "int"))))
    assert run("schemas", "release", "--folder", folder).stdout == (
        "released stockfold.GoodsReceived as id 1\n"
    )
    assert run("schemas", "check", "--folder", folder).exit_code == 0
    changed = record(field("quantity", "string"))
    (tmp_path / "inputs/GoodsReceived.avsc").write_text(json.dumps(changed), "utf-8")
    done = run("schemas", "check", "--folder", folder)
    assert done.exit_code == 3
    assert "stockfold.GoodsReceived, field quantity: cannot read" in done.stderr
    assert "to do: Keep the type" in done.stderr
    told = json.loads(run("schemas", "check", "--folder", folder, "--json").stdout)
    assert {finding["field"] for finding in told["findings"]} == {"", "quantity"}
    assert failure("schemas", "release", "--folder", folder).exit_code == 3


def test_schemas_are_compared_with_a_folder(tmp_path: Path) -> None:
    here = lock_folder(tmp_path / "here", record(field("quantity", "int")))
    there = lock_folder(tmp_path / "there", V1)
    loose = tmp_path / "loose"
    loose.mkdir()
    (loose / "GoodsReceived.avsc").write_text(json.dumps(V1), "utf-8")
    for other in (there, loose):
        done = run("schemas", "check", "--folder", str(here), "--against", str(other))
        # Fields with defaults went away: both can read each other.
        assert done.exit_code == 0
        other_way = run("schemas", "check", "--folder", str(there), "--against", str(here))
        assert other_way.exit_code == 0


def test_schemas_are_compared_with_a_git_reference(tmp_path: Path) -> None:
    folder = lock_folder(tmp_path, record(field("quantity", "int")))
    for command in (
        ["init", "--quiet"],
        ["add", "."],
        ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "-m", "first"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    lock_folder(tmp_path, record(field("units", "int")))
    done = run("schemas", "check", "--folder", str(folder), "--against", "HEAD")
    assert done.exit_code == 3
    assert "field units: cannot read what id 1 of HEAD wrote" in done.stderr
    assert "field quantity: cannot be read by those who have id 1 of HEAD" in done.stderr
    for nonsense in ("no-such-reference", "--output=x"):
        assert failure("schemas", "check", "--folder", str(folder), f"--against={nonsense}")


def test_a_folder_without_a_lock_file_is_a_setting_to_mend(tmp_path: Path) -> None:
    assert failure("schemas", "check", "--folder", str(tmp_path)).exit_code == 2


def test_the_asyncapi_document_is_written_and_checked(tmp_path: Path) -> None:
    file = tmp_path / "asyncapi.yaml"
    assert failure("schemas", "asyncapi", "--check", str(file)).remedy.endswith(f"--out {file}")
    assert run("schemas", "asyncapi", "--out", str(file)).exit_code == 0
    assert file.read_text("utf-8") == text() == run("schemas", "asyncapi").stdout
    assert run("schemas", "asyncapi", "--check", str(file)).exit_code == 0
    file.write_text("old", "utf-8")
    assert failure("schemas", "asyncapi", "--check", str(file)).what == (
        "the AsyncAPI document is not fresh"
    )


def test_payloads_are_written_as_json_and_avro(tmp_path: Path) -> None:
    done = run("schemas", "payloads", "--type", "StockCounted", "--out", str(tmp_path), "--json")
    listed = json.loads(done.stdout)
    assert len(listed) == len(list(payloads("StockCounted")))
    (full,) = tmp_path.glob("StockCounted/valid/full.avro")
    assert full.read_bytes()[:1] == b"\x00"
    for row in listed:
        folder = tmp_path / row["type"] / row["group"]
        assert (folder / f"{row['name']}.json").exists()
        assert (folder / f"{row['name']}.avro").exists() == (row["avro"] == "yes")


def test_schemas_are_registered_under_the_environments_prefix() -> None:
    registry = FakeSchemaRegistry(first_id=500)
    assert failure("schemas", "register", env={"STOCKFOLD_REGISTRY__URL": ""}).exit_code == 2
    with served(registry) as url:
        variables = {"STOCKFOLD_REGISTRY__URL": url, "STOCKFOLD_ENVIRONMENT__PREFIX": "qa."}
        rows = json.loads(run("schemas", "register", "--yes", "--json", env=variables).stdout)
    assert len(rows) == len(default_registry().all())
    assert min(row["registry_id"] for row in rows) == 500
    assert all(subject.startswith("qa.stockfold.") for subject in registry.subjects)
