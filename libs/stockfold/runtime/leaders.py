"""A connected client of aiokafka, and which broker leads a partition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.cluster import ClusterMetadata
from aiokafka.structs import TopicPartition

NOBODY = -1


async def connected(options: Mapping[str, Any]) -> AIOKafkaClient:
    """A client of the brokers that aiokafka's options lead to; aiokafka's KafkaError otherwise."""
    client = AIOKafkaClient(**options)
    await client.bootstrap()
    return client


def leader(cluster: ClusterMetadata, place: TopicPartition) -> int:
    """The node that leads a partition as far as is known; ``NOBODY`` for none."""
    node = cluster.leader_for_partition(place)
    return NOBODY if node is None else int(node)
