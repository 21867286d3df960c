"""Which SKUs a channel may go without, and which channels went live: one small compacted topic.

Reading it whole needs neither the ledger nor PostgreSQL.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

import msgspec

from stockfold.contracts.codec import decode, encode
from stockfold.contracts.topics import AVAILABILITY, CHANNEL_COVERAGE
from stockfold.domain.errors import ContractError
from stockfold.runtime.kafka import ensure_topic
from stockfold.runtime.kafka_errors import MAKE_TOPICS, reading
from stockfold.runtime.one_record import send_all
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings

log = logging.getLogger(__name__)

WAIVER, ADMISSION = "waiver", "admission"
REMEDY = "Check the broker, then try again."


class Waiver(msgspec.Struct, frozen=True):
    """A SKU that a channel may go without; ``at`` is UTC microseconds."""

    channel: str
    sku: str
    reason: str
    by: str
    at: int

    @property
    def key(self) -> str:
        """The record's key."""
        return f"{WAIVER}|{self.channel}|{self.sku}"


class Admission(msgspec.Struct, frozen=True):
    """That a channel went live at this address with all covered; ``at`` is UTC microseconds."""

    channel: str
    url: str
    listings: int
    waived: int
    at: int


class CoverageBook:
    """The topic as it is now."""

    def __init__(self) -> None:
        self._waivers: dict[str, Waiver] = {}
        self._admissions: dict[str, Admission] = {}

    def apply(self, record: Record) -> None:
        """Take a record. One that cannot be read leaves the one before in force."""
        key, value = (record.key() or b"").decode("utf-8", "replace"), record.value()
        if value is None:
            self._waivers.pop(key, None)
            self._admissions.pop(key.removeprefix(f"{ADMISSION}|"), None)
            return
        try:
            schema, told = decode(value)
            if schema.name == "stockfold.ChannelWaiver":
                waiver = msgspec.convert(told, Waiver)
                self._waivers[waiver.key] = waiver
            else:
                admission = msgspec.convert(told, Admission)
                self._admissions[admission.channel] = admission
        except (ContractError, msgspec.ValidationError) as error:
            log.error(  # noqa: TRY400  (the sentence says it all; there is no defect to trace)
                "%s, offset %d: %s", CHANNEL_COVERAGE.name, record.offset(), error
            )

    def waivers(self, channel: str) -> dict[str, Waiver]:
        """The waivers of a channel by SKU."""
        found = [waiver for waiver in self._waivers.values() if waiver.channel == channel]
        return {waiver.sku: waiver for waiver in sorted(found, key=lambda waiver: waiver.sku)}

    def admission(self, channel: str) -> Admission | None:
        """Whether a channel went live, and where."""
        return self._admissions.get(channel)


def read_coverage(settings: Settings) -> CoverageBook:
    """What is in force. UnavailableError when Kafka does not answer."""
    book = CoverageBook()
    with reading(settings, CHANNEL_COVERAGE, MAKE_TOPICS):
        ensure_topic(settings, CHANNEL_COVERAGE)
        for batch in PartitionReader(settings).read(CHANNEL_COVERAGE, 0):
            for record in batch:
                book.apply(record)
    return book


def publish_waivers(settings: Settings, waivers: Iterable[Waiver]) -> None:
    """Put waivers into force; UnavailableError when not all were acknowledged."""
    _send(
        settings,
        [(w.key, encode("stockfold.ChannelWaiver", msgspec.structs.asdict(w))) for w in waivers],
        "the waivers",
    )


def withdraw_waivers(settings: Settings, waivers: Iterable[Waiver]) -> None:
    """Take waivers back; UnavailableError when not all were acknowledged."""
    _send(settings, [(waiver.key, None) for waiver in waivers], "the end of the waivers")


def admit(settings: Settings, admission: Admission) -> None:
    """Note that a channel went live; UnavailableError when that was not acknowledged."""
    value = encode("stockfold.ChannelAdmission", msgspec.structs.asdict(admission))
    _send(settings, [(f"{ADMISSION}|{admission.channel}", value)], "the admission")


def dismiss(settings: Settings, channel: str) -> None:
    """Note that a channel is no longer live; UnavailableError when that was not acknowledged."""
    _send(settings, [(f"{ADMISSION}|{channel}", None)], "the end of the admission")


def _send(settings: Settings, records: list[tuple[str, bytes | None]], what: str) -> None:
    ensure_topic(settings, CHANNEL_COVERAGE)
    send_all(settings, CHANNEL_COVERAGE, records, what=what, remedy=REMEDY)


def listed_skus(settings: Settings, channel: str, partitions: int) -> Iterator[set[str]]:
    """The SKUs that are to be published to a channel, those of each partition together.

    Read from the compacted availability, so that nothing but Kafka is needed; ``partitions`` is how
    many it has on the broker. UnavailableError.
    """
    prefix = f"{channel}|".encode()
    with reading(settings, AVAILABILITY, MAKE_TOPICS):
        reader = PartitionReader(settings)
        for partition in range(partitions):
            found: set[str] = set()
            end = reader.settled_end(AVAILABILITY, partition)
            for batch in reader.read(AVAILABILITY, partition, end=end):
                for record in batch:
                    key = record.key() or b""
                    if key.startswith(prefix):
                        sku = key[len(prefix) :].decode("utf-8", "replace")
                        (found.discard if record.value() is None else found.add)(sku)
            yield found
