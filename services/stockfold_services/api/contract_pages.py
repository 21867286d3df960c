"""The contracts for people: topics, events, their fields and examples, and who masters what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any

from stockfold.contracts.compatibility import record_in, type_name
from stockfold.contracts.ownership import OWNERSHIP
from stockfold.contracts.payloads import payloads
from stockfold.contracts.registry import Registry, Schema
from stockfold.contracts.topics import INPUTS, ORDERS, TOPICS, Topic
from stockfold_services.api.pages import page

_TOPIC_OF = {name: topic for topic in TOPICS for name in topic.schemas}
_HOW = (
    "<p>Values are Avro in the Confluent wire format, with CloudEvents headers; inputs may also be "
    "JSON of the same schemas with the header <code>content-type: application/json</code>. "
    '<a href="/contracts/asyncapi.yaml">asyncapi.yaml</a> is for tools; readers with a Confluent '
    "deserializer use <code>/registry</code> here as their schema registry.</p>"
)
_INPUT_NAMES = {topic.name for topic in (*INPUTS, ORDERS)}


def overview(registry: Registry, prefix: str) -> str:
    """Every topic with its events, and the ownership table."""
    parts = [
        "<h1>Contracts</h1>",
        _HOW,
        "<h2>Inputs: what you send</h2>",
        *(_topic(registry, topic, prefix) for topic in TOPICS if topic.name in _INPUT_NAMES),
        "<h2>Outputs and data</h2>",
        *(_topic(registry, topic, prefix) for topic in TOPICS if topic.name not in _INPUT_NAMES),
        "<h2>Who masters what</h2>",
        _ownership(prefix),
    ]
    return page("stockfold contracts", "".join(parts))


def _topic(registry: Registry, topic: Topic, prefix: str) -> str:
    kept = "the latest per key" if topic.compacted else "for ever"
    if not topic.compacted and topic.retention_ms >= 0:
        kept = f"{topic.retention_ms // 86_400_000} days"
    rows = "".join(
        f'<tr><td><a href="/contracts/{escape(short(name))}">{escape(short(name))}</a></td>'
        f"<td>{escape(registry.by_name(name).definition['doc'])}</td></tr>"
        for name in topic.schemas
    )
    return (
        f"<h3>{escape(topic.full_name(prefix))}</h3><p>{escape(topic.doc)} "
        f'<span class="dim">Key: {escape(topic.key)}. Written by: {escape(topic.owner)}. '
        f"Kept: {kept}.</span></p><table>{rows}</table>"
    )


def _ownership(prefix: str) -> str:
    rows = "".join(
        f"<tr><td>{escape(row.thing)}</td><td>{escape(row.master)}</td><td>"
        f"{escape(row.topic.full_name(prefix)) if row.topic else ''}</td>"
        f"<td>{escape(row.in_stockfold)}</td></tr>"
        for row in OWNERSHIP
    )
    return (
        "<table><tr><th>what</th><th>mastered by</th><th>reaches stockfold on</th>"
        f"<th>what stockfold does with it</th></tr>{rows}</table>"
    )


def event(registry: Registry, schema: Schema, prefix: str) -> str:
    """One event or record: fields, examples, versions."""
    topic = _TOPIC_OF.get(schema.name)
    name = short(schema.name)
    versions = ", ".join(f"{row.version} (id {row.id})" for row in registry.versions(schema.name))
    parts = [
        f'<p><a href="/contracts">Contracts</a></p><h1>{escape(name)}</h1>',
        f"<p>{escape(schema.definition['doc'])}</p>",
        '<p class="dim">'
        + (f"Topic: {escape(topic.full_name(prefix))}. " if topic else "")
        + f"Type: {escape(schema.name)}. Versions: {escape(versions)}. "
        f'<a href="/contracts/{escape(name)}/schema">Avro schema</a></p>',
        "<h2>Fields</h2><table><tr><th>field</th><th>type</th><th>default</th><th>meaning</th></tr>",
        *_rows(schema.definition, ""),
        "</table>",
        *_examples(name),
    ]
    return page(f"stockfold {name}", "".join(parts))


def _rows(record: Any, prefix: str) -> Iterator[str]:
    for field in record["fields"]:
        place = f"{prefix}{field['name']}"
        default = json.dumps(field["default"]) if "default" in field else "required"
        example = (
            f' <span class="dim">Such as {escape(json.dumps(field["example"]))}</span>'
            if "example" in field
            else ""
        )
        yield (
            f"<tr><td><code>{escape(place)}</code></td><td>{_type(field['type'])}</td>"
            f"<td>{escape(default)}</td><td>{escape(field['doc'])}{example}</td></tr>"
        )
        inner = record_in(field["type"])
        if inner is not None:
            yield from _rows(inner, f"{place}.")


def _type(node: Any) -> str:
    """The type, and for an enum what it may be."""
    told = escape(type_name(node))
    branches = node if isinstance(node, list) else [node]
    for branch in branches:
        if isinstance(branch, dict) and branch.get("symbols"):
            told += f": {escape(', '.join(branch['symbols']))}"
    return told


def _examples(name: str) -> Iterator[str]:
    for group, title in (
        ("valid", "Examples"),
        ("edge", "As far as it goes: taken as well"),
        ("invalid", "Refused, and with which exception"),
    ):
        shown = [payload for payload in payloads(name) if payload.group == group]
        if shown:
            yield f"<h2>{title}</h2>"
        for payload in shown:
            text = payload.raw.decode("utf-8", "replace")
            yield (
                f"<details><summary><code>{escape(payload.name)}</code></summary>"
                f"<pre>{escape(text)}</pre></details>"
            )


def short(name: str) -> str:
    """A type without its namespace."""
    return name.removeprefix("stockfold.")
