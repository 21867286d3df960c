"""An oracle that knows no rules: what came and went, summed from the inputs alone."""

from __future__ import annotations

from collections import Counter

from stockfold.contracts.codec import decode
from stockfold.contracts.topics import POSITIONS
from tests.support.histories import Input

from .history import History

SIGNS = {"GoodsReceived": 1, "ReturnReceived": 1, "StockAdjusted": 1, "StockShipped": -1}


def judge_sums(history: History) -> None:
    """AssertionError unless all units sent are in the positions, each once.

    For histories of receipts, returns, adjustments and shipments alone: none of them is refused.
    """
    sent: dict[tuple[str, str], Input] = {}
    for told in history.sender.sent.values():
        sent[told.source, told.event_id] = told
    expected: Counter[str] = Counter()
    for told in sent.values():
        body = told.body
        units = body["delta"] if told.event_type == "StockAdjusted" else body["quantity"]
        expected[body["sku"]] += SIGNS[told.event_type] * units
    found: Counter[str] = Counter()
    rows = {}
    for number in range(history.partitions):
        for entry in history.log.partition((POSITIONS.name, number)).committed():
            schema, row = decode(entry.value())
            if schema.name == "stockfold.Position":
                rows[row["sku"], row["location"]] = row
    for (sku, _), row in rows.items():
        found[sku] += row["on_hand"] + row["quality_hold"] + row["damaged"]
    different = {sku: (found[sku], units) for sku, units in expected.items() if found[sku] != units}
    assert not different, f"units in the positions, units sent: {different}"
