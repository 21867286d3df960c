"""What each channel shall do, and what it showed before us: two compacted topics.

A control is written by a person's command or by a publisher's guard, and followed by the channel's
publisher. Nothing but Kafka is needed: not the ledger, not availability, not PostgreSQL.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from stockfold.contracts.codec import decode, encode
from stockfold.contracts.topics import CHANNEL_BASELINES, CHANNEL_CONTROL
from stockfold.domain.errors import ContractError
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import ensure_topic, partitions_of, topic_exists
from stockfold.runtime.kafka_errors import reading
from stockfold.runtime.one_record import send_one
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings

log = logging.getLogger(__name__)

State = Literal["running", "paused", "halted", "zeroed", "restored"]
Guard = Literal["zeros", "changes", "upstream", "versions"]
ORDERS: tuple[State, ...] = ("zeroed", "restored")
"""What every listing of a channel shall show instead of what is wanted of it."""


class Control(msgspec.Struct, frozen=True):
    """What a channel shall do; see ``stockfold.ChannelControl``. Times are UTC microseconds."""

    channel: str
    control: str = ""
    """Its own id."""
    state: State = "running"
    reason: str = ""
    guard: Guard | None = None
    by: str = ""
    at: int = 0
    follows: str = ""
    order: str = ""
    baselines: str = ""
    approved_to: tuple[int, ...] = ()

    @property
    def key(self) -> str:
        """The record's key: a halt has its own, so that it never takes a person's word away."""
        return f"{self.channel}|halt" if self.state == "halted" else self.channel


class Baseline(msgspec.Struct, frozen=True):
    """What a channel showed of a listing before us; see ``stockfold.ListingBaseline``."""

    channel: str
    sku: str
    listing: str
    quantity: int | None
    managed: bool
    backorders: str
    stock_status: str
    taken_at: int
    connection: str


class ControlBook:
    """The latest control of every channel: a person's, or the halt that a guard made of it."""

    def __init__(self) -> None:
        self._controls: dict[str, Control] = {}

    def apply(self, record: Record) -> None:
        """Take a record. One that cannot be read leaves the one before in force."""
        key, value = (record.key() or b"").decode("utf-8", "replace"), record.value()
        if value is None:
            self._controls.pop(key, None)
            return
        try:
            told = decode(value, expected="stockfold.ChannelControl")[1]
            self._controls[key] = msgspec.convert(told, Control)
        except (ContractError, msgspec.ValidationError) as error:
            log.error(  # noqa: TRY400  (the sentence says it all; there is no defect to trace)
                "%s, offset %d: %s", CHANNEL_CONTROL.name, record.offset(), error
            )

    def of(self, channel: str) -> Control:
        """Of a channel that nothing was ever said about: it runs."""
        said = self._controls.get(channel) or Control(channel)
        halt = self._controls.get(f"{channel}|halt")
        return halt if halt is not None and halt.follows == said.control else said


def read_controls(settings: Settings) -> ControlBook:
    """What every channel shall do now. UnavailableError when Kafka does not answer."""
    book = ControlBook()
    with reading(settings, CHANNEL_CONTROL):
        if not topic_exists(settings, CHANNEL_CONTROL):
            return book
        for batch in PartitionReader(settings).read(CHANNEL_CONTROL, 0):
            for record in batch:
                book.apply(record)
    return book


def said(
    before: Control, state: State, reason: str, by: str, approved_to: Sequence[int] = ()
) -> Control:
    """What a person says after ``before``. After a restore, running begins with new baselines."""
    made = uuid.uuid4().hex
    anew = before.state == "restored" and state == "running"
    return Control(
        before.channel,
        made,
        state,
        reason,
        by=by,
        at=SYSTEM_CLOCK.now_us(),
        order=made if state in ORDERS else before.order,
        baselines=made if anew else before.baselines,
        approved_to=tuple(approved_to),
    )


def halt_of(before: Control, guard: Guard, reason: str, by: str) -> Control:
    """The halt of a running channel by a guard."""
    return msgspec.structs.replace(
        before,
        control=uuid.uuid4().hex,
        state="halted",
        reason=reason,
        guard=guard,
        by=by,
        at=SYSTEM_CLOCK.now_us(),
        follows=before.control,
    )


def publish_control(settings: Settings, control: Control) -> None:
    """Put a control into force; UnavailableError when it was not acknowledged."""
    ensure_topic(settings, CHANNEL_CONTROL)
    send_one(
        settings,
        CHANNEL_CONTROL,
        control.key,
        encode("stockfold.ChannelControl", msgspec.structs.asdict(control)),
        what=f"that channel {control.channel} is {control.state}",
        remedy="Check the broker, then say it again.",
    )


def read_baselines(settings: Settings, control: Control) -> Iterator[Baseline]:
    """What the channel showed before us, each listing's once. UnavailableError."""
    prefix = f"{control.channel}|".encode()
    with reading(settings, CHANNEL_BASELINES):
        if not topic_exists(settings, CHANNEL_BASELINES):
            return
        reader = PartitionReader(settings)
        for partition in range(partitions_of(settings, CHANNEL_BASELINES)):
            found: dict[str, Baseline] = {}
            end = reader.settled_end(CHANNEL_BASELINES, partition)
            for batch in reader.read(CHANNEL_BASELINES, partition, end=end):
                for record in batch:
                    if (record.key() or b"").startswith(prefix) and record.value() is not None:
                        baseline = _baseline(record)
                        if baseline.connection == control.baselines:
                            found[baseline.sku] = baseline
            yield from found.values()


def _baseline(record: Record) -> Baseline:
    told = decode(record.value(), expected="stockfold.ListingBaseline")[1]
    return msgspec.convert(told, Baseline)


def encode_baseline(baseline: Baseline) -> bytes:
    """As a record of the topic."""
    return encode("stockfold.ListingBaseline", msgspec.structs.asdict(baseline))
