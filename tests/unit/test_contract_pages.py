"""The contracts as the api shows them: pages in the console's frame, and a registry for readers."""

from __future__ import annotations

import re

import httpx
import pytest
from tests.support.contract_records import EVENT_TYPES, ORDER_TYPES
from tests.support.schema_registry import in_memory_client

from stockfold.contracts.asyncapi import text
from stockfold.contracts.ownership import OWNERSHIP
from stockfold.contracts.registry import default_registry
from stockfold.contracts.rest_registry import RestRegistry
from stockfold.contracts.topics import TOPICS
from stockfold.domain.errors import ContractError
from stockfold.runtime.settings import Settings
from stockfold_services.api.app import create_app

APP = create_app(Settings(environment={"prefix": "qa."}), None)


@pytest.fixture
def client() -> httpx.Client:
    return in_memory_client(APP, "http://api.test")


def test_the_overview_shows_every_topic_event_and_owner(client: httpx.Client) -> None:
    answer = client.get("/contracts")
    assert answer.status_code == 200
    for topic in TOPICS:
        assert topic.full_name("qa.") in answer.text
    for name in EVENT_TYPES:
        assert f'href="/contracts/{name}"' in answer.text
    for row in OWNERSHIP:
        assert row.master in answer.text


@pytest.mark.parametrize(
    "name", [*EVENT_TYPES, *ORDER_TYPES, "JournalFact", "ExceptionRaised", "Location"]
)
def test_an_event_is_shown_with_its_fields_and_examples(client: httpx.Client, name: str) -> None:
    answer = client.get(f"/contracts/{name}")
    assert answer.status_code == 200
    for field in default_registry().by_name(f"stockfold.{name}").definition["fields"]:
        assert f"<code>{field['name']}</code>" in answer.text
    if name in (*EVENT_TYPES, *ORDER_TYPES):
        assert "<summary><code>full</code></summary>" in answer.text


def test_pages_load_and_run_only_what_is_served_with_them(client: httpx.Client) -> None:
    for path in ("/contracts", "/contracts/ReserveStock", "/docs"):
        answer = client.get(path)
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        loaded = re.findall(r'(?:src|rel="(?:icon|stylesheet)" href)="([^"]+)"', answer.text)
        assert len(loaded) == 3
        assert all(address.startswith("/console/static/") for address in loaded)
        assert not re.search(r"<script(?![^>]*src=)|<style|style=| on[a-z]+=", answer.text)


def test_an_event_that_does_not_exist_is_a_problem(client: httpx.Client) -> None:
    for path in ("/contracts/Nothing", "/contracts/Nothing/schema"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


def test_the_asyncapi_document_and_the_schemas_are_served(client: httpx.Client) -> None:
    assert client.get("/contracts/asyncapi.yaml").text == text()
    schema = client.get("/contracts/StockCounted/schema").json()
    assert schema == default_registry().by_name("stockfold.StockCounted").definition


def test_readers_may_use_the_api_as_their_schema_registry() -> None:
    registry = RestRegistry(in_memory_client(APP, "http://api.test/registry"))
    for schema in default_registry().all():
        assert registry.by_id(schema.id).definition == schema.definition
    newest = default_registry().by_name("stockfold.GoodsReceived")
    assert registry.by_name("stockfold.GoodsReceived").id == newest.id
    assert len(registry.versions("stockfold.GoodsReceived")) == newest.version
    with pytest.raises(ContractError) as refused:
        registry.by_id(99_999)
    assert refused.value.kind == "unknown_schema"
    with pytest.raises(ContractError) as refused:
        registry.by_name("stockfold.Nothing")
    assert refused.value.kind == "unknown_type"
