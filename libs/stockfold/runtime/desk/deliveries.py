"""Listings that a channel did not take, sent once more: always their newest version."""

from __future__ import annotations

from collections.abc import Sequence

from stockfold.contracts.codec import Record, decode
from stockfold.contracts.topics import AVAILABILITY
from stockfold.runtime.desk.book import Case, desk_errors
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.resends import ask_to_resend, resend_of
from stockfold.runtime.settings import Settings


def ask_again(settings: Settings, cases: Sequence[Case], reason: str, by: str) -> None:
    """Ask the publishers of these cases' channels. UnavailableError; asking twice does no harm."""
    if not cases:
        return
    newest = _newest(settings, cases)
    ask_to_resend(settings, [resend_of(told, reason, by) for told in newest.values()])


def _newest(settings: Settings, cases: Sequence[Case]) -> dict[bytes, Record]:
    """The newest availability of each case's listing, by key."""
    keys: dict[int, set[bytes]] = {}
    firsts: dict[int, int] = {}
    for case in cases:
        partition, offset = case.raised["partition"], case.raised["offset"]
        keys.setdefault(partition, set()).add(case.raised["key"])
        firsts[partition] = min(offset, firsts.get(partition, offset))
    found: dict[bytes, Record] = {}
    with desk_errors(settings, "sent again"):
        reader = PartitionReader(settings)
        for partition, wanted in keys.items():
            # What the exception is about was read there; anything newer lies behind it.
            start = max(firsts[partition], reader.earliest(AVAILABILITY, partition))
            for batch in reader.read(AVAILABILITY, partition, start):
                for record in batch:
                    key = record.key() or b""
                    if key in wanted and record.value() is not None:
                        found[key] = decode(record.value())[1]
    return found
