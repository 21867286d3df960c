"""That a racer did all of the work, once; and a peer came to the numbers of the common fold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, cast

import msgspec
import xxhash
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from infra.bench.peers.fold import JOURNAL, POSITIONS, Out, fold

from stockfold.contracts import codec
from stockfold.contracts.journal import decode_entry
from stockfold.contracts.topics import EXCEPTIONS
from stockfold.contracts.topics import JOURNAL as JOURNAL_TOPIC
from stockfold.domain.errors import UnavailableError
from stockfold.ledger.facts import Fact
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.settings import Settings

SILENT_S_MAX = 30.0
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Told(NamedTuple):
    """What was told in the end."""

    facts: dict[tuple[str, int], int]
    """A hash of the journal's fact, by SKU and sequence number."""
    positions: dict[tuple[str, str], tuple[int, list[int]]]
    """Sequence number and units by account, by SKU and location."""


class _Kept(dict[str, Any]):
    """The state of one SKU, of which the fold may change what it has got."""

    def set(self, name: str, value: Any) -> None:
        self[name] = value


def expected(settings: Settings) -> Told:
    """What the common fold makes of the inputs."""
    return gathered(_folded(settings))


def _folded(settings: Settings) -> Iterator[Out]:
    kept: dict[bytes, _Kept] = {}
    for message in _read(settings, [f"{settings.environment.prefix}inputs"]):
        key, offset = _key(message), message.offset()
        assert offset is not None
        headers = cast("list[tuple[str, bytes]]", message.headers())
        store = kept.setdefault(key, _Kept())
        yield from fold(key, _value(message), headers, offset, store)


def _told(settings: Settings, peer: str) -> Iterator[Out]:
    names = {f"{settings.environment.prefix}{peer}.{one}": one for one in (JOURNAL, POSITIONS)}
    for message in _read(settings, list(names)):
        yield Out(names[str(message.topic())], _key(message), _value(message))


def gathered(outs: Iterable[Out]) -> Told:
    """Told by all of these. UnavailableError for a fact that was told twice."""
    found, newest = Told({}, {}), dict[bytes, bytes]()
    for out in outs:
        if out.topic == POSITIONS:
            newest[out.key] = out.value
            continue
        told = _decode(out.value)
        name = told["sku"], told["seq"]
        if name in found.facts:
            raise _wrong(f"the journal has number {name[1]} of {name[0]} twice")
        told["payload_hash"] = None  # Every language has a hash function of its own.
        found.facts[name] = xxhash.xxh3_64_intdigest(_encode(told))
    for told in map(_decode, newest.values()):
        found.positions[told["sku"], told["location"]] = told["seq"], told["numbers"]
    return found


def check(settings: Settings, peer: str, count: int) -> None:
    """UnavailableError when its journal or positions are not what ``count`` events come to."""
    told, wanted = gathered(_told(settings, peer)), expected(settings)
    if len(wanted.facts) != count:
        raise _wrong(f"{len(wanted.facts)} of {count} events are in the inputs")
    if told.facts != wanted.facts:
        wrong = [name for name, fact in wanted.facts.items() if told.facts.get(name) != fact]
        raise _wrong(
            f"{peer}'s journal has {len(told.facts)} facts, expected are {len(wanted.facts)}; "
            f"missing or different are {len(wrong)}, as {wrong[:3]}"
        )
    if told.positions != wanted.positions:
        wrong_at = [
            (place, told.positions.get(place), numbers)
            for place, numbers in wanted.positions.items()
            if told.positions.get(place) != numbers
        ]
        raise _wrong(f"{peer}'s positions differ at {len(wrong_at)} places, as {wrong_at[:3]}")


def check_ledger(settings: Settings, count: int) -> None:
    """UnavailableError when the ledger has left out one of ``count`` events, or folded one twice.

    Each has facts of one place in its input (a repeat has none), or an exception that tells that
    it was not folded; and a SKU's facts are numbered without a gap. What the numbers must come to
    is held by the ledger's own tests.
    """
    prefix = settings.environment.prefix
    places: dict[str, tuple[str, int, int]] = {}
    numbered: dict[str, set[int]] = {}
    facts = 0
    for message in _read(settings, [JOURNAL_TOPIC.full_name(prefix)]):
        entry = decode_entry(_value(message))
        if not isinstance(entry, Fact):
            continue
        cause, facts = entry.cause, facts + 1
        numbered.setdefault(cause.sku, set()).add(entry.seq)
        place = cause.topic, cause.partition, cause.offset
        if cause.event_id and places.setdefault(cause.event_id, place) != place:
            raise _wrong(f"the ledger folded event {cause.event_id} twice, the second at {place}")
    refused = {
        told["event_id"]
        for message in _read(settings, [EXCEPTIONS.full_name(prefix)])
        if not (told := codec.decode(_value(message))[1])["folded"]
    }
    wanted = {f"e-{number}" for number in range(1, count + 1)}
    if missing := wanted - places.keys() - refused:
        some = sorted(missing)[:3]
        raise _wrong(f"the ledger told nothing of {len(missing)} of {count} events, as {some}")
    if facts != sum(max(numbers) for numbers in numbered.values()):
        raise _wrong("the ledger's facts of a SKU have gaps or the same number twice")


def _wrong(what: str) -> UnavailableError:
    return UnavailableError(what, remedy="The race does not count: look for the racer's mistake.")


def _key(message: Message) -> bytes:
    key = message.key()
    assert isinstance(key, bytes)
    return key


def _value(message: Message) -> bytes:
    value = message.value()
    assert isinstance(value, bytes)
    return value


def _read(settings: Settings, topics: list[str]) -> Iterator[Message]:
    """Every committed record of these topics."""
    consumer = Consumer(
        {
            **confluent_config(settings),
            "group.id": "proof",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "enable.auto.commit": False,
        }
    )
    places = [
        TopicPartition(topic, number, OFFSET_BEGINNING)
        for topic in topics
        for number in range(settings.kafka.sku_partitions)
    ]
    consumer.assign(places)
    left = len(places)
    try:
        while left:
            messages = consumer.consume(10_000, timeout=SILENT_S_MAX)
            if not messages:
                raise _wrong(f"{topics} cannot be read to their end")
            for message in messages:
                error = message.error()
                if error is None:
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  (its public name)
                    left -= 1
                else:
                    raise KafkaException(error)
    finally:
        consumer.close()
