"""Which partition a key belongs to: murmur2, as Kafka's own clients count it for keyed records."""

from __future__ import annotations

from stockfold.domain.errors import ContractError

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """The 32-bit hash, unsigned; the sign bit is cut off where partitions are counted."""
    whole = len(data) & ~3
    h = _SEED ^ len(data)
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at : at + 4], "little") * _M & _MASK
        k = (k ^ k >> 24) * _M & _MASK
        h = (h * _M & _MASK) ^ k
    if whole < len(data):
        h = (h ^ int.from_bytes(data[whole:], "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key among so many, as Kafka's default partitioner chooses it."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def refuse_misrouted(sku: str, partition: int, partitions: int) -> None:
    """ContractError ``misrouted_key`` when the SKU's events belong to another partition.

    A producer with a foreign partitioner would give one SKU two writers, and two truths.
    """
    home = partition_of(sku.encode(), partitions)
    if home != partition:
        raise ContractError(
            "misrouted_key",
            f"SKU {sku} came on partition {partition}; by murmur2 its events belong to {home}",
            remedy="Set the producer's partitioner to murmur2 (librdkafka: "
            "partitioner=murmur2_random), then resubmit this event.",
        )
