"""``stockfold atp`` against a real journal."""

from __future__ import annotations

import pytest
from tests.support.command_line import stockfold_json
from tests.support.kafka_io import Sender, committed, wait_for
from tests.support.running_ledger import ledger

from stockfold.contracts.topics import JOURNAL
from stockfold.domain.errors import StockfoldError
from stockfold.domain.times import DAY_US
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration


def test_expected_units_are_promised_from_their_day_and_overdue_ones_stand_beside(
    environment: Settings,
) -> None:
    now_us = SYSTEM_CLOCK.now_us()
    with ledger(environment):
        sender = Sender(environment)
        sender.event("GoodsReceived", sku="S", location="A", quantity=5)
        for line, day in (("1", 2), ("2", -3)):
            sender.event(
                "InboundExpected",
                sku="S",
                inbound="PO",
                line=line,
                location="A",
                quantity=10,
                eta=now_us + day * DAY_US,
                revision=1,
            )
        wait_for(
            "three facts",
            lambda: sum(r.name == "JournalFact" for r in committed(environment, JOURNAL)) == 3,
        )
    told = stockfold_json(environment, "atp", "S", "--days", "4")
    assert [day["promise"] for day in told["days"]] in ([5, 5, 15, 15], [5, 5, 5, 15])
    assert [(row["line"], row["units"]) for row in told["overdue"]] == [("2", 10)]
    assert (told["atp"], told["undated"]) == (5, [])


def test_an_unknown_sku_is_said_to_be_unknown(environment: Settings) -> None:
    with pytest.raises(StockfoldError, match="knows no SKU"):
        stockfold_json(environment, "atp", "NOBODY")
