"""Requests of Kafka's transactions that aiokafka has not, and which answers say: ask again.

The layouts are of https://kafka.apache.org/protocol (TxnOffsetCommit, version 3).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from stockfold.domain.errors import DefectError

MOVED = frozenset({KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.NOT_COORDINATOR})
"""Another broker coordinates by now: ask which."""
NOT_NOW = MOVED | {
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.CONCURRENT_TRANSACTIONS,  # The markers of the transaction before are written.
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.NETWORK_EXCEPTION,
    KafkaError.NOT_ENOUGH_REPLICAS,
    KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
}
"""The same request may succeed a moment later; repeating it changes nothing that is done."""

_FENCED = (KafkaError.INVALID_PRODUCER_EPOCH, KafkaError.PRODUCER_FENCED)
_MAGIC = b"CGMDv2:"
_GENERATION = struct.Struct("=i")


def refusal(code: int, what: str) -> KafkaException:
    """What librdkafka's producer would raise."""
    if code in _FENCED:
        return KafkaException(KafkaError(KafkaError._FENCED, what, fatal=True))  # noqa: SLF001
    return KafkaException(KafkaError(code, what))


def worst(codes: Iterable[int], what: str) -> int:
    """0, or a code of ``NOT_NOW``; KafkaException for an answer that will not change."""
    found = 0
    for code in codes:
        if code and code not in NOT_NOW:
            raise refusal(code, f"{what} was refused")
        found = found or code
    return found


class Membership(NamedTuple):
    """A member of a consumer group, as of some generation."""

    group: str
    generation: int
    member: str
    instance: str | None


def membership(metadata: object) -> Membership:
    """What ``consumer_group_metadata()`` of confluent-kafka says, as librdkafka serializes it.

    DefectError for another format: the version that is pinned has this one.
    """
    if not isinstance(metadata, bytes) or not metadata.startswith(_MAGIC):
        raise DefectError(
            f"the consumer's group metadata have an unknown format: {metadata!r}",
            where="confluent-kafka",
            remedy="Install the version of constraints.txt.",
        )
    at = len(_MAGIC)
    (generation,) = _GENERATION.unpack_from(metadata, at)
    group, member, rest = metadata[at + _GENERATION.size :].split(b"\0", 2)
    instance = rest[1:-1].decode() if rest[:1] == b"\0" else None
    return Membership(group.decode(), generation, member.decode(), instance)


_NAME = CompactString("utf-8")
_NO_EPOCH = -1
_NO_TAGS: dict[int, bytes] = {}


class _TxnOffsetCommitResponse(Response):  # type: ignore[misc]
    API_KEY = 28
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "topics",
            CompactArray(
                ("name", _NAME),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32), ("error_code", Int16), ("tags", TaggedFields)
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _TxnOffsetCommitRequest(RequestStruct):  # type: ignore[misc]
    API_KEY = 28
    API_VERSION = 3
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _TxnOffsetCommitResponse
    SCHEMA = Schema(
        ("transactional_id", _NAME),
        ("group_id", _NAME),
        ("producer_id", Int64),
        ("producer_epoch", Int16),
        ("generation_id", Int32),
        ("member_id", _NAME),
        ("group_instance_id", _NAME),
        (
            "topics",
            CompactArray(
                ("name", _NAME),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("offset", Int64),
                        ("leader_epoch", Int32),
                        ("metadata", _NAME),
                        ("tags", TaggedFields),
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class CommitOffsets(Request[_TxnOffsetCommitRequest]):  # type: ignore[misc]
    """Offsets of a group in a transaction, with the generation by which a zombie is refused.

    aiokafka's own is of version 0, which has no generation.
    """

    API_KEY = 28

    def __init__(
        self,
        transactional_id: str,
        producer: tuple[int, int],
        member: Membership,
        positions: Iterable[TopicPartition],
    ) -> None:
        topics: dict[str, list[tuple[object, ...]]] = {}
        for place in positions:
            row = (place.partition, place.offset, _NO_EPOCH, None, _NO_TAGS)
            topics.setdefault(place.topic, []).append(row)
        self._fields: tuple[object, ...] = (
            transactional_id,
            member.group,
            *producer,
            member.generation,
            member.member,
            member.instance,
            [(name, rows, _NO_TAGS) for name, rows in topics.items()],
            _NO_TAGS,
        )

    def build(self, request_struct_class: type[_TxnOffsetCommitRequest]) -> _TxnOffsetCommitRequest:
        """See ``Request.build``."""
        return request_struct_class(*self._fields)
