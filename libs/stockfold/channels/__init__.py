"""Sales channels: sans-IO adapters (updates in, requests out; response in, outcomes out)."""

from __future__ import annotations

from stockfold.channels.port import (
    Adapter,
    Answer,
    Assurance,
    Failure,
    Observed,
    OrderPage,
    OrderReading,
    Outcome,
    OutcomeKind,
    Promise,
    Purpose,
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
    "Failure",
    "Observed",
    "OrderPage",
    "OrderReading",
    "Outcome",
    "OutcomeKind",
    "Promise",
    "Purpose",
    "Request",
    "Response",
    "Shown",
    "StockUpdate",
    "Trouble",
    "TroubleKind",
]
