"""Feeds that Walmart has accepted, until each of their SKUs has its outcome.

    POST feeds ──▶ accepted ──▶ followed every ``feed_poll_s`` ──▶ report, page by page
                       │                                              │
                       └── a newer zero overtakes it, ────────────────┴──▶ applied, or again
                           and is written again after it

A feed carries its values out whenever it comes to them, so that nothing newer of the same SKU is
settled before the feed is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from stockfold.channels import statuses
from stockfold.channels.port import (
    Answer,
    Failure,
    Observed,
    Outcome,
    OutcomeKind,
    Purpose,
    Request,
    Response,
    Shown,
    StockUpdate,
)
from stockfold.channels.walmart import errors, feeds
from stockfold.channels.walmart.options import WalmartOptions
from stockfold.channels.walmart.writes import not_understood

NOT_FOLLOWED = (400, 404)
"""Walmart knows no such feed."""


class _Feed(msgspec.Struct):
    """``versions`` and ``units`` are what it carries, by SKU; ``items`` what its report says."""

    feed_id: str
    versions: dict[str, int]
    units: dict[str, int]
    items: dict[str, feeds.Item] = {}
    over: bool = False
    seen: int = 0
    polls: int = 0


class Following:
    """The feeds of one adapter that are not over, as many SKUs as they carry."""

    def __init__(self, options: WalmartOptions, to_show: Callable[[StockUpdate], Shown]) -> None:
        self._options = options
        self._to_show = to_show
        self._feeds: dict[str, _Feed] = {}
        self._of: dict[str, _Feed] = {}
        self.alone: set[str] = set()
        """SKUs that a feed did not take: written singly, Walmart says why."""

    def knows(self, feed_id: str) -> bool:
        """Whether a feed is ours, and not over."""
        return feed_id in self._feeds

    def carries(self, sku: str) -> bool:
        """Whether a feed that is not over has a value of the SKU."""
        return sku in self._of

    def accepted(self, feed_id: str, updates: Sequence[StockUpdate]) -> Answer:
        """A feed was taken; what that means for its updates."""
        versions = {update.sku: update.version for update in updates}
        units = {update.sku: self._to_show(update).quantity for update in updates}
        feed = _Feed(feed_id, versions, units)
        self._feeds[feed_id] = feed
        self._of |= dict.fromkeys(feed.versions, feed)
        return Answer(tuple(self.waiting(updates, f"feed {feed_id} is accepted")))

    def waiting(self, updates: Iterable[StockUpdate], why: str) -> Iterable[Outcome]:
        """That they wait for a feed."""
        for update in updates:
            yield Outcome(
                update,
                OutcomeKind.ACCEPTED,
                "in_feed",
                why,
                retry_after_s=self._options.feed_poll_s,
            )

    def ask(self, due: Sequence[StockUpdate]) -> Request:
        """The question about the feed that carries the first of these."""
        feed = self._of[due[0].sku]
        updates = tuple(update for update in due if self._of.get(update.sku) is feed)
        params = (
            ("includeDetails", "true"),
            ("offset", str(feed.seen)),
            ("limit", str(self._options.feed_page)),
        )
        path = feeds.feed_path(self._options.base_path, feed.feed_id)
        return Request(Purpose.FOLLOW, "GET", path, updates, params)

    def told(self, request: Request, answer: Response | Failure) -> Answer:
        """What the report says of the updates; those of which it says nothing yet go on waiting."""
        feed = self._of.get(request.updates[0].sku)
        if feed is None:  # Another question about it was answered meanwhile.
            return Answer()
        if isinstance(answer, Failure):
            return Answer(trouble=statuses.failed(answer))
        if answer.status in NOT_FOLLOWED:
            self._drop(feed)
            return Answer()
        if not 200 <= answer.status < 300:
            return Answer(trouble=errors.refused(request, answer).trouble)
        found = feeds.report(answer)
        if found is None:
            return not_understood(request, answer)
        if found.is_under_way:
            return self._under_way(feed, request, found)
        if found.status == "ERROR":
            return self._failed(feed, request, found)
        self._take_in(feed, dict(request.params), found)
        outcomes = tuple(self._settled(feed, request.updates))
        done = [one.update.sku for one in outcomes if one.kind is OutcomeKind.APPLIED]
        return Answer(outcomes, observed=tuple(_written(sku, feed.units[sku]) for sku in done))

    def _under_way(self, feed: _Feed, request: Request, found: feeds.Report) -> Answer:
        feed.polls += 1
        if feed.polls <= self._options.feed_polls_max:
            why = f"feed {feed.feed_id} is {found.status}"
            return Answer(tuple(self.waiting(request.updates, why)))
        detail = f"feed {feed.feed_id} is still {found.status} after {feed.polls} questions"
        return self._again(feed, request, "feed_unfinished", detail)

    def _failed(self, feed: _Feed, request: Request, found: feeds.Report) -> Answer:
        detail = f"feed {feed.feed_id} failed as a whole: {found.error.detail}"
        if not found.error.passes:
            self.alone |= set(feed.versions)
        return self._again(feed, request, found.error.code or "feed_failed", detail)

    def _again(self, feed: _Feed, request: Request, code: str, detail: str) -> Answer:
        self._drop(feed)
        return Answer(
            tuple(
                Outcome(update, OutcomeKind.RETRYABLE, code, detail)
                for update in request.updates
                if feed.versions[update.sku] == update.version
            )
        )

    def _drop(self, feed: _Feed) -> None:
        self._feeds.pop(feed.feed_id, None)
        for sku in feed.versions:
            if self._of.get(sku) is feed:
                del self._of[sku]

    def _take_in(self, feed: _Feed, params: dict[str, str], found: feeds.Report) -> None:
        feed.items |= dict(found.items)
        feed.seen = max(feed.seen, int(params["offset"]) + len(found.items))
        feed.over = feed.over or not found.items or feed.seen >= found.received

    def _settled(self, feed: _Feed, updates: Sequence[StockUpdate]) -> Iterable[Outcome]:
        for update in updates:
            item = feed.items.get(update.sku)
            if item is None and not feed.over:
                continue  # On a later page.
            del self._of[update.sku]
            outcome = self._outcome(feed, update, item or feeds.Item("", errors.Told()))
            if update.version == feed.versions[update.sku]:
                yield outcome
        if not any(self._of.get(sku) is feed for sku in feed.versions):
            self._feeds.pop(feed.feed_id, None)

    def _outcome(self, feed: _Feed, update: StockUpdate, item: feeds.Item) -> Outcome:
        if item.status == feeds.SUCCESS:
            return Outcome(update, OutcomeKind.APPLIED)
        if item.status == "DATA_ERROR":
            self.alone.add(update.sku)
        code = item.error.code or item.status.lower() or "not_in_report"
        detail = f"feed {feed.feed_id}: {item.status or 'not in its report'} {item.error.detail}"
        return Outcome(update, OutcomeKind.RETRYABLE, code, detail.rstrip())


def _written(sku: str, units: int) -> Observed:
    return Observed(sku, units, listing=sku, written=units)
