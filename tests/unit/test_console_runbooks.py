"""The runbooks as pages of the console, rendered from the files that the package carries."""

from __future__ import annotations

import httpx
import pytest
from tests.support.console import Page
from tests.support.schema_registry import in_memory_client

from stockfold.contracts.runbooks import Runbook, all_runbooks
from stockfold.runtime.settings import Settings
from stockfold_services.api.app import create_app
from stockfold_services.api.console import links

APP = create_app(Settings(), None)
BROWSER = {"accept": "text/html"}
FOLDER = "/console/runbooks"


@pytest.fixture
def client() -> httpx.Client:
    return in_memory_client(APP, "http://api.test")


def page(client: httpx.Client, path: str, status: int = 200) -> Page:
    answer = client.get(path, headers=BROWSER)
    assert answer.status_code == status
    found = Page(answer.text)
    assert found.acting == []
    return found


@pytest.mark.parametrize("runbook", all_runbooks(), ids=lambda one: one.page)
def test_every_runbook_is_a_page_with_its_sections_and_no_link_to_nowhere(
    client: httpx.Client, runbook: Runbook
) -> None:
    found = page(client, links.runbook(runbook.page))
    for section in ("Who is hurt, and how soon", "Repair", "Mended when", "Prevent it"):
        assert f"<h2>{section}</h2>" in found.source
    assert "```" not in found.text
    assert runbook.title in found.text
    inside = [link for link in found.links if link.startswith(FOLDER + "/")]
    assert {link.rpartition("/")[2] for link in inside} <= {one.page for one in all_runbooks()}
    assert not [link for link in found.links if link.endswith(".md")]


def test_the_list_leads_to_all_of_them(client: httpx.Client) -> None:
    found = page(client, FOLDER)
    assert {links.runbook(one.page) for one in all_runbooks()} <= set(found.links)


def test_a_document_that_is_no_runbook_is_named_and_not_linked(client: httpx.Client) -> None:
    found = page(client, f"{FOLDER}/undecodable")
    assert 'title="infra/docs/first-event.md"' in found.source


@pytest.mark.parametrize(
    "name", ["README", "nothing", "..%2f..%2f__init__", "%2e%2e%2fkinds.py", "backlog.md", "x%00"]
)
def test_nothing_else_can_be_read_by_a_name(client: httpx.Client, name: str) -> None:
    assert client.get(f"{FOLDER}/{name}", headers=BROWSER).status_code == 404
