"""A SKU's outlook from the tables: the same as the fold's, which a test holds it to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from stockfold.contracts.topics import JOURNAL, POSITIONS
from stockfold.domain.bills import Tree
from stockfold.domain.times import to_us
from stockfold.ledger.entities import Fence, Line, decode_change
from stockfold.ledger.outlook import Coming, Outlook, by_name, known
from stockfold_services.api.database import Database
from stockfold_services.api.freshness import as_of_all, as_of_sku
from stockfold_services.api.kits import Kits, KitsUnknown
from stockfold_services.api.models import AsOf
from stockfold_services.api.problems import Problem, not_found

LINES_MAX = 5_000
"""Demand lines with open units that one answer looks at."""

_POSITIONS = """
SELECT location, on_hand, reserved + allocated AS held, claims, expected FROM positions
WHERE sku = $1
"""
_FENCES = "SELECT fences FROM sku_summaries WHERE sku = $1"
# The fact that a demand line is as of holds it whole, as the ledger has it.
_LINES = """
SELECT j.body FROM demand_lines d JOIN journal j ON j.sku = d.sku AND j.seq = d.seq
WHERE d.sku = $1 AND (d.reserved <> 0 OR d.allocated <> 0 OR d.backordered <> 0) LIMIT $2
"""
_TRANSFERS = """
SELECT t.transfer, t.eta, p.location, p.quantity FROM transfers t
CROSS JOIN LATERAL jsonb_to_recordset(t.in_transit) AS p(location text, quantity bigint)
WHERE t.sku = $1 AND p.quantity > 0
"""

Row = Mapping[str, Any]


class OutlooksNow(NamedTuple):
    """A SKU's outlook, and those of its parts when it is a kit; ``kit`` of None: not known."""

    kit: bool | None
    tree: Tree | None
    outlooks: Mapping[str, Outlook]
    as_of: AsOf


async def outlooks_now(db: Database, kits: Kits, sku: str) -> OutlooksNow:
    """A SKU in one snapshot, with its parts; Problem 404 when nothing is known of it.

    Of a kit the state is that of all partitions: its parts may be in any.
    """
    tree: Tree | None = None
    kit: bool | None = None
    with suppress(KitsUnknown):
        tree = await kits.tree_of(sku)
        kit = tree is not None
    async with db.reading() as connection:
        as_of = await as_of_sku(connection, sku, POSITIONS, JOURNAL)
        if as_of.seq is None and tree is None:
            raise not_found("SKU", sku)
        found = {sku: await read_outlook(connection, sku, as_of.seq)}
        if tree is not None:
            as_of = await as_of_all(connection, POSITIONS, JOURNAL)
            for part in tree.parts:
                found[part] = await read_outlook(connection, part, None)
    return OutlooksNow(kit, tree, found, as_of)


async def read_outlook(connection: asyncpg.Connection, sku: str, seq: int | None) -> Outlook:
    """The outlook of a SKU whose newest fact is ``seq``. Problem 422 beyond ``LINES_MAX``."""
    positions = await connection.fetch(_POSITIONS, sku)
    lines = await connection.fetch(_LINES, sku, LINES_MAX + 1)
    if len(lines) > LINES_MAX:
        raise Problem(
            422,
            "Too much",
            f"SKU {sku!r} has more than {LINES_MAX} open demand lines; ask the "
            "journal: `stockfold atp`, `stockfold promise`.",
        )
    return outlook_from(
        seq or 0,
        positions,
        [decode_change(row["body"]).line for row in lines],
        await connection.fetch(_TRANSFERS, sku),
        await connection.fetchval(_FENCES, sku) or [],
    )


def outlook_from(
    seq: int,
    positions: Iterable[Row],
    lines: Iterable[Line | None],
    transfers: Iterable[Row],
    fences: Iterable[Row],
) -> Outlook:
    """The outlook that rows tell."""
    on_hand: dict[str, int] = {}
    held: dict[str, int] = {}
    claims: dict[str, int] = {}
    coming = []
    for row in positions:
        place = row["location"]
        on_hand[place], held[place] = row["on_hand"], row["held"]
        for claim in row["claims"]:
            units = claim["reserved"] + claim["allocated"]
            claims[claim["channel"]] = claims.get(claim["channel"], 0) + units
        coming += [
            Coming(e["inbound"], e["line"], place, e["quantity"], _us(e["eta"]), e["confidence"])
            for e in row["expected"]
        ]
    for row in transfers:
        eta_us = None if row["eta"] is None else to_us(row["eta"])
        coming.append(Coming(row["transfer"], "", row["location"], row["quantity"], eta_us))
    kept = [Fence(f["channel"], f["quantity"], f["priority"], f["revision"]) for f in fences]
    return Outlook(
        seq,
        known(on_hand),
        known(held),
        known(claims),
        tuple(sorted(coming, key=_order)),
        by_name(line for line in lines if line is not None and line.open_units()),
        tuple(sorted((f for f in kept if f.quantity), key=lambda fence: fence.channel)),
    )


def _order(coming: Coming) -> tuple[str, str, str]:
    return coming.inbound, coming.line, coming.location


def _us(eta: str | None) -> int | None:
    return None if eta is None else to_us(datetime.fromisoformat(eta))
