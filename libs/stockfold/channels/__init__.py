"""Sales channels: sans-IO adapters (updates in, requests out; response in, outcomes out)."""

from __future__ import annotations

from stockfold.channels.port import (
    Adapter,
    Answer,
    Assurance,
    Charge,
    Failure,
    Metered,
    Observed,
    OrderPage,
    OrderReading,
    Outcome,
    OutcomeKind,
    Promise,
    Purpose,
    Renewing,
    Request,
    Response,
    Shown,
    StockUpdate,
    Trouble,
    TroubleKind,
)

__all__ = [
    "Adapter",
    "Answer",
    "Assurance",
    "Charge",
    "Failure",
    "Metered",
    "Observed",
    "OrderPage",
    "OrderReading",
    "Outcome",
    "OutcomeKind",
    "Promise",
    "Purpose",
    "Renewing",
    "Request",
    "Response",
    "Shown",
    "StockUpdate",
    "Trouble",
    "TroubleKind",
]
