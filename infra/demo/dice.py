"""Dice that fall the same way for the same seed, salt and keys, on every machine."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

_MULTIPLIERS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_STEP = 0x9E3779B97F4A7C15
_HALF = 1 << 32
_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Dice:
    """Seeded dice for expressions. Integer arithmetic only: no library's hash, which may change."""

    seed: int

    def roll(self, salt: str, sides: int, *keys: str) -> pl.Expr:
        """0 to ``sides`` - 1, from the integer columns ``keys``."""
        start = (self.seed * _STEP + zlib.crc32(salt.encode())) & _MASK

        def rolled(columns: Sequence[pl.Series]) -> pl.Series:
            value = _mixed(columns[0].cast(pl.UInt64) ^ start)
            for column in columns[1:]:
                value = _mixed((value * 31) ^ column.cast(pl.UInt64))
            return (value % sides).cast(pl.Int64)

        return pl.map_batches(list(keys), rolled, return_dtype=pl.Int64)

    def chance(self, salt: str, in_10_000: int, *keys: str) -> pl.Expr:
        """True for ``in_10_000`` of ten thousand."""
        return self.roll(salt, 10_000, *keys) < in_10_000


def _mixed(value: pl.Series) -> pl.Series:
    """The finisher of splitmix64; products wrap at 64 bits, halves are swapped by division."""
    for multiplier in _MULTIPLIERS:
        value = (value ^ (value // _HALF)) * pl.Series([multiplier], dtype=pl.UInt64)
    return value ^ (value // _HALF)
