"""Feeds that were accepted and of which we know nothing: of the life before, or of a lost answer.

They may be carried out after what is written now. So Walmart is asked for feeds that are not over,
at the start and whenever the answer to a feed got lost; while there are any, what is not urgent
waits, and an urgent zero is written both now and after them. Feeds of others of the same account
are waited for too: what they hold cannot be told before they are over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from stockfold.channels import statuses
from stockfold.channels.port import (
    Answer,
    Failure,
    Purpose,
    Request,
    Response,
    StockUpdate,
)
from stockfold.channels.walmart import errors, feeds
from stockfold.channels.walmart.options import FEEDS, WalmartOptions
from stockfold.channels.walmart.writes import not_understood

LISTED = 50
"""The newest feeds that are listed: of all types, 50 are the most that one page may hold."""


class Earlier:
    """The feeds to be waited for. ``is_ours`` says which are followed anyway."""

    def __init__(self, options: WalmartOptions, is_ours: Callable[[str], bool]) -> None:
        self._options = options
        self._is_ours = is_ours
        self._polls: dict[str, int] = {}
        self.asks = True

    @property
    def waits(self) -> bool:
        """Whether there are any that are not over."""
        return bool(self._polls)

    def look(self) -> Request:
        """The question for the newest feeds."""
        params = (("offset", "0"), ("limit", str(LISTED)))
        path = f"{self._options.base_path}{feeds.PATH}"
        return Request(Purpose.LOOK_UP, "GET", path, (), params)

    def listed(self, request: Request, answer: Response | Failure) -> Answer:
        """Take in which of them are not over."""
        if isinstance(answer, Failure):
            return Answer(trouble=statuses.failed(answer))
        if not 200 <= answer.status < 300:
            return Answer(trouble=errors.refused(request, answer).trouble)
        rows = _rows(answer)
        if rows is None:
            return not_understood(request, answer)
        for row in rows:
            feed_id = str(row.get("feedId"))
            if _writes_stock(row) and _is_under_way(row) and not self._is_ours(feed_id):
                self._polls.setdefault(feed_id, 0)
        self.asks = False
        return Answer()

    def ask(self, updates: Sequence[StockUpdate]) -> Request:
        """The question how far the first of them is, about updates that wait for it."""
        path = feeds.feed_path(self._options.base_path, next(iter(self._polls)))
        return Request(Purpose.FOLLOW, "GET", path, tuple(updates), (("includeDetails", "false"),))

    def told(
        self,
        request: Request,
        answer: Response | Failure,
        waiting: Callable[[Iterable[StockUpdate], str], Iterable[Any]],
    ) -> Answer:
        """Updates wait on while the feed is under way, and are as before once it is over."""
        if isinstance(answer, Failure):
            return Answer(trouble=statuses.failed(answer))
        feed_id = self._asked(request)
        if answer.status in (400, 404) or feed_id is None:
            self._polls.pop(feed_id or "", None)
            return Answer()
        if not 200 <= answer.status < 300:
            return Answer(trouble=errors.refused(request, answer).trouble)
        found = feeds.report(answer)
        if found is None:
            return not_understood(request, answer)
        self._polls[feed_id] += 1
        if found.is_under_way and self._polls[feed_id] <= self._options.feed_polls_max:
            why = f"feed {feed_id}, of before or of others, is {found.status}"
            return Answer(tuple(waiting(request.updates, why)))
        del self._polls[feed_id]
        return Answer()

    def _asked(self, request: Request) -> str | None:
        base = self._options.base_path
        return next(
            (one for one in self._polls if feeds.feed_path(base, one) == request.path), None
        )


def _rows(answer: Response) -> Sequence[Mapping[str, Any]] | None:
    tree = errors.object_of(answer)
    results = None if tree is None else tree.get("results")
    rows = results.get("feed") if isinstance(results, Mapping) else None
    if not isinstance(rows, list):
        return None
    return [row for row in rows if isinstance(row, Mapping)]


def _writes_stock(row: Mapping[str, Any]) -> bool:
    return str(row.get("feedType", "")).lower() in FEEDS


def _is_under_way(row: Mapping[str, Any]) -> bool:
    return str(row.get("feedStatus", "")).upper() in feeds.UNDER_WAY
