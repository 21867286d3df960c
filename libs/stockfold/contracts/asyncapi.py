"""The AsyncAPI 3 document of the topics, generated from their declaration and the schemas.

From the point of view of the application, as AsyncAPI wants it: it receives the inputs, and sends
the outputs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from stockfold.contracts.ownership import OWNERSHIP
from stockfold.contracts.payloads import payloads
from stockfold.contracts.registry import Registry, default_registry
from stockfold.contracts.topics import INPUTS, ORDERS, TOPICS, Topic

Json = Any

AVRO_FORMAT = "application/vnd.apache.avro+json;version=1.12.0"
CONTRACT_VERSION = "1.0.0"
_SHORT = "stockfold."
_OUR_SERVICES = ("ledger", "availability", "publisher", "exception desk", "command line")
_TAKEN = {topic.name for topic in (*INPUTS, ORDERS)}
_HEADERS: Mapping[str, tuple[str, str, str]] = {
    "ce_specversion": ("CloudEvents version.", "1.0", "required"),
    "ce_id": (
        "Id of the event, unique within its source; a repeat has the same.",
        "e-1",
        "required",
    ),
    "ce_source": ("Who says it.", "/erp/main", "required"),
    "ce_type": ("Full name of the event type.", "stockfold.GoodsReceived", "required"),
    "ce_time": (
        "When it occurred: RFC 3339 with an offset.",
        "2026-11-01T12:00:00Z",
        "required",
    ),
    "content-type": (
        "application/avro, or application/json for a JSON value of the same schema.",
        "application/avro",
        "optional",
    ),
    "correlationid": ("What it belongs to, such as an order.", "order-1", "optional"),
    "traceparent": (
        "W3C trace context.",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "optional",
    ),
    "sequence": ("Number of the event within its source and SKU, 0 to 2^63-1.", "7", "optional"),
    "corrects": ("Id of the event that this one corrects.", "e-0", "optional"),
}


def document(registry: Registry | None = None) -> dict[str, Json]:
    """The AsyncAPI document as plain data; the same for the same topics and schemas."""
    registry = registry or default_registry()
    names = [name for topic in TOPICS for name in topic.schemas]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "stockfold",
            "version": CONTRACT_VERSION,
            "description": "Inventory availability from one ordered ledger per SKU. Values are "
            "Avro in the Confluent wire format; inputs may also be JSON of the same schemas, told "
            "by the content-type header. Topic names carry the environment's prefix.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/avro",
        "channels": {_id(topic): _channel(topic) for topic in TOPICS},
        "operations": {
            f"{'receive' if _is_input(topic) else 'send'}-{_id(topic)}": _operation(topic)
            for topic in TOPICS
        },
        "components": {
            "messages": {
                name.removeprefix(_SHORT): _message(registry, name, name in _taken(TOPICS))
                for name in names
            },
            "messageTraits": {"cloudEvent": {"headers": _headers()}},
        },
        "x-ownership": [
            {
                "thing": row.thing,
                "master": row.master,
                "topic": row.topic.name if row.topic else None,
                "note": row.in_stockfold,
            }
            for row in OWNERSHIP
        ],
    }


def text(registry: Registry | None = None) -> str:
    """The document as YAML, as it is checked in."""
    head = "# Generated from the topic declarations and schemas: stockfold schemas asyncapi\n"
    body: str = yaml.dump(
        document(registry),
        Dumper=_Plain,
        sort_keys=False,
        allow_unicode=True,
        width=100,
        default_flow_style=False,
    )
    return head + body


class _Plain(yaml.SafeDumper):
    """Writes everything out, without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _id(topic: Topic) -> str:
    return topic.name.removeprefix(_SHORT).rpartition(".")[0]


def _is_input(topic: Topic) -> bool:
    return topic.owner not in _OUR_SERVICES


def _taken(topics: Iterable[Topic]) -> set[str]:
    return {name for topic in topics if topic.name in _TAKEN for name in topic.schemas}


def _channel(topic: Topic) -> Json:
    policy = ["compact"] if topic.compacted else ["delete"]
    configuration: dict[str, Json] = {"cleanup.policy": policy}
    if not topic.compacted:
        configuration["retention.ms"] = topic.retention_ms
    if topic.superseded_kept_ms:
        configuration["min.compaction.lag.ms"] = topic.superseded_kept_ms
    kafka: dict[str, Json] = {
        "topic": topic.name,
        "topicConfiguration": configuration,
        "bindingVersion": "0.5.0",
    }
    if not topic.keyed_by_sku and not topic.keyed_by_order:
        kafka["partitions"] = topic.partitions
    return {
        "address": topic.name,
        "summary": topic.doc,
        "description": f"Key: {topic.key}. Written by: {topic.owner}. Partitions: "
        + (
            "kafka.sku_partitions, the same for every topic of a SKU; partitioner murmur2."
            if topic.keyed_by_sku
            else "kafka.order_partitions, the same for all topics of an order; partitioner murmur2."
            if topic.keyed_by_order
            else f"{topic.partitions}."
        ),
        "messages": {
            _short(name): {"$ref": f"#/components/messages/{_short(name)}"}
            for name in topic.schemas
        },
        "bindings": {"kafka": kafka},
    }


def _short(name: str) -> str:
    return name.removeprefix(_SHORT)


def _operation(topic: Topic) -> Json:
    return {
        "action": "receive" if _is_input(topic) else "send",
        "channel": {"$ref": f"#/channels/{_id(topic)}"},
        "summary": topic.doc,
        "messages": [
            {"$ref": f"#/channels/{_id(topic)}/messages/{_short(name)}"} for name in topic.schemas
        ],
    }


def _message(registry: Registry, name: str, is_input: bool) -> Json:
    schema = registry.by_name(name)
    message: dict[str, Json] = {
        "name": name,
        "title": _short(name),
        "summary": schema.definition["doc"],
        "contentType": "application/avro",
    }
    if is_input:
        message["traits"] = [{"$ref": "#/components/messageTraits/cloudEvent"}]
        message["examples"] = [
            {"name": payload.name, "payload": json.loads(payload.raw)}
            for payload in payloads(_short(name))
            if payload.group == "valid" and not payload.is_cloud_event
        ]
    message["payload"] = {"schemaFormat": AVRO_FORMAT, "schema": schema.definition}
    message["bindings"] = {
        "kafka": {
            "key": {"type": "string"},
            "schemaIdLocation": "payload",
            "schemaIdPayloadEncoding": "confluent",
            "bindingVersion": "0.5.0",
        }
    }
    message["x-schema-id"] = schema.id
    message["x-schema-version"] = schema.version
    return message


def _headers() -> Json:
    return {
        "type": "object",
        "required": [name for name, row in _HEADERS.items() if row[2] == "required"],
        "properties": {
            name: {"type": "string", "description": doc, "examples": [example]}
            for name, (doc, example, _) in _HEADERS.items()
        },
    }
