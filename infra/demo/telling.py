"""How systems tell what happened: the events of a ``World``, wave by wave, step by step.

Steps of a wave depend on one another and must reach the broker one after the other; inside a step
the order of rows is the order of sending, and matters only within a SKU's topic:

0. trucks: purchase orders, receipts, and transfers that are received before they are dispatched;
1. the floor: transfers, adjustments, returns of the wave before;
2. allocations that come before their reservation;
3. reservations;
4. picking: allocations, shipments, cancellations, and what the pumps sold.

A *closing* wave after the last one tells what was left over: late shipments, returns, repeats.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
from infra.demo.derivation import CENTRE, DAY_US, HOUR_US, OLD_US, World

STEPS = ("trucks", "the floor", "early allocations", "reservations", "picking")
TOLD = (
    "kind",
    "sku",
    "store",
    "other",
    "key1",
    "key2",
    "quantity",
    "time_us",
    "word",
)
"""Columns of a told event. ``kind`` chooses the message (``messages.py``); ``key1`` and ``key2``
name the paper or the order line; ``other`` and ``word`` are the kind's own."""
ALLOCATE_AFTER_US = 60_000_000
SHIP_AFTER_US = 120_000_000
WAITS = "waits"
CARRIER = "carrier"
NOTE = "note"
PICKED = (
    "served",
    "allocated",
    "repeated",
    "conflicting",
    "told_twice",
    "late",
    "returned",
)
"""Cases whose line is allocated after its reservation and before its shipment."""
SHIPPED = ("served", "repeated", "conflicting", "told_twice", "returned", "allocated_first")

Step = tuple[int, pl.DataFrame]


def tell(world: World, first_wave: int = 0) -> Iterator[tuple[int, int, pl.DataFrame]]:
    """(wave, step, events in order) for every step that has any, from ``first_wave`` on."""
    for wave in range(first_wave, world.waves + 1):
        now = _at(world.lines, wave)
        before = _at(world.lines, wave - 1)
        steps = (
            _trucks(world, wave),
            _floor(world, wave, before),
            _told(_case(now, "allocated_first"), "allocated", time_us=_allocated_at()),
            _reservations(world, wave, now, before),
            _picking(world, wave, now, before),
        )
        for step, events in enumerate(steps):
            if events.height:
                yield wave, step, events.select(TOLD)


def _at(frame: pl.DataFrame, wave: int) -> pl.DataFrame:
    return frame.filter(pl.col("wave") == wave)


def _case(lines: pl.DataFrame, *cases: str) -> pl.DataFrame:
    return lines.filter(pl.col("case").is_in(cases))


def _allocated_at() -> pl.Expr:
    return pl.col("time_us") + ALLOCATE_AFTER_US


def _shipped_at() -> pl.Expr:
    return pl.col("time_us") + SHIP_AFTER_US


def _told(
    rows: pl.DataFrame, kind: str, sub: int = 0, **columns: pl.Expr | int | str
) -> pl.DataFrame:
    """Rows as told events of a kind; ``sub`` orders the events of one line."""
    if "basket" in rows.columns:
        defaults: dict[str, pl.Expr | int | str] = {
            "key1": pl.col("basket"),
            "key2": pl.col("line"),
        }
        order = pl.col("row")
    else:
        defaults = {"key1": pl.col("wave"), "key2": pl.col("store")}
        order = pl.lit(0, pl.Int64)
    defaults |= {"other": 0, "word": "", **columns}
    made = {
        name: value if isinstance(value, pl.Expr) else pl.lit(value)
        for name, value in defaults.items()
    }
    return rows.with_columns(kind=pl.lit(kind), **made).select(
        *(pl.col(name).cast(pl.String if name in ("kind", "word") else pl.Int64) for name in TOLD),
        order=order,
        sub=pl.lit(sub, pl.Int64),
    )


def _trucks(world: World, wave: int) -> pl.DataFrame:
    supplies = _at(world.supplies, wave)
    centre = _at(world.via_centre, wave)
    moves = _at(world.moves, wave)
    pairs = _at(world.pairs, wave)
    before = pl.col("time_us") - HOUR_US
    day_before = pl.col("time_us") - DAY_US
    ordered = supplies.filter(pl.col("ordered_more").is_not_null())
    plain = supplies.filter(pl.col("ordered_more").is_null() & ~pl.col("opening"))
    return pl.concat(
        [
            _told(supplies.filter("opening"), "opening", time_us=day_before),
            _told(
                ordered,
                "expected",
                quantity=pl.col("quantity") + pl.col("ordered_more"),
                time_us=day_before,
            ),
            _told(ordered, "received", other=1, time_us=before),
            _told(plain, "received", time_us=before),
            _told(
                supplies.filter(pl.col("extra") > 0),
                "extra",
                quantity=1,
                word=pl.when(pl.col("extra") == 1)
                .then(pl.lit("damaged"))
                .otherwise(pl.lit("quality_hold")),
                time_us=before,
            ),
            _told(
                centre,
                "received_at_centre",
                store=CENTRE,
                quantity=pl.col("quantity") + pl.col("stays") + pl.col("lost_way"),
                key2=pl.col("store"),
                time_us=day_before,
            ),
            _told(centre.filter("early"), "arrived", word="C", time_us=before),
            _told(
                moves.filter(pl.col("fate") == "early"),
                "arrived",
                quantity=1,
                word="M",
                store=pl.col("to"),
                key2=pl.col("store"),
                time_us=before,
            ),
            _told(pairs.filter("old_paper"), "old_paper", quantity=10, time_us=OLD_US),
        ]
    )


def _floor(world: World, wave: int, sold_before: pl.DataFrame) -> pl.DataFrame:
    centre = _at(world.via_centre, wave)
    pairs = _at(world.pairs, wave).filter(pl.col("adjusted") > 0)
    moves_before = _at(world.moves, wave - 1)
    sent = pl.col("quantity") + pl.col("lost_way")
    early = pl.col("time_us") - 2 * HOUR_US
    later = pl.col("time_us") + DAY_US
    back = _case(sold_before, "returned")
    return pl.concat(
        [
            _told(
                centre,
                "dispatched",
                quantity=sent,
                word="C",
                other=pl.col("store"),
                key2=pl.col("store"),
                store=CENTRE,
                time_us=early,
            ),
            _told(centre.filter(~pl.col("early")), "arrived", word="C"),
            _told(
                _at(world.moves, wave),
                "dispatched",
                quantity=1,
                word="M",
                other=pl.col("to"),
            ),
            _told(
                moves_before.filter(pl.col("fate") == "arrives"),
                "arrived",
                quantity=1,
                word="M",
                store=pl.col("to"),
                key2=pl.col("store"),
                time_us=later,
            ),
            _told(
                moves_before.filter(pl.col("fate") == "lost"),
                "transfer_closed",
                quantity=0,
                word="M",
                time_us=later,
            ),
            _told(pairs, "adjusted", quantity=0, other=pl.col("adjusted")),
            _told(back, "return_received", quantity=pl.col("back"), time_us=later),
            _told(
                back.filter(pl.col("back_to") != "held"),
                "return_decided",
                quantity=pl.col("back"),
                word=pl.col("back_to"),
                time_us=later + HOUR_US,
            ),
        ]
    )


def _reservations(world: World, wave: int, now: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    zero = _at(world.nonsense, wave).filter(pl.col("sort") == "zero").with_columns(channel=0)
    waits = pl.when(pl.col("case") == "waiting").then(pl.lit(WAITS)).otherwise(pl.lit(""))
    return pl.concat(
        [
            _told(now, "reserved", other=pl.col("channel"), word=waits),
            _told(zero, "reserved", other=0),
            *(
                _told(again, "reserved", 1, other=pl.col("channel"))
                for again in _again(now, before, wave, 0)
            ),
        ]
    ).sort("order", "sub")


def _picking(world: World, wave: int, now: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    nonsense = _at(world.nonsense, wave)
    zero = nonsense.filter(pl.col("sort") == "zero")
    waited = world.lines.filter(pl.col("served_wave") == wave)
    told_twice = _case(now, "told_twice")
    note = pl.when(pl.col("case") == "told_twice").then(pl.lit(NOTE)).otherwise(pl.lit(""))
    allocated, shipped = {"time_us": _allocated_at()}, {"time_us": _shipped_at()}
    parts = [
        _told(_case(now, "cancelled", "cancelled_allocated"), "line_cancelled", 0, quantity=0),
        _told(_case(now, "shipped_first"), "shipped", 0, **shipped),
        _told(
            _case(now, *PICKED, "cancelled_allocated", "shipped_first"), "allocated", 1, **allocated
        ),
        _told(waited, "allocated", 1, **allocated),
        _told(zero, "allocated", 1, **allocated),
        _told(_case(now, *SHIPPED, "refused_shipped"), "shipped", 2, word=note, **shipped),
        _told(_case(before, "late"), "shipped", 2, **shipped),
        _told(waited, "shipped", 2, **shipped),
        _told(zero, "shipped", 2, **shipped),
        _told(told_twice, "shipped", 3, word=CARRIER, **shipped),
        _told(nonsense.filter(pl.col("sort") == "fuel"), "fuel"),
    ]
    parts += [_told(again, "allocated", 4, **allocated) for again in _again(now, before, wave, 1)]
    parts += [_told(again, "shipped", 4, **shipped) for again in _again(now, before, wave, 2)]
    return pl.concat(parts).sort("order", "sub")


def _again(
    now: pl.DataFrame, before: pl.DataFrame, wave: int, which: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lines one of whose events comes again in this wave: the same, and with another quantity."""
    both = pl.concat([now, before]).filter(
        (pl.col("which") == which) & (pl.col("again_wave") == wave)
    )
    other = _case(both, "conflicting").with_columns(quantity=pl.col("quantity") + 1)
    return _case(both, "repeated"), other
