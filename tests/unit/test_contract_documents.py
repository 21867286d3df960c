"""What is checked in about the contracts is true, and fresh."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.contract_records import EVENT_TYPES

from stockfold.contracts.asyncapi import document, text
from stockfold.contracts.house_rules import broken_rules
from stockfold.contracts.json_reader import JsonReader
from stockfold.contracts.ownership import OWNERSHIP, markdown
from stockfold.contracts.registry import default_registry
from stockfold.contracts.releases import check, locked
from stockfold.contracts.topics import TAKEN_ON, TOPICS

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "schemas/stockfold_schemas"


def test_the_schemas_keep_what_was_released_and_the_rules_of_the_house() -> None:
    assert [str(f) for f in (*check(SCHEMAS), *broken_rules(locked(SCHEMAS)))] == []


def test_every_topics_schema_is_in_the_lock_file_and_the_other_way_round() -> None:
    declared = {name for topic in TOPICS for name in topic.schemas}
    assert {schema.name for schema in default_registry().all()} == declared


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_the_examples_of_the_fields_make_an_event(event_type: str) -> None:
    name = f"stockfold.{event_type}"
    body = {
        field["name"]: field["example"]
        for field in default_registry().by_name(name).definition["fields"]
        if "example" in field
    }
    tree = yaml_tree(body)
    assert JsonReader().fit(name, tree)[1]["sku"] == "SKU-1001"


def yaml_tree(value: Any) -> Any:
    """Plain data as the JSON reader's tree."""
    from stockfold.contracts.json_text import JsonObject  # noqa: PLC0415 - one use

    if isinstance(value, dict):
        return JsonObject([(key, yaml_tree(inner)) for key, inner in value.items()])
    return [yaml_tree(item) for item in value] if isinstance(value, list) else value


def test_the_asyncapi_document_is_fresh() -> None:
    """Otherwise run: stockfold schemas asyncapi --out schemas/asyncapi.yaml."""
    assert (ROOT / "schemas/asyncapi.yaml").read_text("utf-8") == text()


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    whole = yaml.safe_load(text())
    assert whole == document()
    found = list(references(whole))
    assert len(found) > 100
    for reference in found:
        node = whole
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
        assert node


def references(node: Any) -> Any:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def test_the_asyncapi_document_tells_every_topic_key_and_message() -> None:
    whole = document()
    assert {c["address"] for c in whole["channels"].values()} == {t.name for t in TOPICS}
    inputs = {
        operation["channel"]["$ref"].rpartition("/")[2]
        for operation in whole["operations"].values()
        if operation["action"] == "receive"
    }
    assert {"receipts", "allocations", "catalog", "channel-policies"} <= inputs
    assert "journal" not in inputs
    for name in TAKEN_ON:
        message = whole["components"]["messages"][name.removeprefix("stockfold.")]
        assert message["examples"]
        assert message["traits"]


def test_the_ownership_table_in_the_docs_is_the_data() -> None:
    page = (ROOT / "infra/docs/contracts.md").read_text("utf-8")
    found = re.search(r"<!-- ownership -->\n(.*?)\n<!-- /ownership -->", page, re.DOTALL)
    assert found is not None
    assert found[1] == markdown()


@pytest.mark.parametrize("thing", ["SKU", "bill of materials", "location", "price", "tax"])
def test_the_ownership_table_says_who_masters_it(thing: str) -> None:
    assert [row for row in OWNERSHIP if row.thing == thing]
