"""How far a rebuild reads the journal: to its end, to a time, or to an offset."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from stockfold.contracts.journal import decode_entry
from stockfold.contracts.topics import Topic
from stockfold.domain.errors import SettingsError
from stockfold.domain.times import parse_us
from stockfold.runtime.partition_reader import PartitionReader

_OFFSETS = re.compile(r"\d+:\d+(,\d+:\d+)*")


class Until(msgspec.Struct, frozen=True):
    """Facts recorded later than ``time_us``, or from ``offsets`` by partition, are left out.

    ``told`` is what was written on the command line. Partitions without an offset are read whole.
    """

    told: str
    time_us: int | None = None
    offsets: Mapping[int, int] = {}


def parse_until(text: str) -> Until:
    """A time (RFC 3339) or offsets (``PARTITION:OFFSET``, by commas). SettingsError otherwise."""
    if _OFFSETS.fullmatch(text):
        pairs = [part.split(":") for part in text.split(",")]
        return Until(text, offsets={int(partition): int(offset) for partition, offset in pairs})
    try:
        return Until(text, time_us=parse_us(text))
    except ValueError:
        raise SettingsError(
            f"{text!r} is neither a time nor an offset of the journal",
            where="--until",
            remedy="Write 2026-11-01T12:00:00Z, or PARTITION:OFFSET such as 0:1200,1:900.",
        ) from None


def end_of(reader: PartitionReader, topic: Topic, partition: int, until: Until | None) -> int:
    """The offset to stop before."""
    end = reader.settled_end(topic, partition)
    if until is None:
        return end
    if until.time_us is None:
        return min(end, until.offsets.get(partition, end))
    # A record reaches the broker after its fact was recorded, so nothing later lies before this.
    start = reader.first_at(topic, partition, until.time_us // 1000)
    for batch in reader.read(topic, partition, min(start, end), end):
        for record in batch:
            if decode_entry(record.value()).recorded_us > until.time_us:
                return record.offset()
    return end
