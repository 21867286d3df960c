"""What requests take from Walmart's rate budgets, and what its answers tell of them.

Budgets are of a seller and an operation. ``X-Current-Token-Count`` tells how many requests are left
(developer.walmart.com, "Rate limiting").
"""

from __future__ import annotations

import math

from stockfold.channels.port import Charge, Request, Response
from stockfold.channels.walmart.options import WalmartOptions


class Budgets:
    """The budgets of one seller, one for each operation."""

    def __init__(self, options: WalmartOptions) -> None:
        writes, reads = options.writes_per_min, options.reads_per_min
        self._per_hour = {
            "PUT inventory": writes * 60,
            "PUT inventories sku": writes * 60,
            "GET inventory": reads * 60,
            "GET inventories sku": reads * 60,
            "GET inventories": reads * 60,
            "POST feeds": options.feeds_per_hour,
            "GET feeds": options.polls_per_min * 60,
            "GET feeds id": options.polls_per_min * 60,
        }
        self._base = options.base_path
        self._seller = options.seller

    def charge(self, request: Request) -> Charge:
        """What a request takes. Budgets are said by the minute, that of feeds by the hour."""
        first, *rest = request.path.removeprefix(f"{self._base}/").split("/")
        last = {"inventories": " sku", "feeds": " id"}[first] if rest else ""
        operation = f"{request.method} {first}{last}"
        per_hour = self._per_hour[operation]
        burst = per_hour if operation == "POST feeds" else per_hour / 60
        # A budget of less than one would never let anything go.
        return Charge(f"walmart {self._seller} {operation}", per_hour / 3_600, max(burst, 1.0))

    def levels(self, request: Request, answer: Response) -> tuple[tuple[str, float], ...]:
        """(bucket, requests left) where the answer tells it."""
        try:
            left = float(answer.headers["x-current-token-count"])
        except (KeyError, ValueError):
            return ()
        return ((self.charge(request).bucket, left),) if math.isfinite(left) else ()


class FeedPace:
    """Whether a feed may be made now: they are few, and what waits for one could be written singly.

    Its time is that of the last request, so that it lags at most. As of a budget, the first feed is
    free, and one at a time is under way.
    """

    def __init__(self, per_hour: float) -> None:
        self._per_s = per_hour / 3_600
        self._burst = max(per_hour, 1.0)
        self._level = 1.0
        self._now_s: int | None = None
        self._is_out = False

    @property
    def has_one(self) -> bool:
        """Whether the budget has one, as far as we know."""
        return self._level >= 1.0 and not self._is_out

    def time_is(self, now_s: int) -> None:
        """UTC seconds since 1970."""
        if self._now_s is not None:
            passed_s = max(now_s - self._now_s, 0)
            self._level = min(self._level + passed_s * self._per_s, self._burst)
        self._now_s = now_s

    def sent(self, request: Request) -> None:
        """A request goes out."""
        if request.body is not None:
            self._level -= 1.0
            self._is_out = True

    def answered(self, request: Request) -> None:
        """A request is back, or was never sent."""
        if request.body is not None:
            self._is_out = False
