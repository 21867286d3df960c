"""The bulk path of a rebuild: the journal as columns, positions as sums of its deltas.

Facts carry their resolved deltas (semantics.md, "A fact carries its resolved effect"), so the
numbers of a place are a sum by column, and what is expected, fenced and limited is the last value
of its entity. Needs Polars: the extra ``bulk``. ``journal_fold`` is the definition; a test holds
the two equal.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from stockfold.contracts.codec import HEADER_BYTES
from stockfold.contracts.container import container, container_head
from stockfold.contracts.journal import wire_head
from stockfold.contracts.places import SUMMARY, Touched, position_record, summary_record
from stockfold.contracts.places import Record as PlaceRecord
from stockfold.contracts.registry import default_registry
from stockfold.domain.errors import DefectError, SettingsError
from stockfold.ledger.accounts import CODES, FIRST_OUTSIDE, NAMES, RESERVED, STRIDE
from stockfold.ledger.entities import Fence, Inbound, Limit
from stockfold.ledger.inbound import expected_rows
from stockfold.ledger.state import ExpectedRow
from stockfold.runtime.records import Record

if TYPE_CHECKING:
    from polars import DataFrame

FACT = "stockfold.JournalFact"
CHUNK_RECORDS = 20_000
"""Records that become one frame; more is no faster and needs more memory."""
_BLOCK_RECORDS = 2_500
"""Records that are read at once: about a megabyte, which the processor's cache holds."""
_MERGE_ROWS = 2_000_000

_FACT_HEAD = wire_head(FACT)
_MARK_HEAD = wire_head("stockfold.InputsRead")
_OUTSIDE = list(NAMES[FIRST_OUTSIDE:])
_ENTITIES = (b'"inbound":{', b'"fence":[', b'"limit":[')
_CAUSE = ("recorded_at", "correlation_id", "caused_at")
_NOTHING = [0] * STRIDE
_COLUMNS = ["sku", "seq", *_CAUSE, "deltas", "body"]


class NotColumnar(Exception):  # noqa: N818  (an answer: the scalar fold does it)
    """The journal holds a record that the bulk path does not read."""


class _Entities(msgspec.Struct):
    """The part of a fact's body that positions are made of."""

    inbound: Inbound | None = None
    left: str = ""
    fence: Fence | None = None
    limit: Limit | None = None


_decode_entities = msgspec.json.Decoder(_Entities).decode


def polars() -> Any:
    """Polars, or a SettingsError that says how to get it."""
    try:
        import polars as pl  # noqa: PLC0415  (an extra: the services run without it)
    except ImportError:
        raise SettingsError(
            "the bulk path needs Polars, which is not installed",
            where="the extra `bulk`",
            remedy="Run `pip install 'stockfold[bulk]'`, or rebuild with --path scalar.",
        ) from None
    return pl


class JournalColumns:
    """The places of one partition, summed from its journal."""

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.facts = 0
        self.skus = 0
        self._pl = polars()
        self._head = container_head(default_registry().by_name(FACT))
        self._waiting: list[bytes] = []
        self._sums: list[DataFrame] = []
        self._touched: list[DataFrame] = []
        self._seqs: list[DataFrame] = []
        self._inbounds: dict[str, dict[str, Inbound]] = {}
        self._fences: dict[str, dict[str, Fence]] = {}
        self._limits: dict[str, dict[str, Limit]] = {}

    def add(self, records: Sequence[Record]) -> None:
        """Take records of the journal, in order. NotColumnar for one of an earlier release."""
        facts: list[bytes] = []
        others: list[bytes] = []
        for record in records:
            value = record.value() or b""
            (facts if value[:HEADER_BYTES] == _FACT_HEAD else others).append(value)
        if not all(other.startswith(_MARK_HEAD) for other in others):
            raise NotColumnar
        self._waiting += facts
        self.facts += len(facts)
        if len(self._waiting) >= CHUNK_RECORDS:
            self._take()

    def _read(self, facts: Sequence[bytes]) -> DataFrame:
        raw = io.BytesIO(container(self._head, facts))
        frame: DataFrame = self._pl.read_avro(raw, columns=_COLUMNS)[_COLUMNS]  # Of any order.
        return frame

    def _take(self) -> None:
        """Make a frame of what waits, and keep its sums."""
        pl = self._pl
        if not self._waiting:
            return
        blocks = range(0, len(self._waiting), _BLOCK_RECORDS)
        frame = pl.concat(
            [self._read(self._waiting[at : at + _BLOCK_RECORDS]) for at in blocks]
        ).with_row_index("i")
        self._waiting = []
        deltas = (
            frame.select("i", "sku", "deltas")
            .explode("deltas", empty_as_null=False)
            .unnest("deltas")
        )
        deltas = deltas.filter(~pl.col("account").is_in(_OUTSIDE))
        place = ["sku", "location", "channel", "account"]
        sums = deltas.group_by(place).agg(pl.col("quantity").sum(), pl.col("i").max())
        self._sums.append(sums.drop("i"))
        changed = self._entities(frame)
        self._touched.append(_touched(pl, frame, sums, changed))
        self._seqs.append(_sequences(pl, frame))
        if sum(map(len, self._sums)) > _MERGE_ROWS:
            self._merge()

    def _entities(self, frame: DataFrame) -> list[tuple[int, str, str]]:
        """Keep the last value of each entity; (row, SKU, place) of what they change."""
        body = self._pl.col("body").bin
        held = self._pl.any_horizontal([body.contains(name) for name in _ENTITIES])
        found = frame.filter(held).select("i", "sku", "body")
        changed = []
        for row, sku, raw in found.iter_rows():
            entities = _decode_entities(raw)
            if entities.inbound is not None:
                self._inbounds.setdefault(sku, {})[entities.inbound.id] = entities.inbound
                changed += [(row, sku, n.location) for n in entities.inbound.lines if n.location]
                if entities.left:
                    changed.append((row, sku, entities.left))
            if entities.fence is not None:
                self._fences.setdefault(sku, {})[entities.fence.channel] = entities.fence
                changed.append((row, sku, SUMMARY))
            if entities.limit is not None:
                self._limits.setdefault(sku, {})[entities.limit.channel] = entities.limit
                changed.append((row, sku, SUMMARY))
        return changed

    def _merge(self) -> None:
        """Make one table of each kind from those of the chunks."""
        pl = self._pl
        place = ["sku", "location", "channel", "account"]
        if self._sums:
            self._sums = [pl.concat(self._sums).group_by(place).agg(pl.col("quantity").sum())]
            last = [pl.col(name).last() for name in _CAUSE]
            self._touched = [pl.concat(self._touched).group_by("sku", "place").agg(last)]
            self._seqs = [_joined(pl, self._seqs, self.partition)]

    def records(self) -> Iterator[PlaceRecord]:
        """The record of every place that was changed. DefectError when a sequence has a gap."""
        self._take()
        self._merge()
        if not self._sums:
            return
        seqs = dict(self._seqs[0].select("sku", "last").iter_rows())
        self.skus = len(seqs)
        rows, claims, waiting = _numbers(self._sums[0])
        expected = self._expected()
        for sku, place, *cause in self._touched[0].select("sku", "place", *_CAUSE).iter_rows():
            key, touched = (sku, place), Touched(*cause)
            if place == SUMMARY:
                yield summary_record(
                    sku,
                    seqs[sku],
                    waiting.get(sku, {}),
                    self._fences.get(sku, {}).values(),
                    self._limits.get(sku, {}).values(),
                    touched,
                )
            else:
                held = claims.get(key)
                kept = [(c, p[0], p[1]) for c, p in held.items() if any(p)] if held else ()
                numbers = rows.get(key, _NOTHING)
                due = expected.get(key, ())
                yield position_record(sku, place, seqs[sku], numbers, kept, due, touched)

    def _expected(self) -> dict[tuple[str, str], list[ExpectedRow]]:
        found: dict[tuple[str, str], list[ExpectedRow]] = {}
        for sku, inbounds in self._inbounds.items():
            for inbound in inbounds.values():
                for location, row in expected_rows(inbound):
                    found.setdefault((sku, location), []).append(row)
        return found


def _touched(
    pl: Any, frame: DataFrame, sums: DataFrame, changed: list[tuple[int, str, str]]
) -> DataFrame:
    """The cause of the last change of each place in a chunk."""
    # Backorders have an empty location, which is the name of the summary too.
    by_deltas = sums.select("i", "sku", pl.col("location").alias("place"))
    by_entities = pl.DataFrame(changed, schema=by_deltas.schema, orient="row")
    rows = pl.concat([by_deltas, by_entities]).group_by("sku", "place").agg(pl.col("i").max())
    causes = frame.select(_CAUSE)[rows["i"]]
    found: DataFrame = pl.concat([rows.drop("i"), causes], how="horizontal")
    return found


def _sequences(pl: Any, frame: DataFrame) -> DataFrame:
    """First and last sequence number of each SKU in a chunk, and whether they follow each other."""
    numbered = frame.select(
        "sku", "seq", (pl.col("seq") - pl.col("seq").cum_count().over("sku")).alias("base")
    )
    found: DataFrame = numbered.group_by("sku").agg(
        pl.col("base").first(),
        pl.col("seq").max().alias("last"),
        (pl.col("base").min() == pl.col("base").max()).alias("whole"),
    )
    return found


def _joined(pl: Any, parts: list[DataFrame], partition: int) -> DataFrame:
    """The sequences of chunks, one behind the other. DefectError when they leave a gap."""
    told = pl.concat(parts).with_columns(
        pl.col("last").shift(1).over("sku").fill_null(0).alias("before")
    )
    broken = told.filter((pl.col("base") != pl.col("before")) | ~pl.col("whole"))
    if len(broken):
        raise DefectError(
            f"the facts of SKU {broken['sku'][0]} are not numbered 1, 2, 3 without gaps",
            where=f"journal partition {partition}",
            remedy="Rebuild with --path scalar, which names the fact; then restore the journal.",
        )
    joined: DataFrame = told.group_by("sku").agg(
        pl.col("base").first(), pl.col("last").max(), pl.lit(value=True).alias("whole")
    )
    return joined


Numbers = dict[tuple[str, str], list[int]]
Claims = dict[tuple[str, str], dict[str, list[int]]]


def _numbers(sums: DataFrame) -> tuple[Numbers, Claims, dict[str, dict[str, int]]]:
    """Numbers by (SKU, location), claims by channel too, and backordered units by SKU."""
    rows: Numbers = {}
    claims: Claims = {}
    waiting: dict[str, dict[str, int]] = {}
    for sku, location, channel, account, units in sums.iter_rows():
        code = CODES[account]
        if code >= STRIDE:
            if units:
                waiting.setdefault(sku, {})[channel] = units
            continue
        key = (sku, location)
        row = rows.get(key)
        if row is None:
            row = rows[key] = [0] * STRIDE
        row[code] += units
        if code >= RESERVED:
            held = claims.setdefault(key, {}).setdefault(channel, [0, 0])
            held[code - RESERVED] += units
    return rows, claims, waiting
