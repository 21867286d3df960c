"""What must be true after everything was told: sums over a ``World``, and nothing of the service.

This is the second way to the same numbers. It reads what happened (``derivation.py``), never the
events that were sent about it, and it neither decides nor folds: every number is a sum by group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
from infra.demo.derivation import CENTRE, World

BUCKETS = ("on_hand", "quality_hold", "damaged", "in_transit", "reserved", "allocated")
LINE_NUMBERS = ("reserved", "allocated", "backordered", "shipped", "cancelled", "rejected")
WENT_OUT = (
    "served",
    "repeated",
    "conflicting",
    "told_twice",
    "shipped_first",
    "allocated_first",
    "late",
    "returned",
    "refused_shipped",
)


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel that is published to: its eligible locations (None: all) and what it keeps back."""

    name: str
    locations: tuple[str, ...] | None
    safety_stock: int


def positions(world: World) -> pl.DataFrame:
    """Per ``sku``, ``location``: the buckets, ``atp``, and ``expected`` units on order."""
    parts = [
        _part(world.supplies, on_hand="quantity", expected="ordered_more"),
        _part(world.supplies.filter(pl.col("extra") == 1), damaged=1),
        _part(world.supplies.filter(pl.col("extra") == 2), quality_hold=1),
        _part(world.via_centre, on_hand="quantity", in_transit="lost_way"),
        _part(world.via_centre.with_columns(store=pl.lit(CENTRE, pl.Int64)), on_hand="stays"),
        _part(world.pairs.filter(pl.col("adjusted") == 1), on_hand=-1),
        _part(world.pairs.filter(pl.col("adjusted") == 2), on_hand=1),
        _part(world.pairs.filter(pl.col("adjusted") == 3), damaged=1),
        _part(world.moves, on_hand=-1),
        _part(_moved(world, "arrives", "early"), on_hand=1),
        _part(_moved(world, "in_transit"), in_transit=1),
        _part(_moved(world, "lost")),
        _part(_gone_out(world), on_hand=-pl.col("quantity")),
        *(
            _part(_back(world, to), **{bucket: "back"})
            for to, bucket in (
                ("on_hand", "on_hand"),
                ("damaged", "damaged"),
                ("held", "quality_hold"),
            )
        ),
        _part(_of(world, "reserved"), reserved="quantity"),
        _part(_of(world, "allocated"), allocated="quantity"),
    ]
    return (
        pl.concat(parts)
        .group_by("sku", "store")
        .sum()
        .with_columns(atp=pl.col("on_hand") - pl.col("allocated") - pl.col("reserved"))
        .select(
            pl.col("sku").cast(pl.String),
            pl.when(pl.col("store") == CENTRE)
            .then(pl.lit("dc-1"))
            .otherwise(pl.format("store-{}", "store"))
            .alias("location"),
            *BUCKETS,
            "atp",
            "expected",
        )
        .sort("sku", "location")
    )


def _part(rows: pl.DataFrame, **numbers: pl.Expr | str | int) -> pl.DataFrame:
    """The rows' contribution to each number; those not named get 0, and so does null."""
    given = {
        name: pl.col(value) if isinstance(value, str) else pl.lit(value)
        for name, value in numbers.items()
        if not isinstance(value, pl.Expr)
    } | {name: value for name, value in numbers.items() if isinstance(value, pl.Expr)}
    return rows.select(
        "sku",
        "store",
        *(
            given.get(name, pl.lit(0)).fill_null(0).cast(pl.Int64).alias(name)
            for name in (*BUCKETS, "expected")
        ),
    )


def _of(world: World, *cases: str) -> pl.DataFrame:
    return world.lines.filter(pl.col("case").is_in(cases))


def _gone_out(world: World) -> pl.DataFrame:
    """Lines whose units left the shelf, those that waited and were served included."""
    return world.lines.filter(pl.col("case").is_in(WENT_OUT) | pl.col("served_wave").is_not_null())


def _moved(world: World, *fates: str) -> pl.DataFrame:
    arrived = world.moves.filter(pl.col("fate").is_in(fates))
    return arrived.with_columns(store=pl.col("to"))


def _back(world: World, to: str) -> pl.DataFrame:
    return _of(world, "returned").filter(pl.col("back_to") == to)


def order_lines(world: World) -> pl.DataFrame:
    """Per ``sku``, ``order_id``, ``line``: what became of the units of every sensible line."""
    case, units = pl.col("case"), pl.col("quantity")
    out = case.is_in(WENT_OUT) | pl.col("served_wave").is_not_null()
    truth = {
        "reserved": case == "reserved",
        "allocated": case == "allocated",
        "backordered": (case == "waiting") & pl.col("served_wave").is_null(),
        "shipped": out,
        "cancelled": case.is_in(["cancelled", "cancelled_allocated"]),
        "rejected": case == "refused",
    }
    return world.lines.select(
        sku=pl.col("sku").cast(pl.String),
        order_id=pl.col("basket").cast(pl.String),
        line=pl.col("line").cast(pl.String),
        **{name: pl.when(holds).then(units).otherwise(0) for name, holds in truth.items()},
    ).sort("sku", "order_id", "line")


def waiting_units(world: World) -> pl.DataFrame:
    """Per ``sku`` that ever had a line waiting: units ``backordered`` at the end."""
    waiting = _of(world, "waiting")
    units = pl.when(pl.col("served_wave").is_null()).then("quantity").otherwise(0)
    return waiting.group_by(pl.col("sku").cast(pl.String)).agg(backordered=units.sum()).sort("sku")


def answers(world: World) -> pl.DataFrame:
    """Per ``reservation``: how it was answered."""
    case = pl.col("case")
    return world.lines.select(
        reservation=pl.format("R-{}-{}", "basket", "line"),
        status=pl.when(case.is_in(["refused", "refused_shipped"]))
        .then(pl.lit("rejected"))
        .when(case == "waiting")
        .then(pl.lit("backordered"))
        .otherwise(pl.lit("confirmed")),
    ).sort("reservation")


def facts(world: World) -> dict[str, int]:
    """How many facts of each kind the journal holds: one for every event told, however often."""
    answered = dict(answers(world).group_by("status").len().iter_rows())
    waited = world.lines["served_wave"].count()
    shipped = _gone_out(world).height
    unallocated = ("reserved", "cancelled", "refused", "refused_shipped")
    never = world.lines.filter((pl.col("case") == "waiting") & pl.col("served_wave").is_null())
    back = _of(world, "returned")
    counts = {
        "InboundExpected": world.supplies["ordered_more"].count(),
        "GoodsReceived": world.supplies.height
        + world.supplies.filter(pl.col("extra") > 0).height
        + world.via_centre.height,
        "TransferDispatched": world.via_centre.height + world.moves.height,
        "TransferReceived": world.via_centre.height + _moved(world, "arrives", "early").height,
        "TransferClosed": _moved(world, "lost").height,
        "StockAdjusted": world.pairs.filter(pl.col("adjusted") > 0).height,
        "ReturnReceived": back.height,
        "ReturnDispositioned": back.filter(pl.col("back_to") != "held").height,
        "ReservationConfirmed": answered.get("confirmed", 0),
        "ReservationRejected": answered.get("rejected", 0),
        "ReservationBackordered": answered.get("backordered", 0),
        "BackorderConfirmed": waited,
        "StockAllocated": world.lines.height - _of(world, *unallocated).height - never.height,
        "StockShipped": shipped,
        "Corroborated": _of(world, "told_twice").height,
        "OrderLineCancelled": _of(world, "cancelled", "cancelled_allocated").height,
    }
    return {kind: count for kind, count in counts.items() if count}


def exceptions(world: World) -> dict[str, int]:
    """How many exceptions of each kind."""
    shipped_anyway = _of(world, "refused_shipped")
    zero = world.nonsense.filter(pl.col("sort") == "zero").height
    counts = {
        "line_cancelled": _of(world, "cancelled_allocated").height,
        "older_than_horizon": world.pairs.filter("old_paper").height,
        "on_hand_negative": shipped_anyway.select("sku", "store").unique().height,
        "payload_conflict": _of(world, "conflicting").height,
        "quantity_out_of_range": 3 * zero,
        "shipped_closed": shipped_anyway.height,
        "unknown_schema": world.nonsense.height - zero,
    }
    return {kind: count for kind, count in counts.items() if count}


def cases(world: World) -> dict[str, int]:
    """How many lines met what, for the summary."""
    return {
        "shortage": _of(world, "refused", "refused_shipped", "waiting").height,
        "repeated": _of(world, "repeated", "told_twice").height,
        "conflicting": _of(world, "conflicting").height,
        "late": _of(world, "late").height,
        "out of order": _of(world, "shipped_first", "allocated_first").height
        + world.via_centre.filter("early").height
        + world.moves.filter(pl.col("fate") == "early").height,
        "no sense": world.nonsense.height,
    }


def availability(
    places: pl.DataFrame, waiting: pl.DataFrame, channels: Sequence[Channel]
) -> pl.DataFrame:
    """Per ``channel``, ``sku``: Σ max(ATP, 0) of eligible locations less safety stock, at least 0.

    Every SKU that has a position, or that somebody has waited for, whether or not a channel may
    promise anything of it. ``places`` is ``positions``, ``waiting`` is ``waiting_units``.
    """
    numbers = pl.concat(
        [
            places.select("sku", "location", "atp"),
            waiting.select("sku", location=pl.lit(""), atp=pl.lit(0, pl.Int64)),
        ]
    )
    parts = []
    for channel in channels:
        eligible = (
            pl.lit(value=True)
            if channel.locations is None
            else pl.col("location").is_in(channel.locations)
        )
        promisable = pl.when(eligible).then(pl.col("atp").clip(lower_bound=0)).otherwise(0)
        parts.append(
            numbers.group_by("sku")
            .agg(quantity=promisable.sum())
            .select(
                channel=pl.lit(channel.name),
                sku="sku",
                quantity=(pl.col("quantity") - channel.safety_stock).clip(lower_bound=0),
            )
        )
    return pl.concat(parts).sort("channel", "sku")
