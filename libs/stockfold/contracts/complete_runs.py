"""Complete snapshots: what a run does not list is zero, and a row says so (ruling 32).

The ledger sees one SKU at a time and so never a missing row. Whoever takes a run whole writes a
row of zero for every SKU that it does not list and that had, or may have had, units at its
locations at its time: what lies there now, and what has moved since.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import msgspec
import xxhash

from stockfold.contracts.codec import decode
from stockfold.contracts.envelope import MAX_ATTRIBUTE_BYTES, Envelope
from stockfold.contracts.intake import Intake, Taken
from stockfold.contracts.json_text import JsonObject
from stockfold.domain.aliases import AliasBook
from stockfold.domain.errors import ContractError
from stockfold.domain.reference import Alias
from stockfold.domain.times import format_us

SNAPSHOT = "stockfold.StockSnapshotReported"
Place = tuple[str, str]
"""(location, bucket)."""
PositionRecord = tuple[bytes, bytes]
"""Key and value of a record of the positions topic; the latest of a key stands."""


class _Listed(msgspec.Struct):
    """What a run said of one bucket at one location."""

    source: str
    as_of: int
    snapshot: str | None
    skus: set[int]


class CompleteRun:
    """Remembers what the complete rows of a run list, and tells what they do not."""

    def __init__(self) -> None:
        self._listed: dict[Place, _Listed] = {}
        self.rows = 0

    def __bool__(self) -> bool:
        return bool(self._listed)

    @property
    def locations(self) -> set[str]:
        """What the run calls the locations that it is complete for."""
        return {location for location, _ in self._listed}

    def row(self, taken: Taken) -> None:
        """Take note of a row; others than complete snapshots are none of its business.

        ContractError ``mixed_snapshot`` when it is of another source or time than those before.
        """
        body = taken.body
        if taken.envelope.type != SNAPSHOT or not body["complete"]:
            return
        listed = self._listed.setdefault(
            (body["location"], body["bucket"]),
            _Listed(taken.envelope.source, body["as_of"], body["snapshot"], set()),
        )
        if (listed.source, listed.as_of) != (taken.envelope.source, body["as_of"]):
            raise ContractError(
                "mixed_snapshot",
                f"another row of {body['location']} is of {listed.source} as of "
                f"{format_us(listed.as_of)}",
                remedy="A complete snapshot has one source and one as_of: send each by itself.",
            )
        listed.skus.add(_hash(body["sku"]))
        self.rows += 1

    def missing(
        self, positions: Iterable[PositionRecord], aliases: Iterable[Alias]
    ) -> list[tuple[Place, str]]:
        """The SKUs that the run does not list at each of its places, and that it says are zero."""
        places, skus = self._resolved(list(aliases))
        found: dict[tuple[str, str, str], bool] = {}
        for key, value in positions:
            location, _, sku = key.decode().partition("|")
            for bucket, (_, listed) in places.get(location, {}).items():
                if skus.get((listed.source, sku), frozenset()) & listed.skus:
                    continue
                if _hash(sku) not in listed.skus:
                    found[location, bucket, sku] = _counts(decode(value)[1], bucket, listed)
        return [
            ((places[location][bucket][0], bucket), sku)
            for (location, bucket, sku), counts in found.items()
            if counts
        ]

    def zero(self, place: Place, sku: str, intake: Intake, told_us: int) -> Taken:
        """The row of a SKU that was not listed, told now. Its id follows from the run and the SKU.

        ContractError when the SKU cannot be told, which a SKU that has a position can.
        """
        location, bucket = place
        listed = self._listed[place]
        as_of = format_us(listed.as_of)
        body: list[tuple[str, object]] = [
            ("sku", sku),
            ("location", location),
            ("bucket", bucket),
            ("quantity", 0),
            ("as_of", as_of),
            ("complete", True),
        ]
        if listed.snapshot is not None:
            body.append(("snapshot", listed.snapshot))
        parts = (listed.snapshot or "", as_of, location, bucket, sku)
        told = "zero/" + "/".join(quote(part, safe=":") for part in parts)
        if len(told) > MAX_ATTRIBUTE_BYTES:
            told = f"zero/{xxhash.xxh3_128_hexdigest(told.encode())}"
        taken = intake.body(Envelope(told, listed.source, SNAPSHOT, told_us), JsonObject(body))
        if isinstance(taken, Taken):
            return taken
        raise ContractError(taken[0].kind, f"{sku} at {location}: {taken[0].what}")

    def _resolved(
        self, aliases: list[Alias]
    ) -> tuple[dict[str, dict[str, tuple[str, _Listed]]], dict[tuple[str, str], set[int]]]:
        """Our locations with the run's name and rows by bucket; and what else a SKU is called."""
        book = AliasBook()
        called: dict[tuple[str, str], set[int]] = {}
        for alias in aliases:
            book.put(alias)
            if alias.kind == "sku" and alias.active:
                called.setdefault((alias.scope, alias.target), set()).add(_hash(alias.code))
        places: dict[str, dict[str, tuple[str, _Listed]]] = {}
        for (name, bucket), listed in self._listed.items():
            location = book.resolve("location", listed.source, name)
            known = places.setdefault(location, {}).setdefault(bucket, (name, listed))[1]
            known.skus |= listed.skus
        return places, called


def _counts(position: dict[str, Any], bucket: str, listed: _Listed) -> bool:
    """Whether there are, or may have been, units at the run's time."""
    return bool(position[bucket]) or position["recorded_at"] >= listed.as_of


def missing_beyond(missing: int, rows: int, allowed: int | None) -> str:
    """Why so many rows of zero are not written; empty when they are.

    A file that was cut off looks like a warehouse that was emptied.
    """
    most = rows if allowed is None else allowed
    if missing <= most:
        return ""
    return f"{missing} SKUs are not listed, and {most} are as many as may become zero by that"


def _hash(sku: str) -> int:
    return xxhash.xxh3_64_intdigest(sku.encode())
