"""Which locations carry which tags, as the reference topic says."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Protocol

from stockfold.availability.surroundings import NO_PLACES, Places
from stockfold.contracts.reference import decode_reference, reference_key
from stockfold.contracts.topics import REFERENCE
from stockfold.domain.errors import ContractError
from stockfold.domain.reference import Location
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record

log = logging.getLogger(__name__)


class ReferenceFeed(Protocol):
    """Where reference records come from; a ``TopicFollower`` is one."""

    def read_whole(self, reader: PartitionReader) -> Iterable[Sequence[Record]]:
        """Everything there is."""
        ...

    def poll(self) -> Sequence[Record]:
        """What has come since, at once."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class PlaceBook:
    """The tags of every location that is not given up."""

    def __init__(self) -> None:
        self._tags: dict[str, tuple[str, ...]] = {}
        self.places = NO_PLACES

    def apply(self, records: Iterable[Record]) -> bool:
        """Take records of the reference topic; whether the tags of any location have changed."""
        before = dict(self._tags)
        for record in records:
            self._take(record)
        if self._tags == before:
            return False
        tagged: dict[str, set[str]] = {}
        for location, tags in self._tags.items():
            for tag in tags:
                tagged.setdefault(tag, set()).add(location)
        self.places = Places({tag: frozenset(names) for tag, names in tagged.items()})
        return True

    def _take(self, record: Record) -> None:
        if record.value() is None:
            kind, *name = reference_key(record.key())
            if kind == "location":
                self._tags.pop(name[0], None)
            return
        try:
            known = decode_reference(record.value(), record.key())
        except ContractError as error:
            log.error(  # noqa: TRY400  (the sentence says it all; no defect to trace)
                "%s, offset %d: %s The record before stays in force.",
                REFERENCE.name,
                record.offset(),
                error,
            )
            return
        if isinstance(known, Location):
            if known.active and known.tags:
                self._tags[known.location] = known.tags
            else:
                self._tags.pop(known.location, None)
