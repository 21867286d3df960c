"""Kafka values that tell orders something: Avro, or JSON of the same schemas.

For the topics that are keyed by order. The ledger's inputs have a reader of their own, with what
only they need.
"""

from __future__ import annotations

from stockfold.contracts import envelope as envelopes
from stockfold.contracts.codec import MAGIC, Record, decode
from stockfold.contracts.json_reader import JsonReader, check_content_type
from stockfold.contracts.registry import Registry, Schema, default_registry
from stockfold.contracts.topics import Topic
from stockfold.domain.errors import ContractError


class OrderInputReader:
    """Reads by the schemas of one registry. Holds nothing but compiled schemas."""

    def __init__(self, registry: Registry | None = None) -> None:
        self._registry = registry or default_registry()
        self._json = JsonReader(self._registry)

    def read(
        self, topic: Topic, value: bytes | None, headers: envelopes.Headers | None
    ) -> tuple[Schema, Record]:
        """The newest schema of what came on ``topic``, and its record.

        ContractError: ``undecodable``, ``unknown_schema``, ``wrong_topic``; for JSON also
        ``unsupported_content_type``, ``missing_header``, ``bad_envelope``, ``unknown_type``,
        ``invalid_json``, ``schema_mismatch``. UnavailableError: read it again, nothing is lost.
        """
        if value is not None and value[:1] != MAGIC:
            found = {name.lower(): raw for name, raw in headers or ()}
            check_content_type(found.get("content-type"))
            name = envelopes.parse(headers).type
            _check_topic(self._registry.by_name(name).name, topic)
            return self._json.read(name, value)
        schema, record = decode(value, self._registry)
        _check_topic(schema.name, topic)
        return schema, record


def _check_topic(name: str, topic: Topic) -> None:
    if name not in topic.schemas:
        raise ContractError(
            "wrong_topic",
            f"{name} does not belong on {topic.name}",
            remedy="Send it to the topic that declares it.",
        )
