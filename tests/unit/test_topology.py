"""The declared topology names every topic, and what the services' own code reads and writes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import stockfold_services
from stockfold.contracts import topics
from stockfold.contracts.topics import INPUTS, TOPICS, Topic
from stockfold.contracts.topology import EXACTLY_ONCE, FLOWS, OUTSIDE, SERVICES, TRANSACTIONAL
from stockfold_services.availability.processor import AvailabilityProcessor
from stockfold_services.projector import source

ROOT = Path(stockfold_services.__file__).parent
NAMES = tuple(name for name, _ in SERVICES)
FOLDERS = {"commands": "cli"}


def read_by(service: str) -> set[str]:
    return {flow.topic.name for flow in FLOWS if service in flow.readers}


def touched_by(service: str) -> set[str]:
    return {flow.topic.name for flow in FLOWS if service in (*flow.readers, *flow.writers)}


def named_in(folder: Path) -> set[str]:
    """The topics that the code of a folder imports from the declaration."""
    found: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "stockfold.contracts.topics":
                given = [getattr(topics, alias.name) for alias in node.names]
                found |= {one.name for one in given if isinstance(one, Topic)}
    return found


def test_every_topic_has_its_flow_once() -> None:
    assert sorted(flow.topic.name for flow in FLOWS) == sorted(topic.name for topic in TOPICS)


def test_flows_name_services_and_parties_that_there_are() -> None:
    for flow in FLOWS:
        assert flow.writers, flow.topic.name
        assert flow.readers, flow.topic.name
        assert {*flow.writers, *flow.readers} <= {*NAMES, *OUTSIDE}
    assert all((ROOT / FOLDERS.get(name, name)).is_dir() for name in NAMES)


# The api names topics whose tables the projector fills.
@pytest.mark.parametrize("service", [name for name in NAMES if name != "api"])
def test_a_service_imports_only_topics_that_it_is_declared_with(service: str) -> None:
    assert named_in(ROOT / FOLDERS.get(service, service)) <= touched_by(service)


def test_the_readers_are_who_subscribes() -> None:
    assert {topic.name for topic in source.TOPICS} == read_by("projector")
    assert {topic.name for topic in AvailabilityProcessor.inputs} <= read_by("availability")
    assert {topic.name for topic in INPUTS} <= read_by("ledger")


def test_what_is_written_in_transactions_alone_has_no_other_writer() -> None:
    for flow in FLOWS:
        assert (flow.topic.name in TRANSACTIONAL) == (set(flow.writers) <= set(EXACTLY_ONCE))
