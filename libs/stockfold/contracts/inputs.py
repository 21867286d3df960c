"""A Kafka record of an input topic as an ``Input``, or the reason why it cannot be one."""

from __future__ import annotations

import io
from typing import Any

import fastavro
import xxhash

from stockfold.contracts import envelope as envelopes
from stockfold.contracts.codec import HEADER_BYTES, MAGIC, decode
from stockfold.contracts.registry import Registry, Schema, default_registry
from stockfold.domain.errors import ContractError
from stockfold.ledger.facts import Input

_NAMESPACE = "stockfold."


class InputReader:
    """Reads the inputs of one registry. Holds nothing but looked-up schemas."""

    def __init__(self, registry: Registry | None = None) -> None:
        self._registry = registry or default_registry()
        self._schemas: dict[bytes, Schema] = {}

    def read(
        self,
        topic: str,
        allowed: frozenset[str],
        partition: int,
        offset: int,
        timestamp_ms: int,
        key: bytes | None,
        value: bytes | None,
        headers: envelopes.Headers | None,
    ) -> Input:
        """The input; ``topic`` is without prefix, ``allowed`` the schemas that it declares.

        ContractError: ``undecodable``, ``unknown_schema``, ``wrong_topic``, ``missing_header``,
        ``bad_envelope``, ``type_mismatch``, ``key_mismatch``.
        """
        schema, body = self._body(value)
        if schema.name not in allowed:
            raise ContractError(
                "wrong_topic",
                f"{schema.name} does not belong on {topic}",
                remedy="Send it to the topic that declares it.",
            )
        envelope = envelopes.parse(headers)
        if envelope.type != schema.name:
            raise ContractError(
                "type_mismatch",
                f"ce_type says {envelope.type}, the value is {schema.name}",
                remedy="Send the type that the value has.",
            )
        sku = body["sku"]
        if key is None or key != sku.encode():
            raise ContractError(
                "key_mismatch",
                f"the key is {key!r}, the event's sku is {sku!r}",
                remedy="Key the message by its SKU, so that it meets the SKU's other events.",
            )
        assert value is not None
        return Input(
            schema.name.removeprefix(_NAMESPACE),
            sku,
            body,
            envelope.source,
            envelope.id,
            envelope.time_us,
            timestamp_ms * 1000,
            envelope.correlation_id,
            topic,
            partition,
            offset,
            schema.id,
            xxhash.xxh3_64_intdigest(value[HEADER_BYTES:]),
            envelope.sequence,
        )

    def _body(self, value: bytes | None) -> tuple[Schema, dict[str, Any]]:
        if value is not None and value[:1] == MAGIC:
            schema = self._schemas.get(value[:HEADER_BYTES])
            if schema is not None:
                source = io.BytesIO(value)
                source.seek(HEADER_BYTES)
                try:
                    body = fastavro.schemaless_reader(source, schema.parsed, None)
                except Exception:  # noqa: BLE001  (told in full by the careful path below)
                    body = None
                if isinstance(body, dict) and source.tell() == len(value):
                    return schema, body
        schema, body = decode(value, self._registry)
        assert value is not None
        self._schemas[value[:HEADER_BYTES]] = schema
        return schema, body


def event_hash(source: str, event_id: str) -> int:
    """The 64-bit name of an event in the memory for repeats: (source, id)."""
    return xxhash.xxh3_64_intdigest(f"{source}\x00{event_id}".encode())
