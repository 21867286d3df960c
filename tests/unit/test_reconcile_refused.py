"""What a refused event would have moved is what the ledger would have posted."""

from __future__ import annotations

import pytest
from tests.support.explained import SKU, story

from stockfold.ledger.accounts import NAMES, STRIDE
from stockfold.reconcile.refused import movements_of

NO_PAPERS = {"document": None, "document_line": None}
EVENTS = {
    "GoodsReceived": {
        "location": "A",
        "quantity": 4,
        "condition": "damaged",
        "inbound": None,
        "line": None,
        **NO_PAPERS,
    },
    "StockShipped": {"location": "A", "quantity": 4, "shipment": "S", **NO_PAPERS},
    "StockAdjusted": {
        "location": "A",
        "bucket": "quality_hold",
        "delta": -4,
        "reason": "test",
        **NO_PAPERS,
    },
    "StockStatusChanged": {
        "location": "A",
        "from": "on_hand",
        "to": "lost",
        "quantity": 4,
        **NO_PAPERS,
    },
    "TransferDispatched": {
        "transfer": "T",
        "from": "A",
        "to": "B",
        "quantity": 4,
        "eta": None,
        **NO_PAPERS,
    },
    "TransferReceived": {
        "transfer": "T",
        "location": "B",
        "quantity": 4,
        "condition": "on_hand",
        **NO_PAPERS,
    },
    "ReturnReceived": {
        "return": "R",
        "location": "A",
        "quantity": 4,
        "condition": None,
        **NO_PAPERS,
    },
    "ReturnDispositioned": {
        "return": "R",
        "location": "A",
        "quantity": 4,
        "to": "scrapped",
        **NO_PAPERS,
    },
}


@pytest.mark.parametrize("event_type", EVENTS)
def test_it_is_what_an_empty_ledger_posts(event_type: str) -> None:
    body = EVENTS[event_type]
    told = story().tell(event_type, **body)
    posted: dict[tuple[str, str], int] = {}
    for fact in told.subject.facts:
        for account, location, _, units in fact.deltas:
            if account < STRIDE or account in (NAMES.index("lost"), NAMES.index("scrapped")):
                place = (location, NAMES[account])
                posted[place] = posted.get(place, 0) + units
    assert movements_of(f"stockfold.{event_type}", {"sku": SKU, **body}) == posted


def test_what_moves_nothing_or_is_told_in_a_unit_moves_nothing() -> None:
    assert movements_of("stockfold.ReturnAuthorized", {"quantity": 4}) == {}
    received = {**EVENTS["GoodsReceived"], "unit": "case"}
    assert movements_of("stockfold.GoodsReceived", received) == {}
