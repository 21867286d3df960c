"""The next request of a connection, as far as the rate budgets of its account allow one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from stockfold.channels import Adapter, Failure, Request, StockUpdate
from stockfold_services.publisher.backlog import Backlog
from stockfold_services.publisher.steering import Steering

SHORT_S = 1.0
"""A request waits so long for its budget where it is made; for longer, its updates wait."""
WINDOW = 1_000
"""Updates that the adapter may choose a request from; more would find no fuller batch."""
UNSENT = Failure("connect", "not sent: the account's rate budget is used up for now")
OPERATIONS_MAX = 8
"""A channel has few operations with budgets of their own."""


class Account(Protocol):
    """Whose budgets they are: ``Transport``, or a fake."""

    def wait_s(self, request: Request) -> float:
        """How long until the request might go out, in seconds."""
        ...

    def told(self, levels: Iterable[tuple[str, float]]) -> None:
        """What the channel says is left, by bucket."""
        ...


class Affordable:
    """Asks an adapter for its next request until one may be made.

    The updates of one that may not be yet are postponed, so that what goes by another operation is
    not held up. Times are monotonic seconds.
    """

    def __init__(
        self,
        adapter: Adapter,
        backlog: Backlog,
        account: Account | None,
        steering: Steering | None,
        items_max: int,
    ) -> None:
        self.adapter = adapter
        self._backlog = backlog
        self._account = account
        self._steering = steering
        self._window = max(WINDOW, items_max)
        self.rests_until_s = 0.0
        """When a question that is about no update may be asked."""

    def next(self, items_max: Callable[[int], int], now_s: float, *, probe: bool) -> Request | None:
        """The request to make now; ``items_max`` is asked with how many updates are due."""
        if now_s < self.rests_until_s:
            return None
        for _ in range(OPERATIONS_MAX):
            updates = self._due(now_s)
            if not updates:
                return None
            request = (
                self.adapter.probe(updates)
                if probe
                else self.adapter.next_request(updates, items_max(len(updates)))
            )
            if request is None or self._may_be_made(request, now_s):
                return request
            if not request.updates:
                return None
        return None

    def told(self, levels: Sequence[tuple[str, float]]) -> None:
        """An answer has told what is left of budgets."""
        if self._account is not None and levels:
            self._account.told(levels)

    def _due(self, now_s: float) -> Sequence[StockUpdate]:
        due = self._backlog.due(now_s, self._window)
        if self._steering is None:
            return due
        return self._steering.passing(due, lambda u: self.adapter.to_show(u).quantity)

    def _may_be_made(self, request: Request, now_s: float) -> bool:
        wait_s = 0.0 if self._account is None else self._account.wait_s(request)
        if wait_s <= SHORT_S:
            return True
        # An adapter may have begun something with it. What it makes of this is no trouble.
        self.adapter.receive(request, UNSENT)
        if request.updates:
            self._backlog.postpone(request.updates, now_s + wait_s)
        else:
            self.rests_until_s = now_s + wait_s
        return False
