"""A transactional producer whose requests carry what all partitions of a broker get.

librdkafka makes a request of each partition. A broker takes those of a connection one after the
other, and asks the transaction's coordinator about each: of a small transaction over 27 partitions
that was most of the time, and much of what it cost the broker (record 44).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka import errors
from aiokafka.client import CoordinationType
from aiokafka.cluster import ClusterMetadata
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import (
    AddOffsetsToTxnRequest,
    AddPartitionsToTxnRequest,
    EndTxnRequest,
    InitProducerIdRequest,
)
from aiokafka.structs import TopicPartition as Place
from confluent_kafka import KafkaError, TopicPartition

from stockfold.runtime.kafka import aiokafka_options
from stockfold.runtime.leaders import NOBODY, leader
from stockfold.runtime.outgoing_batches import SEQUENCES, Outgoing, Sealed
from stockfold.runtime.records import Keyed
from stockfold.runtime.transaction_brokers import Brokers
from stockfold.runtime.transaction_requests import CommitOffsets, membership, worst

REQUEST_BYTES = 8 * 1024 * 1024
"""Batches of one request to a broker, unless one alone is larger."""
PRODUCE_S = 30.0
_ACKS_ALL = -1


class GroupedProducer:
    """See ``LogProducer``; raises what librdkafka's producer would. Not for several threads.

    ``config`` has librdkafka's names, of which it takes those that say where the broker is and how
    to log in, ``transactional.id`` and ``transaction.timeout.ms``. SettingsError for a security
    option that aiokafka has no counterpart of. After an error it can abort, and nothing else.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        self._name = str(config["transactional.id"])
        self._timeout_ms = int(config["transaction.timeout.ms"])
        self._producer = (-1, -1)
        self._sequences: defaultdict[Place, int] = defaultdict(int)
        self._held: dict[tuple[str, int], Outgoing] = {}
        self._begun = False
        """Whether the coordinator knows of the open transaction."""
        # Who has not answered by then has ended the transaction.
        answer_ms = 2 * self._timeout_ms
        self._brokers = Brokers({**aiokafka_options(config), "request_timeout_ms": answer_ms})

    # --- what LogProducer asks for ------------------------------------------------------------

    def init_transactions(self, timeout: float = -1) -> None:
        """See ``LogProducer.init_transactions``."""
        self._brokers.wait(self._init(), timeout)

    def begin_transaction(self) -> None:
        """See ``LogProducer.begin_transaction``. The broker hears of it with what comes first."""
        self._begun = False

    def produce_all(self, topic: str, partition: int, records: Sequence[Keyed]) -> None:
        """See ``LogProducer.produce_all``. They are held until the commit."""
        held = self._held.get((topic, partition))
        if held is None:
            held = self._held[topic, partition] = Outgoing()
        held.extend(records)

    def send_offsets_to_transaction(
        self, positions: list[TopicPartition], group_metadata: object, timeout: float = -1
    ) -> None:
        """See ``LogProducer.send_offsets_to_transaction``."""
        self._brokers.wait(self._send_offsets(positions, group_metadata), timeout)

    def commit_transaction(self, timeout: float = -1) -> None:
        """See ``LogProducer.commit_transaction``."""
        self._brokers.wait(self._commit(self._sealed()), timeout)

    def abort_transaction(self, timeout: float = -1) -> None:
        """See ``LogProducer.abort_transaction``."""
        self._held = {}
        self._brokers.wait(self._end(commit=False), timeout)

    def purge(self) -> None:
        """See ``LogProducer.purge``."""
        self._held = {}

    def close(self) -> None:
        """See ``LogProducer.close``."""
        self._brokers.close()

    def _sealed(self) -> dict[Place, list[Sealed]]:
        batches = {Place(*place): held.sealed() for place, held in self._held.items()}
        self._held = {}
        return {place: sealed for place, sealed in batches.items() if sealed}

    # --- steps of a transaction ---------------------------------------------------------------

    async def _init(self) -> None:
        request = InitProducerIdRequest(self._name, self._timeout_ms)

        async def ask() -> int:
            answer = await self._ask_transactions(request)
            self._producer = (answer.producer_id, answer.producer_epoch)
            return worst([answer.error_code], "the producer's id")

        await self._brokers.until_taken(ask)

    async def _send_offsets(self, positions: list[TopicPartition], group_metadata: object) -> None:
        member = membership(group_metadata)
        self._begun = True
        added = AddOffsetsToTxnRequest(self._name, *self._producer, member.group)
        commit = CommitOffsets(self._name, self._producer, member, positions)

        async def add() -> int:
            answer = await self._ask_transactions(added)
            return worst([answer.error_code], f"a transaction with offsets of {member.group}")

        async def send() -> int:
            answer = await self._brokers.coordinator(CoordinationType.GROUP, member.group, commit)
            codes = [row[1] for _, rows, _ in answer.topics for row in rows]
            return worst(codes, f"offsets of {member.group}")

        await self._brokers.until_taken(add)
        await self._brokers.until_taken(send)

    async def _commit(self, batches: dict[Place, list[Sealed]]) -> None:
        await self._send(batches)
        await self._end(commit=True)

    async def _send(self, batches: dict[Place, list[Sealed]]) -> None:
        if batches:
            await self._add(batches)
        while batches:
            await self._produce({place: left[0] for place, left in batches.items()})
            batches = {place: left[1:] for place, left in batches.items() if left[1:]}

    async def _add(self, places: Iterable[Place]) -> None:
        topics: dict[str, list[int]] = {}
        for place in places:
            topics.setdefault(place.topic, []).append(place.partition)
        self._begun = True
        request = AddPartitionsToTxnRequest(self._name, *self._producer, list(topics.items()))

        async def ask() -> int:
            answer = await self._ask_transactions(request)
            codes = [code for _, rows in answer.errors for _, code in rows]
            return worst(codes, "a partition of the transaction")

        await self._brokers.until_taken(ask)

    async def _end(self, *, commit: bool) -> None:
        if not self._begun:
            return
        request = EndTxnRequest(self._name, *self._producer, commit)

        async def ask() -> int:
            answer = await self._ask_transactions(request)
            return worst([answer.error_code], "the end of the transaction")

        await self._brokers.until_taken(ask)
        self._begun = False

    async def _produce(self, batches: dict[Place, Sealed]) -> None:
        """One batch of each partition, again until all are taken; sequence numbers tell repeats."""
        left = {
            place: batch.signed(self._producer, self._sequences[place])
            for place, batch in batches.items()
        }
        client = await self._brokers.client()
        for topic in {place.topic for place in left}:
            await client.add_topic(topic)  # Answered at once for one that is known.

        async def ask() -> int:
            asked = (self._ask_leader(*request) for request in _by_leader(client.cluster, left))
            answers = await asyncio.gather(*asked, return_exceptions=True)
            found, silent = 0, None
            for answer in answers:
                if isinstance(answer, BaseException):
                    silent = answer
                    continue
                for place, code in answer:
                    if code in (0, KafkaError.DUPLICATE_SEQUENCE_NUMBER):
                        del left[place]
                    else:
                        found = worst([code], f"a batch for {place.topic}/{place.partition}")
            if silent is not None:
                raise silent
            return found

        await self._brokers.until_taken(ask)
        for place, batch in batches.items():
            self._sequences[place] = (self._sequences[place] + batch.records) % SEQUENCES

    async def _ask_transactions(self, request: Any) -> Any:
        return await self._brokers.coordinator(CoordinationType.TRANSACTION, self._name, request)

    async def _ask_leader(self, node: int, batches: dict[Place, bytes]) -> list[tuple[Place, int]]:
        if node == NOBODY:
            raise errors.LeaderNotAvailableError(list(batches))
        topics: dict[str, list[tuple[int, bytes]]] = {}
        for place, raw in batches.items():
            topics.setdefault(place.topic, []).append((place.partition, raw))
        request = ProduceRequest(
            transactional_id=self._name,
            required_acks=_ACKS_ALL,
            timeout=int(PRODUCE_S * 1_000),
            topics=list(topics.items()),
        )
        answer = await (await self._brokers.client()).send(node, request)
        return [(Place(topic, row[0]), row[1]) for topic, rows in answer.topics for row in rows]


def _by_leader(
    cluster: ClusterMetadata, batches: dict[Place, bytes]
) -> list[tuple[int, dict[Place, bytes]]]:
    """As requests of limited size, by the broker that leads their partitions, or NOBODY."""
    requests: list[tuple[int, dict[Place, bytes]]] = []
    filling: dict[int, dict[Place, bytes]] = {}
    sizes: dict[int, int] = {}
    for place, raw in batches.items():
        node = leader(cluster, place)
        if node not in filling or sizes[node] + len(raw) > REQUEST_BYTES:
            filling[node], sizes[node] = {}, 0
            requests.append((node, filling[node]))
        filling[node][place] = raw
        sizes[node] += len(raw)
    return requests
