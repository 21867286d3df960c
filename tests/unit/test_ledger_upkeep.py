"""What time brings, also when the machine's clock is set back."""

from __future__ import annotations

from tests.support.ledger_process import LedgerProcess

DAY_US = 86_400_000_000
SECOND_US = 1_000_000


def reserve(ledger: LedgerProcess, name: str, expires_us: int) -> None:
    ledger.tell(
        "ReserveStock",
        reservation=name,
        order=name,
        line="1",
        channel="shop",
        quantity=1,
        locations=["DC"],
        allow_split=False,
        allow_partial=False,
        allow_backorder=False,
        needed_on=None,
        supply_line=None,
        expires_at=expires_us,
        priority=0,
    )


def test_expiries_are_looked_for_although_the_clock_was_a_day_ahead() -> None:
    ledger = LedgerProcess()
    ledger.tell("GoodsReceived", location="DC", quantity=2, inbound=None, line=None,
                condition="on_hand", document=None, document_line=None)  # fmt: skip
    right_us = ledger.now_us
    ledger.now_us = right_us + DAY_US
    reserve(ledger, "R-1", ledger.now_us + SECOND_US)
    ledger.now_us += 2 * SECOND_US
    assert ledger.processor.tick_due(ledger.now_us)
    ledger.processor.tick(ledger.log, ledger.now_us)
    ledger.now_us = right_us
    reserve(ledger, "R-2", right_us + SECOND_US)
    assert ledger.processor.tick_due(right_us + 2 * SECOND_US)
