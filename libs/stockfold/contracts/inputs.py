"""A Kafka record of an input topic as an ``Input``, or the reason why it cannot be one.

Avro and JSON of the same event give the same ``Input``, as do old and new schemas: the body is a
record of the newest schema, and the payload's hash is taken of its Avro encoding, so that they are
repeats of each other.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import xxhash

from stockfold.contracts import envelope as envelopes
from stockfold.contracts.avro_reader import JudgingReader, judging_reader
from stockfold.contracts.codec import HEADER_BYTES, MAGIC, read_body, schema_of, write_body
from stockfold.contracts.json_reader import JsonReader, check_content_type
from stockfold.contracts.kept import Kept
from stockfold.contracts.registry import Registry, Schema, default_registry
from stockfold.contracts.upcasters import UPCASTERS, Upcasters
from stockfold.domain.errors import ContractError
from stockfold.ledger.facts import Input
from stockfold.ledger.validation import SOUND_SHORT

_NAMESPACE = "stockfold."
_CONTENT_TYPE = "content-type"
JSON_SCHEMA_ID = 0
"""The schema id of an input that came as JSON."""


class _Read(NamedTuple):
    told: str
    """Full name of the type as the producer wrote it."""
    schema: Schema
    """The newest of what it is called today; ``body`` fits it."""
    body: dict[str, Any]
    schema_id: int
    payload_hash: int


class _Known(NamedTuple):
    """A schema that is the newest of its type, so that a body needs nothing but reading."""

    schema_id: int
    name: str
    type: str
    """Without the namespace."""
    read: JudgingReader


class InputReader:
    """Reads the inputs of one registry. Holds looked-up schemas and counts, nothing else."""

    def __init__(self, registry: Registry | None = None, upcasters: Upcasters = UPCASTERS) -> None:
        self._registry = registry or default_registry()
        self._upcasters = upcasters
        self._json = JsonReader(self._registry, upcasters)
        # By the first five bytes of a value. There are no more than the types that we know, and
        # a producer's own ids of them.
        self._newest: dict[bytes, _Known] = {}
        self.json_read = 0
        """Inputs that were read from JSON: each costs several times as much as one in Avro."""
        self.traced = False
        """Whether inputs keep the trace context that they came with."""
        self.upgraded = 0
        """Inputs whose writer's schema was not the newest of their type."""

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

        ContractError: ``undecodable``, ``unknown_schema``, ``incompatible_schema``,
        ``wrong_topic``, ``missing_header``, ``bad_envelope``, ``type_mismatch``,
        ``key_mismatch``; for JSON also ``unsupported_content_type``, ``unknown_type``,
        ``invalid_json``, ``schema_mismatch``. UnavailableError: read it again, nothing is lost.
        """
        known = self._newest.get(value[:HEADER_BYTES]) if value is not None else None
        end = -1
        name = ""
        if known is not None:
            assert value is not None
            schema_id, name, event_type, read_body = known
            raw = value[HEADER_BYTES:]
            try:
                body, end, is_sound = read_body(raw, 0)
                fields = envelopes.parse_fields(headers)
            except Exception:  # noqa: BLE001  (told in full by the careful path below)
                end = -1
        if end >= 0 and end == len(raw) and fields[2] == name and name in allowed:
            payload_hash = _hash(raw)
        else:
            name, schema, body, schema_id, payload_hash = self._carefully(
                topic, allowed, value, headers
            )
            fields = envelopes.parse_fields(headers)
            if fields[2] != name:
                raise _type_mismatch(fields[2], name)
            event_type = schema.name.removeprefix(_NAMESPACE)
            is_sound = False
        event_id, source, _, occurred_us, correlation_id, trace, sequence, _, raw_id, raw_more = (
            fields
        )
        sku = body["sku"]
        if key is None or key != sku.encode():
            raise _key_mismatch(key, sku)
        given = Input(
            event_type,
            sku,
            body,
            source,
            event_id,
            occurred_us,
            timestamp_ms * 1000,
            correlation_id,
            topic,
            partition,
            offset,
            schema_id,
            payload_hash,
            sequence,
            is_sound,
            _hash(_SOURCES[source] + raw_id),
            raw_id,
            raw_more,
        )
        if trace and self.traced:
            given.traceparent = trace
        return given

    def earlier_hashes(self, given: Input) -> set[int]:
        """Payload hashes that the same event had before its type's newest schema was released.

        For the repeat of an event that was read under the release before: a hash is taken under
        the newest schema of its day. Versions that cannot say all of the record do not count.
        """
        name = f"{_NAMESPACE}{given.type}"
        body = dict(given.body)
        found = set()
        for version in self._registry.versions(name)[:-1]:
            try:
                raw = write_body(version, body)
                _, again = read_body(version, raw, 0, self._registry, self._upcasters)
            except (ContractError, TypeError, ValueError, KeyError, OverflowError):
                continue
            if again == body:
                found.add(_hash(raw))
        return found

    def _carefully(
        self,
        topic: str,
        allowed: frozenset[str],
        value: bytes | None,
        headers: envelopes.Headers | None,
    ) -> _Read:
        """All but Avro under an id seen before: JSON, other schemas, and whatever is broken."""
        found = {name.lower(): raw for name, raw in headers or ()}
        expected = (found.get("ce_type") or b"").decode("utf-8", "replace")
        if value is not None and value[:1] != MAGIC:
            check_content_type(found.get(_CONTENT_TYPE))
            expected = expected or envelopes.parse(headers).type
            if expected not in allowed:
                raise _wrong_topic(self._registry.by_name(expected).name, topic)
            schema, body = self._json.read(expected, value)
            self.json_read += 1
            return _Read(expected, schema, body, JSON_SCHEMA_ID, _hash(write_body(schema, body)))
        writer = schema_of(value, self._registry, expected)
        assert value is not None
        schema, body = read_body(writer, value, HEADER_BYTES, self._registry, self._upcasters)
        if writer.name not in allowed:
            raise _wrong_topic(writer.name, topic)
        if schema.parsed is writer.parsed:
            self._know(value[:HEADER_BYTES], writer)
            return _Read(writer.name, schema, body, writer.id, _hash(value[HEADER_BYTES:]))
        self.upgraded += 1
        return _Read(writer.name, schema, body, writer.id, _hash(write_body(schema, body)))

    def _know(self, head: bytes, schema: Schema) -> None:
        event_type = schema.name.removeprefix(_NAMESPACE)
        demand = SOUND_SHORT.get(event_type)
        if demand is not None and head not in self._newest:
            read = judging_reader(schema.parsed, demand)
            if read is not None:
                self._newest[head] = _Known(schema.id, schema.name, event_type, read)


_hash = xxhash.xxh3_64_intdigest
"""The hash of a payload's Avro body."""


def _type_mismatch(told: str, name: str) -> ContractError:
    return ContractError(
        "type_mismatch",
        f"ce_type says {told}, the value is {name}",
        remedy="Send the type that the value has.",
    )


def _key_mismatch(key: bytes | None, sku: str) -> ContractError:
    return ContractError(
        "key_mismatch",
        f"the key is {key!r}, the event's sku is {sku!r}",
        remedy="Key the message by its SKU, so that it meets the SKU's other events.",
    )


def _wrong_topic(name: str, topic: str) -> ContractError:
    return ContractError(
        "wrong_topic",
        f"{name} does not belong on {topic}",
        remedy="Send it to the topic that declares it.",
    )


def event_hash(source: str, event_id: str) -> int:
    """The 64-bit name of an event in the memory for repeats: (source, id)."""
    return _hash(_SOURCES[source] + event_id.encode())


_SOURCES = Kept(lambda source: source.encode() + b"\0")
"""The beginning of what is hashed for an event."""
