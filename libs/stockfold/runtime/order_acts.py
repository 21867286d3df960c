"""What a person does about an order: its cases, and stopping it. For command line and console.

Told to the orders service as events, audited. What it makes of them is its own decision.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from stockfold.runtime.audit import audited
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.order_topics import SOURCE, tell
from stockfold.runtime.settings import Settings

Verdict = Literal["refused", "cleared"]


class CaseChange(msgspec.Struct, frozen=True):
    """An open case of an order is given to another ``owner``, or closed as settled elsewhere."""

    channel: str
    order: str
    case: str
    action: Literal["assign", "close"]
    owner: str = ""
    reason: str = ""

    @property
    def done(self) -> str:
        """What is done, in words."""
        if self.action == "assign":
            return f"assign case {self.case} to {self.owner or 'somebody else'}"
        return f"close case {self.case}"


class Review(msgspec.Struct, frozen=True):
    """An order is stopped, which releases what it holds, or goes on that was stopped."""

    channel: str
    order: str
    verdict: Verdict
    reason: str

    @property
    def done(self) -> str:
        """What is done, in words."""
        what = "stop" if self.verdict == "refused" else "let go on"
        return f"{what} order {self.order} of {self.channel}"


def change_case(settings: Settings, change: CaseChange, by: str, source: str = SOURCE) -> None:
    """Tell it, audited. UnavailableError when it was not acknowledged."""
    body: dict[str, Any] = {
        "channel": change.channel,
        "order": change.order,
        "case": change.case,
        "action": change.action,
        "owner": change.owner,
        "reason": change.reason,
        "by": by,
        "occurred_at": SYSTEM_CLOCK.now_us(),
    }
    command = f"cases {change.action}"
    with audited(settings, command=command, subject=change.case, details=body, who=by):
        tell(settings, "stockfold.OrderCaseChanged", body, "the change of the case", source=source)


def review(settings: Settings, review: Review, by: str, source: str = SOURCE) -> None:
    """Tell it, audited. UnavailableError when it was not acknowledged."""
    body: dict[str, Any] = {
        "channel": review.channel,
        "order": review.order,
        "verdict": review.verdict,
        "reason": review.reason,
        "occurred_at": SYSTEM_CLOCK.now_us(),
    }
    subject = f"{review.channel}|{review.order}"
    with audited(settings, command="orders review", subject=subject, details=body, who=by):
        tell(settings, "stockfold.OrderReviewed", body, "the review", source=source)
