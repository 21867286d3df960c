"""What orders are read with: policies, aliases, locations and the catalogue, each read whole."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import cast

from confluent_kafka import KafkaException, TopicPartition

from stockfold.availability.policy import Policy
from stockfold.contracts.policies import read_policy
from stockfold.contracts.reference import decode_item, decode_reference, reference_key
from stockfold.contracts.topics import CATALOG, POLICIES, REFERENCE
from stockfold.domain.aliases import AliasBook
from stockfold.domain.bills import Bill
from stockfold.domain.errors import ContractError
from stockfold.domain.reference import Alias, Location
from stockfold.orders.reading import Surroundings
from stockfold.orders.words import Terms
from stockfold.runtime.clients import CONFLUENT, Clients, LogConsumer
from stockfold.runtime.follow import TopicFollower
from stockfold.runtime.kafka import confluent_config, group_id
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings

log = logging.getLogger(__name__)

POLL_US = 200_000


class Book:
    """What the topics have said so far. A record that cannot be read leaves the one before."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._policies: dict[str, Policy] = {}
        self._aliases = AliasBook()
        self._locations: dict[str, Location] = {}
        self._bills: dict[str, Bill] = {}
        self._known: set[str] | None = set() if settings.ledger.enforce_catalogue else None

    def surroundings(self) -> Surroundings:
        """What an order is read with at this moment."""
        return Surroundings(self._aliases, self._bills, self._terms, self._eligible, self._known)

    def _terms(self, channel: str) -> Terms:
        policy = self._policies.get(channel)
        if policy is None:
            return Terms()
        asked = policy.reservations
        return Terms(asked.ttl_s, asked.allow_partial, asked.allow_backorder, asked.priority)

    def _eligible(self, channel: str) -> tuple[str, ...]:
        """Named in the policy, in its order, then tagged; or else all that are known, by name."""
        policy = self._policies.get(channel)
        named: Iterable[str] | None = None
        tags: frozenset[str] = frozenset()
        if policy is not None:
            named, tags = policy.locations, frozenset(policy.tags)
        else:
            told = [known for known in self._settings.channels if known.name == channel]
            named = told[0].locations if told else None
        if named is None and not tags:
            names = {known.name for known in self._settings.locations} | set(self._locations)
            return tuple(sorted(names))
        tagged = sorted(
            name for name, place in self._locations.items() if tags.intersection(place.tags)
        )
        return tuple(dict.fromkeys([*(named or ()), *tagged]))

    def take(self, topic: str, record: Record) -> None:
        """Take a record of one of the topics."""
        try:
            if topic == POLICIES.name:
                self._take_policy(record)
            elif topic == REFERENCE.name:
                self._take_reference(record)
            else:
                self._take_item(record)
        except ContractError as error:
            log.error("%s, offset %d: %s", topic, record.offset(), error)  # noqa: TRY400

    def _take_policy(self, record: Record) -> None:
        if record.value() is None:
            self._policies.pop((record.key() or b"").decode("utf-8", "replace"), None)
            return
        policy = read_policy(record.value())
        known = self._policies.get(policy.channel)
        if known is None or policy.revision > known.revision:
            self._policies[policy.channel] = policy

    def _take_reference(self, record: Record) -> None:
        if record.value() is None:
            kind, *names = reference_key(record.key())
            if kind == "location":
                self._locations.pop(names[0], None)
            elif kind == "alias":
                self._aliases.withdraw(names[0], names[1], names[2])
            return
        known = decode_reference(record.value(), record.key())
        if isinstance(known, Alias):
            self._aliases.put(known)
        elif isinstance(known, Location):
            if known.active:
                self._locations[known.location] = known
            else:
                self._locations.pop(known.location, None)

    def _take_item(self, record: Record) -> None:
        if record.value() is None:
            sku = (record.key() or b"").decode("utf-8", "replace")
            self._bills.pop(sku, None)
            if self._known is not None:
                self._known.discard(sku)
            return
        item = decode_item(record.value(), record.key())
        if self._known is not None:
            self._known.add(item.sku)
        bill = item.bill_of_materials
        if bill is None:
            self._bills.pop(item.sku, None)
        else:
            parts = tuple((part.sku, part.quantity) for part in bill.components)
            self._bills[item.sku] = Bill(item.sku, item.revision, bill.version, parts)


class Following:
    """Reads the topics to their ends once, then what comes, by polling."""

    def __init__(self, settings: Settings, clients: Clients = CONFLUENT) -> None:
        self._settings = settings
        self._clients = clients
        self._book = Book(settings)
        self._small = {
            topic.name: TopicFollower(settings, topic, f"orders.{topic.name}", clients)
            for topic in (POLICIES, REFERENCE)
        }
        self._catalogue: LogConsumer | None = None
        self._offsets: dict[int, int] = {}
        self._read = False
        self._polled_us = 0
        self.surroundings = self._book.surroundings()

    def read_whole(self, reader: PartitionReader) -> None:
        """Every record to the topics' ends, once in the life of the process."""
        if self._read:
            return
        for name, follower in self._small.items():
            for batch in follower.read_whole(reader):
                for record in batch:
                    self._book.take(name, record)
        for partition in range(self._settings.kafka.sku_partitions):
            self._offsets[partition] = reader.earliest(CATALOG, partition)
            for items in reader.read(CATALOG, partition):
                for record in items:
                    self._book.take(CATALOG.name, record)
                self._offsets[partition] = items[-1].offset() + 1
        self._read = True
        self.surroundings = self._book.surroundings()

    def poll(self, now_us: int) -> bool:
        """Take in what has come since, a few times a second; whether there was anything."""
        if 0 <= now_us - self._polled_us < POLL_US or not self._read:
            return False
        self._polled_us = now_us
        found = False
        for name, follower in self._small.items():
            for record in follower.poll():
                self._book.take(name, record)
                found = True
        for record in self._items():
            self._book.take(CATALOG.name, record)
            found = True
        return found

    def _items(self) -> Iterable[Record]:
        if self._catalogue is None:
            self._catalogue = self._clients.consumer(
                {
                    **confluent_config(self._settings),
                    "group.id": group_id(self._settings, "orders.catalogue"),
                    "enable.auto.commit": False,
                    "isolation.level": "read_committed",
                    # Of a compacted topic that is read whole, the beginning is always right.
                    "auto.offset.reset": "earliest",
                }
            )
            name = CATALOG.full_name(self._settings.prefix)
            self._catalogue.assign([TopicPartition(name, p, o) for p, o in self._offsets.items()])
        for message in self._catalogue.consume(500, timeout=0):
            error = message.error()
            if error is None:
                record = cast("Record", message)
                self._offsets[record.partition()] = record.offset() + 1
                yield record
            elif error.fatal() or not error.retriable():
                self.close()
                raise KafkaException(error)

    def close(self) -> None:
        """Let go of the consumers; the next poll opens others where these stopped."""
        for follower in self._small.values():
            follower.close()
        if self._catalogue is not None:
            self._catalogue.close()
            self._catalogue = None
