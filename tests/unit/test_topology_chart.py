"""The drawn topology holds every topic and everybody who takes part in it."""

from __future__ import annotations

import re

import httpx
import pytest
from tests.support.console import HOSTILE, Page
from tests.support.schema_registry import in_memory_client

from stockfold.contracts.topology import FLOWS
from stockfold.runtime.settings import Settings
from stockfold_services.api.app import create_app
from stockfold_services.api.console import topology_chart
from stockfold_services.api.console.words import short

APP = create_app(Settings(environment={"prefix": "qa."}), None)


@pytest.fixture
def client() -> httpx.Client:
    return in_memory_client(APP, "http://api.test")


def test_every_topic_has_its_wire_with_a_dot_for_everybody_who_takes_part() -> None:
    drawn = topology_chart.wiring()
    assert drawn.count('class="wire"') == len(FLOWS)
    parts = [{*flow.writers, *flow.readers} for flow in FLOWS]
    assert drawn.count("<circle") == sum(map(len, parts))
    for flow in FLOWS:
        assert f">{short(flow.topic.name)}</text>" in drawn


def test_what_a_service_takes_no_part_in_steps_back() -> None:
    drawn = topology_chart.wiring("snapshotter")
    mine = [flow for flow in FLOWS if "snapshotter" in (*flow.writers, *flow.readers)]
    assert drawn.count('class="is-on"') == len(mine)
    assert drawn.count('class="is-off"') == len(FLOWS) - len(mine)


def test_services_are_joined_where_one_reads_what_the_other_writes() -> None:
    drawn = topology_chart.stages({"ledger": 1_234, "orders": 0})
    edges = re.findall(r"<title>([^:]+): ([^<]+)</title>", drawn)
    joined = {pair: names.split(", ") for pair, names in edges}
    assert "journal" in joined["ledger to projector"]
    assert "positions" in joined["ledger to availability"]
    assert joined["publisher to shops"] == ["stock levels"]
    assert "1,234 records" in drawn
    assert "nothing waits" in drawn


def test_the_page_shows_what_one_service_takes_part_in(client: httpx.Client) -> None:
    found = Page(client.get("/console/topology", params={"of": "ledger"}).text)
    assert "Ledger takes part in" in found.text
    assert found.acting == []
    assert "shadow-reports" not in found.source.split("The same in words")[1]


def test_a_service_that_there_is_not_marks_nothing(client: httpx.Client) -> None:
    answer = client.get("/console/topology", params={"of": HOSTILE[:64]})
    assert answer.status_code == 200
    assert Page(answer.text).acting == []
    assert "is-off" not in answer.text
