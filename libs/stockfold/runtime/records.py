"""A consumed Kafka record, as every processor sees it.

confluent_kafka's own type allows for None everywhere, because it also carries errors; the loop and
the reader hand on only records without one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

Headers = list[tuple[str, bytes | None]]
Keyed = tuple[bytes | None, bytes | None, list[tuple[str, str | bytes | None]] | None]
"""Key, value and headers of a record that is written."""


class Record(Protocol):
    """One record without an error; a ``confluent_kafka.Message`` is one."""

    def topic(self) -> str:
        """Name on the broker, with the environment prefix."""
        ...

    def partition(self) -> int:
        """Partition number."""
        ...

    def offset(self) -> int:
        """Offset in the partition."""
        ...

    def timestamp(self) -> tuple[int, int]:
        """(type, milliseconds since 1970)."""
        ...

    def key(self) -> bytes | None:
        """Key bytes."""
        ...

    def value(self) -> bytes | None:
        """Value bytes."""
        ...

    def headers(self) -> Headers | None:
        """Header names and bytes."""
        ...


def last_of_topics(records: Sequence[Record]) -> dict[str, Record]:
    """The last record of each topic, by the topic's name on the broker."""
    return {record.topic(): record for record in records}
