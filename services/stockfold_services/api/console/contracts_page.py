"""The contracts for people: topics, events, their fields and examples, and who masters what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from fastapi import Request
from fastapi.responses import HTMLResponse

from stockfold.contracts.compatibility import record_in, type_name
from stockfold.contracts.ownership import OWNERSHIP
from stockfold.contracts.payloads import payloads
from stockfold.contracts.registry import Registry, Schema
from stockfold.contracts.topics import DAY_MS, INPUTS, ORDERS, TOPICS, Topic
from stockfold_services.api.console.frame import render

_TOPIC_OF = {name: topic for topic in TOPICS for name in topic.schemas}
_INPUT_NAMES = {topic.name for topic in (*INPUTS, ORDERS)}
_GROUPS = (
    ("valid", "Examples"),
    ("edge", "As far as it goes: taken as well"),
    ("invalid", "Refused, and with which exception"),
)


class ShownTopic(NamedTuple):
    """A topic as it is described; ``events`` are names with what they say."""

    name: str
    topic: Topic
    kept: str
    events: list[tuple[str, str]]


class Field(NamedTuple):
    """A field, or one inside of another: ``place`` is the path to it."""

    place: str
    type: str
    default: str
    doc: str
    example: str


def overview(request: Request, registry: Registry) -> HTMLResponse:
    """Every topic with its events, and the ownership table."""
    prefix = request.app.state.prefix
    shown = [_shown(registry, topic, prefix) for topic in TOPICS]
    return render(
        request,
        "contracts.html",
        groups=[
            ("Inputs: what you send", [t for t in shown if t.topic.name in _INPUT_NAMES]),
            ("Outputs and data", [t for t in shown if t.topic.name not in _INPUT_NAMES]),
        ],
        ownership=OWNERSHIP,
        prefix=prefix,
    )


def kept(topic: Topic) -> str:
    """How long its records stay, in words."""
    if topic.compacted:
        return "the latest per key"
    return "for ever" if topic.retention_ms < 0 else f"{topic.retention_ms // DAY_MS} days"


def _shown(registry: Registry, topic: Topic, prefix: str) -> ShownTopic:
    events = [(short(name), registry.by_name(name).definition["doc"]) for name in topic.schemas]
    return ShownTopic(topic.full_name(prefix), topic, kept(topic), events)


def event(request: Request, registry: Registry, schema: Schema) -> HTMLResponse:
    """One event or record: fields, examples, versions."""
    topic = _TOPIC_OF.get(schema.name)
    name = short(schema.name)
    given = payloads(name)
    examples = [
        (
            title,
            [(p.name, p.raw.decode("utf-8", "replace")) for p in given if p.group == group],
        )
        for group, title in _GROUPS
    ]
    return render(
        request,
        "contract.html",
        name=name,
        schema=schema,
        versions=registry.versions(schema.name),
        topic=topic.full_name(request.app.state.prefix) if topic else "",
        fields=list(_fields(schema.definition, "")),
        examples=[(title, shown) for title, shown in examples if shown],
    )


def _fields(record: Any, prefix: str) -> Iterator[Field]:
    for field in record["fields"]:
        place = f"{prefix}{field['name']}"
        yield Field(
            place,
            _type(field["type"]),
            json.dumps(field["default"]) if "default" in field else "required",
            field["doc"],
            json.dumps(field["example"]) if "example" in field else "",
        )
        inner = record_in(field["type"])
        if inner is not None:
            yield from _fields(inner, f"{place}.")


def _type(node: Any) -> str:
    """The type, and for an enum what it may be."""
    told = type_name(node)
    for branch in node if isinstance(node, list) else [node]:
        if isinstance(branch, dict) and branch.get("symbols"):
            told += f": {', '.join(branch['symbols'])}"
    return told


def short(name: str) -> str:
    """A type without its namespace."""
    return name.removeprefix("stockfold.")
