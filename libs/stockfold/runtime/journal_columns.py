"""The bulk path of a rebuild: the journal as columns, positions as sums of its deltas.

Facts carry their resolved deltas (semantics.md, "A fact carries its resolved effect"), so the
numbers of a place are a sum by column, and what is expected, fenced and limited is the last value
of its entity. Needs numpy: the extra ``bulk``. ``journal_fold`` is the definition; a test holds
the two equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

import msgspec
import numpy as np

from stockfold.contracts.avro_reader import BodyReader, body_reader
from stockfold.contracts.places import SUMMARY, Touched, position_record, summary_record
from stockfold.contracts.places import Record as PlaceRecord
from stockfold.domain.errors import DefectError
from stockfold.ledger.accounts import CODES, RESERVED, STRIDE
from stockfold.ledger.entities import Fence, Inbound, Limit
from stockfold.ledger.inbound import expected_rows
from stockfold.ledger.state import ExpectedRow
from stockfold.runtime.journal_arrays import (
    WORD,
    Bytes,
    Facts,
    Numbers,
    different,
    facts,
    frames,
    record_ends,
    which_are_facts,
)
from stockfold.runtime.record_batches import Batch, Unpacked
from stockfold.runtime.records import Record

CHUNK_BYTES = 1024 * 1024
"""Of records that are read at once: what the processor's cache holds."""
MERGE_ROWS = 2_000_000
"""Sums that are kept before they are added up to one for each place."""

_SKU = 32
"""Bits below the number of a SKU, where it stands beside another number."""
_REST = (1 << _SKU) - 1
_OF_LINE = np.uint64(int.from_bytes(b'{"line":', "little"))
_NOTHING = [0] * STRIDE


class _Entities(msgspec.Struct):
    """The part of a fact's body that positions are made of."""

    inbound: Inbound | None = None
    left: str = ""
    fence: Fence | None = None
    limit: Limit | None = None


_decode_entities = msgspec.json.Decoder(_Entities).decode


def _texts_reader(*names: str) -> BodyReader:
    fields = [{"name": name, "type": "string"} for name in names]
    read = body_reader({"type": "record", "name": "Texts", "fields": fields}, tuples=True)
    assert read is not None, "strings are nothing unusual"
    return read


_read_key = _texts_reader("account", "location", "channel")
_read_id = _texts_reader("correlation_id")


class _Numbered(dict[bytes, int]):
    """Numbers for bytes, from 0, in the order in which they are first seen."""

    def __missing__(self, raw: bytes) -> int:
        number = self[raw] = len(self)
        return number

    def of(self, data: Bytes, begins: Numbers, ends: Numbers) -> Numbers:
        """The numbers of slices."""
        rows, which = different(data, begins, ends)
        raw = data.raw
        slices = zip(begins[rows].tolist(), ends[rows].tolist(), strict=True)
        return np.array([self[bytes(raw[begin:end])] for begin, end in slices], np.int64)[which]


class JournalColumns:
    """The places of one partition, summed from its journal."""

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.facts = 0
        self._unpacked = Unpacked(WORD)
        self._skus = _Numbered()
        self._last: Numbers = np.zeros(1024, np.int64)
        """By number of the SKU: the sequence number of its last fact."""
        self._keys = _Numbered()
        """Account, location and channel of a delta, as Avro strings."""
        self._named: list[tuple[int, str, str]] = []
        """The same, read."""
        self._places = {SUMMARY.encode(): 0}
        self._place_of: list[int] = []
        """By number of the key: the number of the place that it changes."""
        self._sums: list[tuple[Numbers, Numbers]] = []
        """SKU and key as one number, each once, and its units."""
        self._touched: dict[int, tuple[int, bytes, int]] = {}
        """SKU and place as one number: when recorded, correlation id, when caused."""
        self._inbounds: dict[int, dict[str, Inbound]] = {}
        self._fences: dict[int, dict[str, Fence]] = {}
        self._limits: dict[int, dict[str, Limit]] = {}

    @property
    def skus(self) -> int:
        """SKUs that have facts."""
        return len(self._skus)

    def add(self, records: Sequence[Record]) -> None:
        """Take records of the journal, in order. NotColumnar for one of an earlier release."""
        values = [record.value() or b"" for record in records]
        ends = np.fromiter(accumulate(map(len, values)), np.int64, len(values))
        begins = np.concatenate((np.zeros(1, np.int64), ends[:-1]))
        raw = b"".join((*values, bytes(WORD)))
        self._add(Bytes(raw, len(raw) - WORD), begins, ends)

    def add_batches(self, batches: Iterable[Batch], start: int, end: int) -> int:
        """Take the records from offset ``start`` to before ``end`` of batches; how many these are.

        NotColumnar where they hold one of an earlier release.
        """
        added = 0
        chunk: list[Batch] = []
        for batch in batches:
            self._unpacked.add(batch)
            chunk.append(batch)
            if self._unpacked.size >= CHUNK_BYTES:
                added += self._add_chunk(chunk, start, end)
                chunk = []
        return added + (self._add_chunk(chunk, start, end) if chunk else 0)

    def _add_chunk(self, chunk: list[Batch], start: int, end: int) -> int:
        """Take the records that were unpacked, which are those of ``chunk``."""
        data = Bytes(self._unpacked.buffer, self._unpacked.size)
        self._unpacked.size = 0
        ends = record_ends(data, sum(batch.records for batch in chunk))
        begins = np.concatenate((np.zeros(1, np.int64), ends[:-1]))
        found = frames(data, begins, ends)
        bases = np.repeat(
            [batch.base_offset for batch in chunk], [batch.records for batch in chunk]
        )
        offsets = bases + found.offset_deltas
        wanted = (offsets >= start) & (offsets < end)
        if wanted.all():
            self._add(data, found.begins, found.ends)
        else:
            self._add(data, found.begins[wanted], found.ends[wanted])
        return int(np.count_nonzero(wanted))

    def _add(self, data: Bytes, begins: Numbers, ends: Numbers) -> None:
        kept = which_are_facts(data, begins)
        if not kept.all():
            begins, ends = begins[kept], ends[kept]
        if not len(begins):
            return
        found = facts(data, begins, ends)
        skus = self._skus.of(data, found.sku_from, found.sku_to)
        self._check(skus, found.seq)
        self.facts += len(skus)
        places, rows = self._sum(data, skus, found)
        changed = np.array(self._entities(data, skus, found), np.int64).reshape(-1, 2)
        self._touch(
            data,
            found,
            np.concatenate((places, changed[:, 0])),
            np.concatenate((rows, changed[:, 1])),
        )
        if sum(len(cells) for cells, _ in self._sums) > MERGE_ROWS:
            self._merge()

    def _check(self, skus: Numbers, seq: Numbers) -> None:
        """Each SKU's facts must follow those before. DefectError when one is missing."""
        if len(self._skus) > len(self._last):
            grown = np.zeros(2 * len(self._skus), np.int64)
            grown[: len(self._last)] = self._last
            self._last = grown
        order = np.sort((skus << _SKU) | np.arange(len(skus)))
        of, numbers = order >> _SKU, seq[order & _REST]
        first = np.flatnonzero(np.diff(of, prepend=-1))
        before = np.concatenate((numbers[:1], numbers[:-1]))
        before[first] = self._last[of[first]]
        broken = np.flatnonzero(numbers != before + 1)
        if len(broken):
            at = broken[0]
            raise DefectError(
                f"SKU {list(self._skus)[of[at]].decode()} has fact {numbers[at]} after fact "
                f"{before[at]}",
                where=f"journal partition {self.partition}",
                remedy="The journal was changed, or written by two ledgers: restore it. A rebuild "
                "with --path scalar names the offset.",
            )
        last = np.append(first[1:], len(of)) - 1
        self._last[of[last]] = numbers[last]

    def _sum(self, data: Bytes, skus: Numbers, found: Facts) -> tuple[Numbers, Numbers]:
        """Add the deltas up; SKU and place as one number, and row, of the last to change each."""
        if not len(found.units):
            return found.units, found.units
        keys = self._keys.of(data, found.delta_from, found.delta_to)
        self._name_keys()
        cells = (skus[found.delta_row] << _SKU) | keys
        order = np.argsort(cells)
        cells = cells[order]
        first = np.flatnonzero(np.diff(cells, prepend=-1))
        self._sums.append((cells[first], np.add.reduceat(found.units[order], first)))
        rows = np.maximum.reduceat(found.delta_row[order], first)
        cells = cells[first]
        places = np.array(self._place_of, np.int64)[cells & _REST]
        return ((cells >> _SKU) << _SKU) | places, rows

    def _name_keys(self) -> None:
        """Read the keys that are new, with the numbers of the places that they change."""
        for raw in list(self._keys)[len(self._named) :]:
            (account, location, channel), _ = _read_key(raw, 0)
            code = CODES[account]
            place = location if code < STRIDE else SUMMARY
            self._named.append((code, location, channel))
            self._place_of.append(self._place(place))

    def _place(self, name: str) -> int:
        return self._places.setdefault(name.encode(), len(self._places))

    def _entities(self, data: Bytes, skus: Numbers, found: Facts) -> list[tuple[int, int]]:
        """Keep the last value of each entity; (SKU and place, row) of what they change."""
        changed = []
        for row in self._rows_with_entities(data, found):
            sku = int(skus[row])
            here = sku << _SKU
            entities = _decode_entities(data.raw[found.body_from[row] : found.body_to[row]])
            if entities.inbound is not None:
                self._inbounds.setdefault(sku, {})[entities.inbound.id] = entities.inbound
                places = [known.location for known in entities.inbound.lines]
                places.append(entities.left)
                changed += [(here | self._place(place), row) for place in places if place]
            if entities.fence is not None:
                self._fences.setdefault(sku, {})[entities.fence.channel] = entities.fence
                changed.append((here, row))
            if entities.limit is not None:
                self._limits.setdefault(sku, {})[entities.limit.channel] = entities.limit
                changed.append((here, row))
        return changed

    @staticmethod
    def _rows_with_entities(data: Bytes, found: Facts) -> list[int]:
        """Rows in whose bodies the name of an entity stands: few enough to read one by one.

        Bodies of demand lines are left out unread: a fact about one is about nothing else.
        """
        heads = data.words(found.body_from)
        rows = np.flatnonzero((heads != _OF_LINE) & (found.body_to - found.body_from > len(b"{}")))
        slices = zip(
            rows.tolist(), found.body_from[rows].tolist(), found.body_to[rows].tolist(), strict=True
        )
        raw = data.raw
        return [row for row, begin, end in slices if _names_entity(raw[begin:end])]

    def _touch(self, data: Bytes, found: Facts, places: Numbers, rows: Numbers) -> None:
        """Note for each place what caused the last fact that changed it."""
        order = np.argsort(rows)
        touched = dict(zip(places[order].tolist(), rows[order].tolist(), strict=True))
        rows = np.array(list(touched.values()), np.int64)
        recorded, at = data.numbers(found.times[rows])
        caused, _ = data.numbers(at)
        begins = found.correlation[rows]
        ends = data.behind_texts(begins)
        raw = data.raw
        ids = [bytes(raw[a:b]) for a, b in zip(begins.tolist(), ends.tolist(), strict=True)]
        causes = zip(recorded.tolist(), ids, caused.tolist(), strict=True)
        self._touched.update(zip(touched, causes, strict=True))

    def _merge(self) -> None:
        """Make one sum of each place's."""
        cells = np.concatenate([cells for cells, _ in self._sums])
        units = np.concatenate([units for _, units in self._sums])
        order = np.argsort(cells)
        cells = cells[order]
        first = np.flatnonzero(np.diff(cells, prepend=-1))
        self._sums = [(cells[first], np.add.reduceat(units[order], first))]

    def records(self) -> Iterator[PlaceRecord]:
        """The record of every place that was changed."""
        if not self.facts:
            return
        names = [raw.decode() for raw in self._skus]
        places = [raw.decode() for raw in self._places]
        seqs = self._last.tolist()
        rows, claims, waiting = self._numbers()
        expected = self._expected()
        for touch, (recorded_us, raw_id, caused_us) in self._touched.items():
            sku = touch >> _SKU
            (correlation_id,), _ = _read_id(raw_id, 0)
            touched = Touched(recorded_us, correlation_id, caused_us)
            place = touch & _REST
            if not place:
                yield summary_record(
                    names[sku],
                    seqs[sku],
                    waiting.get(sku, {}),
                    self._fences.get(sku, {}).values(),
                    self._limits.get(sku, {}).values(),
                    touched,
                )
            else:
                held = claims.get(touch)
                kept = [(c, p[0], p[1]) for c, p in held.items() if any(p)] if held else ()
                numbers = rows.get(touch, _NOTHING)
                due = expected.get(touch, ())
                yield position_record(
                    names[sku], places[place], seqs[sku], numbers, kept, due, touched
                )

    def _expected(self) -> dict[int, list[ExpectedRow]]:
        found: dict[int, list[ExpectedRow]] = {}
        for sku, inbounds in self._inbounds.items():
            for inbound in inbounds.values():
                for location, row in expected_rows(inbound):
                    found.setdefault(sku << _SKU | self._place(location), []).append(row)
        return found

    def _numbers(self) -> tuple[dict[int, list[int]], Claims, dict[int, dict[str, int]]]:
        """Numbers by place, claims by channel too, and backordered units by SKU."""
        rows: dict[int, list[int]] = {}
        claims: Claims = {}
        waiting: dict[int, dict[str, int]] = {}
        if not self._sums:
            return rows, claims, waiting
        self._merge()
        ((cells, units),) = self._sums
        for cell, number in zip(cells.tolist(), units.tolist(), strict=True):
            sku, key = cell >> _SKU, cell & _REST
            code, _, channel = self._named[key]
            if code >= STRIDE:
                if number:
                    waiting.setdefault(sku, {})[channel] = number
                continue
            place = sku << _SKU | self._place_of[key]
            row = rows.get(place)
            if row is None:
                row = rows[place] = [0] * STRIDE
            row[code] += number
            if code >= RESERVED:
                held = claims.setdefault(place, {}).setdefault(channel, [0, 0])
                held[code - RESERVED] += number
        return rows, claims, waiting


Claims = dict[int, dict[str, list[int]]]


def _names_entity(body: bytes | bytearray) -> bool:
    return b'"inbound":{' in body or b'"fence":[' in body or b'"limit":[' in body
