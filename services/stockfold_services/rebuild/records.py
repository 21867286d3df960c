"""Rows of the read model as the records of the positions topic that they came from."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import asyncpg
import orjson

from stockfold.contracts.codec import encode
from stockfold.contracts.places import SUMMARY
from stockfold.domain.times import parse_us, to_us
from stockfold.ledger.accounts import NAMES, STRIDE

_NUMBERS = (*NAMES[:STRIDE], "atp")


def position_of(row: asyncpg.Record, seq: int) -> bytes:
    """The ``Position`` record of a row of positions, as of fact ``seq``."""
    expected = [
        {**line, "eta": None if line["eta"] is None else parse_us(line["eta"])}
        for line in orjson.loads(row["expected"])
    ]
    return encode(
        "stockfold.Position",
        {
            "sku": row["sku"],
            "location": row["location"],
            "seq": seq,
            **{name: row[name] for name in _NUMBERS},
            "claims": orjson.loads(row["claims"]),
            "expected": expected,
            **_cause(row),
        },
    )


def nothing_at(row: asyncpg.Record, seq: int) -> bytes:
    """The ``Position`` record that says of the row's place that nothing is there."""
    record = {"sku": row["sku"], "location": row["location"], "seq": seq, **_cause(row)}
    zeros = dict.fromkeys(_NUMBERS, 0)
    return encode("stockfold.Position", {**record, **zeros, "claims": [], "expected": []})


def summary_of(row: asyncpg.Record, seq: int) -> bytes:
    """The ``SkuSummary`` record of a row of sku_summaries, as of fact ``seq``."""
    return encode(
        "stockfold.SkuSummary",
        {
            "sku": row["sku"],
            "seq": seq,
            "backordered": orjson.loads(row["backordered_by_channel"]),
            "fences": orjson.loads(row["fences"]),
            "limits": orjson.loads(row["limits"]),
            **_cause(row),
        },
    )


def no_summary(row: asyncpg.Record, seq: int) -> bytes:
    """The ``SkuSummary`` record of a SKU that has no numbers without a location."""
    record = {"sku": row["sku"], "seq": seq, **_cause(row)}
    return encode("stockfold.SkuSummary", {**record, "backordered": [], "fences": [], "limits": []})


def key_of(sku: str, place: str = SUMMARY) -> bytes:
    """The key of a place's record on the positions topic."""
    return f"{place}|{sku}".encode()


def _cause(row: asyncpg.Record) -> dict[str, Any]:
    caused_at: datetime | None = row["caused_at"]
    return {
        "recorded_at": to_us(row["recorded_at"]),
        "correlation_id": row["correlation_id"],
        "caused_at": 0 if caused_at is None else to_us(caused_at),
    }
