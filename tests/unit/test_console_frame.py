"""The console's frame: what it serves, how it refuses, and that nothing in it is taken for HTML."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import Request
from jinja2 import UndefinedError
from tests.support.schema_registry import in_memory_client

from stockfold.runtime.settings import Settings
from stockfold_services.api.app import create_app
from stockfold_services.api.console import words
from stockfold_services.api.console.frame import render

APP = create_app(Settings(environment={"prefix": "qa."}), None)
BROWSER = {"accept": "text/html"}
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def client() -> httpx.Client:
    return in_memory_client(APP, "http://api.test")


def request(path: str = "/console/") -> Request:
    scope = {"type": "http", "path": path, "headers": [], "query_string": b"", "app": APP}
    return Request(scope | {"server": ("api.test", 80), "scheme": "http", "method": "GET"})


def test_files_are_kept_for_ever_under_the_name_of_what_is_in_them(client: httpx.Client) -> None:
    page = client.get("/contracts", headers=BROWSER)
    for address in re.findall(r'"(/console/static/[^"]+)"', page.text):
        answer = client.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert client.get(address.partition("?")[0]).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "name", ["..%2f..%2fapp.py", "%2e%2e/frame.py", "frame.py", "console.css%00"]
)
def test_no_other_file_can_be_had(client: httpx.Client, name: str) -> None:
    assert client.get(f"/console/static/{name}").status_code == 404


def test_the_root_leads_to_the_console(client: httpx.Client) -> None:
    answer = client.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "/console/")


def test_a_refusal_is_a_page_for_people_and_json_for_programs(client: httpx.Client) -> None:
    page = client.get("/contracts/Nothing", headers=BROWSER)
    assert page.status_code == 404
    assert "<h1>Not known</h1>" in page.text
    told = client.get("/contracts/Nothing")
    assert told.headers["content-type"] == "application/problem+json"
    assert client.get("/v1/nothing", headers=BROWSER).json()["status"] == 404


def test_what_a_page_is_given_is_text_and_never_markup() -> None:
    problem = {"title": "<b>no</b>", "detail": "'\"><script>x()</script>", "status": 400}
    page = render(request(), "problem.html", problem=problem | {"instance": "/<i>"})
    text = bytes(page.body).decode()
    assert "<b>no" not in text
    assert "<script>x" not in text
    assert "&lt;script&gt;x()" in text


def test_a_template_refuses_a_value_that_it_was_not_given() -> None:
    with pytest.raises(UndefinedError):
        render(request(), "problem.html")


def test_the_navigation_marks_the_page_that_is_shown() -> None:
    page = render(request("/docs"), "interface.html", info={"description": ""}, groups={})
    assert '<a href="/docs" aria-current="page">' in bytes(page.body).decode()


@pytest.mark.parametrize(
    ("ms", "told"),
    [
        (None, "not known"),
        (0, "0 ms"),
        (999, "999 ms"),
        (1_500, "1.5 s"),
        (60_000, "60 s"),
        (600_000, "10 min"),
        (36_000_000, "10 h"),
        (864_000_000, "10 days"),
    ],
)
def test_durations_are_told_in_the_unit_that_suits(ms: int | None, told: str) -> None:
    assert words.duration(ms) == told


def test_ages_are_told_in_words_and_hold_the_exact_time() -> None:
    told = words.ago(NOW - timedelta(minutes=5), NOW)
    assert told == (
        '<time datetime="2026-03-01T11:55:00+00:00" title="1 Mar 2026, 11:55:00 UTC">'
        "5 min ago</time>"
    )
    assert "in 5 min<" in words.ago(NOW + timedelta(minutes=5), NOW)
    assert "just now<" in words.ago(NOW, NOW)
    assert words.ago(None) == "never"


def test_counts_are_told_with_their_noun() -> None:
    assert words.plural(1, "order") == "1 order"
    assert words.plural(1_200, "entry", "entries") == "1,200 entries"
    assert words.number(None) == "-"
    assert words.number(1234.56, 1) == "1,234.6"
