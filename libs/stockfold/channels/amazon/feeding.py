"""One feed at a time, from its document to its report.

A feed is made only of what is due unchanged when it is created: the content was loaded up moments
before, and what changed since then would be carried out after something newer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from stockfold.channels import statuses
from stockfold.channels.amazon import answers, feeds
from stockfold.channels.amazon.awaited import Awaited
from stockfold.channels.amazon.patches import Patching
from stockfold.channels.port import (
    Answer,
    Outcome,
    OutcomeKind,
    Request,
    Response,
    Shown,
    StockUpdate,
)

FAILED = "feed_failed"


class Document(msgspec.Struct):
    """A place for content; ``content`` is what was loaded up, None before."""

    id: str
    url: str
    content: feeds.Content | None = None


class Feed(msgspec.Struct):
    """A feed that Amazon has taken. ``report_id`` and ``report_url`` as soon as they are known."""

    id: str
    content: feeds.Content
    ended: bool = False
    report_id: str = ""
    report_url: str = ""
    gzipped: bool = False


class Feeding:
    """The feeds of one connection."""

    def __init__(
        self,
        patching: Patching,
        awaited: Awaited,
        to_show: Callable[[StockUpdate], Shown],
        items_max: int,
    ) -> None:
        self._patching = patching
        self._awaited = awaited
        self._to_show = to_show
        self._items_max = items_max
        self._size = items_max
        self._document: Document | None = None
        self._loading: feeds.Content = {}
        self._busy = False
        self.feed: Feed | None = None

    @property
    def is_free(self) -> bool:
        """Whether a feed may be begun, or the one that was begun be gone on with."""
        return self.feed is None and not self._busy

    def holds(self, update: StockUpdate) -> bool:
        """Whether just this is in the feed, and its report has not been read yet."""
        return self.feed is not None and self._is_in(self.feed.content, update)

    def _is_in(self, content: feeds.Content, update: StockUpdate) -> bool:
        told = content.get(update.sku)
        if told is None or told.version != update.version:
            return False
        return told.shown == self._to_show(update)

    def overwriting(self, sku: str) -> set[str]:
        """The feed that may still write a SKU, if any."""
        feed = self.feed
        return {feed.id} if feed is not None and not feed.ended and sku in feed.content else set()

    def is_raised(self, update: StockUpdate) -> bool:
        """Whether the feed may still lower what a newer update of a SKU would show.

        That can wait. What the feed may raise is patched before, and again after it.
        """
        feed = self.feed
        told = None if feed is None or feed.ended else feed.content.get(update.sku)
        return told is not None and self._to_show(update).quantity >= told.shown.quantity

    def waits(self, update: StockUpdate) -> bool:
        """Whether the feed is to be asked after before anything is done about an update."""
        return self.holds(update) or self.is_raised(update)

    def let_go(self, sku: str) -> None:
        """Something newer was said of a SKU: nobody will ask what became of it in the feed."""
        feed = self.feed
        if feed is None or sku not in feed.content:
            return
        del feed.content[sku]
        if not feed.content:
            self.feed = None

    # Making one.

    def prepare(self, updates: Sequence[StockUpdate], items_max: int) -> Request:
        """The next step of a feed of the first of these."""
        document = self._document
        self._busy = True
        if document is not None and document.content is not None:
            same = self._same(updates, document.content)
            if len(same) == len(document.content):
                return feeds.create(self._patching, document.id, same)
            # Something has changed already: a smaller one is done sooner.
            self._size = max(self._size // 2, 1)
            document = self._document = None
        chosen = updates[: min(self._size, items_max)]
        if document is None:
            return feeds.create_document(chosen)
        self._loading = {
            one.sku: feeds.Told(number, one.version, self._to_show(one))
            for number, one in enumerate(chosen, 1)
        }
        return feeds.upload(document.url, chosen, feeds.content_of(self._patching, self._loading))

    def _same(self, updates: Sequence[StockUpdate], content: feeds.Content) -> list[StockUpdate]:
        due = {update.sku: update for update in updates}
        return [due[sku] for sku in content if sku in due and self._is_in(content, due[sku])]

    def stopped(self, *, keep: bool = False) -> None:
        """A step has not come to its end; with ``keep`` it may be done again."""
        self._busy = False
        if not keep:
            self._document = None

    def document_made(
        self, request: Request, response: Response, body: Mapping[str, Any]
    ) -> Answer:
        """The place for the content is there."""
        self.stopped()
        number, url = feeds.text_of(body, "feedDocumentId"), feeds.text_of(body, "url")
        if not number or not url:
            return answers.not_understood(request, response)
        self._document = Document(number, url)
        return Answer()

    def loaded(self, request: Request, response: Response) -> Answer:
        """The upload was answered: not by Amazon's interface, but by the store it uses."""
        self.stopped(keep=response.status in (200, 201, 204))
        if self._document is not None:
            self._document.content = self._loading
            return Answer()
        detail = f"the content could not be loaded up: HTTP {response.status}"
        return Answer(statuses.all_again(request, FAILED, detail))

    def created(self, request: Request, response: Response, body: Mapping[str, Any]) -> Answer:
        """The feed was taken, and with it the updates."""
        content = {} if self._document is None else self._document.content or {}
        self.stopped()
        self._size = self._items_max
        feed_id = feeds.text_of(body, "feedId")
        if not feed_id:
            return answers.not_understood(request, response)
        self.feed = Feed(feed_id, content)
        for update in request.updates:
            self._awaited.forget(update.sku)
        return Answer(tuple(self._awaited.queued(update, feed_id) for update in request.updates))

    # What became of it.

    def follow(self, updates: Sequence[StockUpdate]) -> Request:
        """The next question about the feed."""
        assert self.feed is not None
        if not self.feed.ended:
            return feeds.poll(self.feed.id, updates)
        if not self.feed.report_url:
            return feeds.find_report(self.feed.report_id, updates)
        return feeds.load_report(self.feed.report_url, updates)

    def ended(self, status: str, report_id: str, request: Request) -> Answer:
        """The feed is over. FATAL: some, none or all of it was done, so all is written again."""
        feed = self.feed
        assert feed is not None
        if status == feeds.DONE and report_id:
            feed.ended, feed.report_id = True, report_id
            return Answer()
        return self.failed(request, f"feed {feed.id} ended as {status}")

    def failed(self, request: Request, why: str) -> Answer:
        """Nobody knows what was done: what the feed held is written again, patch by patch."""
        held = [update for update in request.updates if self.holds(update)]
        self.feed = None
        again = Request(request.purpose, request.method, request.path, tuple(held))
        return Answer(statuses.all_again(again, FAILED, why))

    def report_found(self, request: Request, body: Mapping[str, Any]) -> Answer:
        """It was told where the report is."""
        if self.feed is None:
            return Answer()
        self.feed.report_url = feeds.text_of(body, "url")
        self.feed.gzipped = body.get("compressionAlgorithm") == "GZIP"
        if not self.feed.report_url:
            return self.failed(request, f"feed {self.feed.id} has no report")
        return Answer()

    def reported(self, request: Request, response: Response) -> Answer:
        """The report was loaded down."""
        feed = self.feed
        if feed is None:
            return Answer()
        report = None
        if response.status == 200:
            report = feeds.read_report(response.body, gzipped=feed.gzipped)
        if report is None:
            return self.failed(request, f"the report of feed {feed.id} cannot be read")
        if report.whole is not None:
            return self.failed(request, f"feed {feed.id}: {': '.join(report.whole)}")
        return self._settled(feed, report, request)

    def _settled(self, feed: Feed, report: feeds.Report, request: Request) -> Answer:
        held = [update for update in request.updates if self.holds(update)]
        self.feed = None
        errors = {
            sku: report.errors[told.number]
            for sku, told in feed.content.items()
            if told.number in report.errors
        }
        for sku, told in feed.content.items():
            if sku not in errors:
                self._awaited.note(sku, told.version, told.shown)
        return Answer(tuple(self._outcome(update, errors.get(update.sku)) for update in held))

    def _outcome(self, update: StockUpdate, error: tuple[str, str] | None) -> Outcome:
        if error is not None:
            return Outcome(update, OutcomeKind.REJECTED, *error)
        return self._awaited.accepted(update, set())
