"""What happened: the real order lines, and by a seeded rule everything that the data set lacks.

``derive`` returns a ``World``: tables of what happened, in the order of *waves*. A wave is an
equal share of the lines by time; in it trucks come first, then orders are reserved, then picked,
allocated and shipped. ``telling.py`` turns a world into the events that systems send about it;
``expected.py`` works out from it, separately, which numbers must be true afterwards. Whoever falls
into which case is decided by dice over (seed, the row's own keys) alone.

Every sensible line (``sort`` of ``dataset.py``) is an order line of its basket: reserved at its
store, allocated there, shipped. A *pair* is a SKU at a store, a *group* the lines of a pair in a
wave. Shares below are of pairs, groups or lines.

Supply
- Plain pairs (97 %) have an opening stock of 2 to 5 spare units, and before each of their waves
  they get exactly what its lines will ask, so they never run short. The first supply is part of
  the opening stock; later ones are receipts, one in five of them announced by a purchase order,
  whose rest (sometimes 5 units) stays expected. 1 % of receipts bring one more unit, damaged, 1 %
  one for inspection.
- 8 % of the supplies come from the distribution centre ``dc-1``: received there (0 to 2 units
  stay), dispatched, received at the store. For one in ten a unit more is dispatched, and stays in
  transit; one in ten is received *before* it is dispatched.
- Scarce pairs (3 %) have no spare units and nothing below ever happens to them. For each of their
  groups the truck brings just what the first k of the n lines ask, k from 0 to n.

Shortages (scarce pairs): the first k lines of a group are served. Of the others, 25 % accept to
wait (backorder) and are served by the pair's next truck, which brings their units too; the rest is
refused. In a pair's last group 10 % wait and stay waiting, 15 % are refused and shipped all the
same, so that the shelf goes negative, and 75 % are refused.

Lines of plain pairs
- ``reserved`` 1.5 %, ``allocated`` 1.5 %: not processed further, the claim stays open.
- ``cancelled`` 0.6 %: cancelled after it was reserved; ``cancelled_allocated`` 0.2 %: and allocated
  after that, which must claim nothing.
- ``repeated`` 0.6 %: one of its three events is delivered again, at once or a wave later.
- ``conflicting`` 0.3 %: one of its events comes again under the same id with one unit more.
- ``told_twice`` 0.3 %: the shipment is told by a carrier too, on the same delivery note.
- ``shipped_first`` 0.4 %: shipped before allocated; ``allocated_first`` 0.4 %: allocated before
  reserved; ``late`` 0.4 %: the shipment is told a wave later.
- ``returned`` 1.5 %: shipped; a wave later some of its units come back and are sold again (50 %),
  damaged (20 %), scrapped (10 %) or still held.
- all others are ``served``.

Other movements of plain pairs
- adjustments: 1 % lose a unit, 0.5 % find one, 0.5 % find a damaged one.
- moves: from 2 % of the pairs one spare unit is dispatched to another store; 60 % arrive a wave
  later, 15 % are received before they are dispatched, 15 % stay in transit, 10 % are lost and
  closed.
- old papers: for 0.5 % a receipt of 2015 turns up. It is older than the horizon within which the
  ledger can tell repeats, and must not be folded.

Lines that make no sense as stock
- ``zero``: quantity 0. Sent as they are, three events each; the contract takes 1 to 10^12.
- ``fuel``: gasoline, in thousandths of a gallon or in dollars. Stock is counted in whole base units
  and nothing says what one of these would be. The pump's till sends them in a schema of its own,
  with a decimal quantity and a unit, which nobody has registered.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import polars as pl
from infra.demo.dice import Dice

CENTRE = 0
"""The number of the distribution centre among the stores; its location is ``dc-1``."""
LINES_PER_WAVE = 4_000
WAVES_MIN, WAVES_MAX = 4, 52
PAIR = ("sku", "store")
GROUP = ("sku", "store", "wave")
LINE = ("basket", "sku")
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
OLD_US = 1_443_657_600_000_000
"""1 October 2015: the date on the old papers."""

PLAIN_CASES = (
    ("reserved", 150),
    ("allocated", 150),
    ("cancelled", 60),
    ("cancelled_allocated", 20),
    ("repeated", 60),
    ("conflicting", 30),
    ("told_twice", 30),
    ("shipped_first", 40),
    ("allocated_first", 40),
    ("late", 40),
    ("returned", 150),
)
"""Case and how many of ten thousand lines; the others are ``served``."""


@dataclass(frozen=True, slots=True)
class World:
    """What happened. All identifiers are numbers; a location is a store number or ``CENTRE``."""

    seed: int
    waves: int
    lines: pl.DataFrame
    """Sensible lines: the columns of ``read_lines``, ``wave``, ``channel`` (0 till, 1 web, 2 city),
    ``case``, ``which`` (0 to 2: event that is repeated or contradicted), ``again_wave`` (when),
    ``served_wave`` (of ``waiting``; null: never), ``back`` and ``back_to`` (of ``returned``)."""
    nonsense: pl.DataFrame
    """``zero`` and ``fuel`` lines: the columns of ``read_lines`` and ``wave``."""
    supplies: pl.DataFrame
    """What trucks brought: pair, ``wave``, ``quantity``, ``opening``, ``ordered_more`` (null: no
    purchase order), ``extra`` (0 none, 1 a damaged unit, 2 one to inspect), ``time_us``."""
    via_centre: pl.DataFrame
    """Supplies through the centre: pair, ``wave``, ``quantity``, ``stays``, ``lost_way`` (units
    dispatched but not received), ``early`` (received before dispatched), ``time_us``."""
    pairs: pl.DataFrame
    """Plain pairs: ``wave`` (their first), ``adjusted`` (0 none, 1 lost, 2 found, 3 damaged found),
    ``old_paper``, ``time_us``."""
    moves: pl.DataFrame
    """Moved units: pair, ``to``, ``wave``, ``time_us``, and ``fate``: arrives, early, in_transit or
    lost."""


def derive(lines: pl.DataFrame, seed: int) -> World:
    """The world of these lines (``dataset.read_lines``) under a seed; always the same."""
    dice = Dice(seed)
    waves = min(max(lines.height // LINES_PER_WAVE, WAVES_MIN), WAVES_MAX)
    lines = lines.with_columns(wave=pl.col("row") * waves // lines.height)
    starts = lines.group_by("wave").agg(time_us=pl.col("time_us").min())
    sensible = lines.filter(pl.col("sort") == "sensible")
    sensible = _cases(_shortages(_with_groups(sensible, dice), dice), dice)
    supplied = _supplied(sensible)
    pairs = _pairs(sensible, dice).join(starts, on="wave")
    supplies, via_centre = _routes(supplied.join(starts, on="wave"), dice)
    return World(
        seed,
        waves,
        sensible,
        lines.filter(pl.col("sort") != "sensible"),
        supplies,
        via_centre,
        pairs,
        _moves(pairs, sensible["store"].unique().sort(), dice),
    )


def is_scarce(dice: Dice, store: str = "store") -> pl.Expr:
    """Whether a pair (``sku`` at the store in column ``store``) is scarce."""
    return dice.chance("scarce", 300, "sku", store)


def _with_groups(lines: pl.DataFrame, dice: Dice) -> pl.DataFrame:
    """Adds the line's place in its group, whether that is the pair's last, and the next wave."""
    groups = (
        lines.group_by(GROUP)
        .agg(size=pl.len().cast(pl.Int64))
        .sort(GROUP)
        .with_columns(
            next_wave=pl.col("wave").shift(-1).over(PAIR),
            kept=dice.roll("kept", 1 << 20, *GROUP) % (pl.col("size") + 1),
        )
    )
    channel = dice.roll("channel", 100, "basket")
    return (
        lines.join(groups, on=GROUP, how="left")
        .sort("row")
        .with_columns(
            scarce=is_scarce(dice),
            rank=pl.int_range(pl.len()).over(GROUP),
            channel=pl.when(channel < 25).then(1).when(channel < 30).then(2).otherwise(0),
        )
    )


def _shortages(lines: pl.DataFrame, dice: Dice) -> pl.DataFrame:
    """Adds ``case`` for lines of scarce pairs (null for others) and ``served_wave``."""
    roll = dice.roll("short", 10_000, *LINE)
    last = pl.col("next_wave").is_null()
    case = (
        pl.when(pl.col("rank") < pl.col("kept"))
        .then(pl.lit("served"))
        .when(roll < pl.when(last).then(1_000).otherwise(2_500))
        .then(pl.lit("waiting"))
        .when(last & (roll < 2_500))
        .then(pl.lit("refused_shipped"))
        .otherwise(pl.lit("refused"))
    )
    lines = lines.with_columns(case=pl.when("scarce").then(case))
    waits = (pl.col("case") == "waiting").fill_null(value=False)
    return lines.with_columns(served_wave=pl.when(waits).then("next_wave"))


def _cases(lines: pl.DataFrame, dice: Dice) -> pl.DataFrame:
    """Fills in ``case`` for lines of plain pairs, and its particulars."""
    lines = lines.with_columns(roll=dice.roll("case", 10_000, *LINE))
    bounds = accumulate(share for _, share in PLAIN_CASES)
    plain = [
        pl.when(pl.col("roll") < bound).then(pl.lit(name))
        for (name, _), bound in zip(PLAIN_CASES, bounds, strict=True)
    ]
    back_to = dice.roll("back_to", 100, *LINE)
    return lines.with_columns(
        case=pl.coalesce("case", *plain, pl.lit("served")),
        which=dice.roll("which", 3, *LINE),
        again_wave=pl.col("wave") + dice.roll("again", 2, *LINE),
        back=1 + dice.roll("back", 1 << 20, *LINE) % pl.col("quantity"),
        back_to=pl.when(back_to < 50)
        .then(pl.lit("on_hand"))
        .when(back_to < 70)
        .then(pl.lit("damaged"))
        .when(back_to < 80)
        .then(pl.lit("scrapped"))
        .otherwise(pl.lit("held")),
    ).drop("size", "kept", "rank", "next_wave", "roll")


def _supplied(lines: pl.DataFrame) -> pl.DataFrame:
    """Units that trucks bring per pair and wave; ``opening`` for the first wave of a plain pair."""
    now = lines.filter(~pl.col("case").is_in(["refused", "refused_shipped", "waiting"]))
    later = lines.filter(pl.col("served_wave").is_not_null())
    units = pl.concat(
        [
            now.select(*GROUP, "quantity", "scarce"),
            later.select(*PAIR, pl.col("served_wave").alias("wave"), "quantity", "scarce"),
        ]
    )
    first = lines.group_by(PAIR).agg(first_wave=pl.col("wave").min())
    return (
        units.group_by(*GROUP, "scarce")
        .agg(pl.col("quantity").sum())
        .join(first, on=PAIR)
        .with_columns(opening=(pl.col("wave") == pl.col("first_wave")) & ~pl.col("scarce"))
        .drop("first_wave")
        .sort(GROUP)
    )


def _routes(supplied: pl.DataFrame, dice: Dice) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Splits supplies into those by truck (with the spare units of openings) and by transfer."""
    by_centre = dice.chance("centre", 800, *GROUP) & ~pl.col("scarce")
    supplied = supplied.with_columns(by_centre=by_centre, spare=2 + dice.roll("spare", 4, *PAIR))
    direct = pl.when(pl.col("by_centre")).then(0).otherwise("quantity")
    spare = pl.when("opening").then("spare").otherwise(0)
    by_order = dice.chance("order", 2_000, *GROUP) & ~pl.col("opening")
    more = pl.when(dice.chance("more", 3_000, *GROUP)).then(5).otherwise(0)
    extra = dice.roll("extra", 100, *GROUP)
    supplies = (
        supplied.with_columns(quantity=direct + spare)
        .filter(pl.col("quantity") > 0)
        .with_columns(
            ordered_more=pl.when(by_order).then(more),
            extra=pl.when(pl.col("scarce") | (extra > 1)).then(0).otherwise(extra + 1),
        )
    )
    via_centre = supplied.filter("by_centre").with_columns(
        stays=dice.roll("stays", 3, *GROUP),
        lost_way=dice.chance("lost_way", 1_000, *GROUP).cast(pl.Int64),
        early=dice.chance("early", 1_000, *GROUP),
    )
    columns = [*GROUP, "quantity", "time_us"]
    return (
        supplies.select(*columns, "opening", "ordered_more", "extra"),
        via_centre.select(*columns, "stays", "lost_way", "early"),
    )


def _pairs(lines: pl.DataFrame, dice: Dice) -> pl.DataFrame:
    adjusted = dice.roll("adjusted", 10_000, *PAIR)
    return (
        lines.filter(~pl.col("scarce"))
        .group_by(PAIR)
        .agg(wave=pl.col("wave").min())
        .sort(PAIR)
        .with_columns(
            adjusted=pl.when(adjusted < 100)
            .then(1)
            .when(adjusted < 150)
            .then(2)
            .when(adjusted < 200)
            .then(3)
            .otherwise(0),
            old_paper=dice.chance("old_paper", 50, *PAIR),
        )
    )


def _moves(pairs: pl.DataFrame, stores: pl.Series, dice: Dice) -> pl.DataFrame:
    """One spare unit to another store; never to or from a scarce pair."""
    fate = dice.roll("fate", 100, *PAIR)
    return (
        pairs.filter(dice.chance("move", 200, *PAIR))
        .with_columns(number=dice.roll("to", len(stores), *PAIR))
        .join(pl.DataFrame({"to": stores}).with_row_index("number").cast(pl.Int64), on="number")
        .filter((pl.col("to") != pl.col("store")) & ~is_scarce(dice, "to"))
        .with_columns(
            fate=pl.when(fate < 60)
            .then(pl.lit("arrives"))
            .when(fate < 75)
            .then(pl.lit("early"))
            .when(fate < 90)
            .then(pl.lit("in_transit"))
            .otherwise(pl.lit("lost"))
        )
        .select(*PAIR, "to", "wave", "fate", "time_us")
        .sort(PAIR)
    )
