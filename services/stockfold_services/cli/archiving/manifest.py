"""``manifest.json``: what an archive holds, and how far it reaches. Replaced whole."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from stockfold.contracts.topics import Topic
from stockfold.domain.errors import StockfoldError
from stockfold_services.cli.archiving.segments import Segment, checksum, pack, unpack
from stockfold_services.cli.place import Place

NAME = "manifest.json"
VERSION = 1
_NAME = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*/[0-9]{5}/[0-9]{20}-[0-9]{20}\.seg")


class Entry(msgspec.Struct, frozen=True):
    """One segment: what it covers, and the file's size and SHA-256."""

    file: str
    start: int
    end: int
    records: int
    bytes: int
    sha256: str
    last_ms: int


class Manifest(msgspec.Struct):
    """``segments`` by topic (without prefix) and partition, in order.

    ``complete_to_us`` is the recovery point: whatever was committed before it is in the archive.
    0 until the first whole pass.
    """

    version: int
    prefix: str
    sku_partitions: int
    complete_to_us: int = 0
    segments: dict[str, dict[int, list[Entry]]] = {}

    def of(self, topic: Topic, partition: int) -> list[Entry]:
        """The segments of a partition."""
        return self.segments.setdefault(topic.name, {}).setdefault(partition, [])

    def end(self, topic: Topic, partition: int) -> int:
        """The first offset that is not archived."""
        entries = self.of(topic, partition)
        return entries[-1].end if entries else 0

    def records(self, topic: Topic) -> int:
        """How many records of a topic there are."""
        return sum(e.records for part in self.segments.get(topic.name, {}).values() for e in part)

    def bytes(self) -> int:
        """The size of all segments."""
        return sum(e.bytes for parts in self.segments.values() for p in parts.values() for e in p)

    def last_ms(self, topic: Topic) -> int:
        """The broker's time of a topic's newest record; 0 without any."""
        parts = self.segments.get(topic.name, {}).values()
        return max((e.last_ms for part in parts for e in part), default=0)


def load(place: Place) -> Manifest | None:
    """The manifest of a place, None when nothing was archived there. StockfoldError."""
    raw = place.read(NAME)
    if raw is None:
        return None
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
    except msgspec.MsgspecError as error:
        raise StockfoldError(
            f"the manifest cannot be read: {error}",
            where=place.where(NAME),
            remedy="Fetch another copy of it.",
        ) from error
    if manifest.version != VERSION:
        raise StockfoldError(
            f"the archive has format {manifest.version}, this release reads {VERSION}",
            where=place.where(NAME),
            remedy="Use the release that wrote it, or a newer one.",
        )
    return manifest


def save(place: Place, manifest: Manifest) -> None:
    """Replace the manifest."""
    place.write(NAME, msgspec.json.format(msgspec.json.encode(manifest), indent=1))


def write_segment(place: Place, segment: Segment) -> Entry:
    """Write a segment's file; the manifest does not know it yet."""
    file = pack(segment)
    name = f"{segment.topic}/{segment.partition:05d}/{segment.start:020d}-{segment.end:020d}.seg"
    place.write(name, file)
    last_ms = segment.records[-1].at_ms if segment.records else 0
    return Entry(
        name,
        segment.start,
        segment.end,
        len(segment.records),
        len(file),
        checksum(file),
        last_ms,
    )


def read_segment(place: Place, entry: Entry) -> Segment:
    """A segment, checked. StockfoldError when its file is damaged, gone, or lies elsewhere."""
    if not _NAME.fullmatch(entry.file):
        raise StockfoldError(
            f"the manifest names a file that no archive has: {entry.file!r}",
            where=place.where(NAME),
            remedy="Somebody has changed the manifest; fetch another copy, from a safe place.",
        )
    file = place.read(entry.file)
    if file is None:
        raise StockfoldError(
            "a segment is missing",
            where=place.where(entry.file),
            remedy="Fetch the file from another copy of the archive.",
        )
    return unpack(file, entry.sha256, place.where(entry.file))


def read_partition(place: Place, entries: list[Entry]) -> Iterator[Segment]:
    """Segments one after the other. StockfoldError when one does not follow on the one before."""
    end = entries[0].start if entries else 0
    for entry in entries:
        if entry.start != end:
            raise StockfoldError(
                f"the archive lacks the offsets {end} to {entry.start}",
                where=place.where(entry.file),
                remedy="Fetch another copy of the manifest.",
            )
        end = entry.end
        yield read_segment(place, entry)
