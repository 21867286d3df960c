"""The publisher without Kafka and HTTP: the real backlog, adapter and rule, stepped."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from stockfold.channels import Failure, OutcomeKind, Purpose, Request, Response, StockUpdate
from stockfold.channels.woocommerce import WooCommerce
from stockfold_services.publisher.backlog import Backlog
from stockfold_services.publisher.before_writing import BeforeWriting, CatchUp, Prepared
from stockfold_services.publisher.looking import retried_when_sold
from stockfold_services.publisher.read_policy import ReadPolicy
from stockfold_services.publisher.sold_there import SoldThere
from stockfold_services.publisher.wanted import Finished
from stockfold_services.publisher.watermark import LeftOpen, Watermark
from tests.inflight.here import Here
from tests.inflight.shop import START_S, TERMS, Lines, SteppedShop

LOOK_BACK_US = 3_600 * 1_000_000


class Worker:
    """One request at a time, and what led to it."""

    def __init__(self) -> None:
        self.request: Request | None = None
        self.asked: Request | CatchUp | None = None
        self.looking: Generator[Any, Any, Prepared] | None = None
        self.serving: Generator[None, None, Response] | None = None
        self.answer: Response | Failure | None = None
        self.sold: dict[str, Lines] = {}
        """What the shop had sold when it was asked."""


class Publisher:
    """Lives until it is killed; the offsets that it has committed outlive it."""

    def __init__(
        self,
        there: SteppedShop,
        here: Here,
        committed: int,
        sold: SoldThere,
        policy: ReadPolicy,
    ) -> None:
        self.there, self.here = there, here
        self.sold = sold
        self.adapter = WooCommerce("https://shop.test", "ck", "cs", order_terms=TERMS)
        self.backlog = Backlog(
            self.adapter.to_show, lambda failures: 1.0, 10**6, unseen=sold.unseen
        )
        after_us = int((START_S + there.elapsed_s) * 1e6) - LOOK_BACK_US
        self.before = BeforeWriting(
            self.adapter, sold, policy, after_us, lambda: self.now_s, self._tell
        )
        self.workers = [Worker(), Worker()]
        self.watermark = Watermark()
        self.position = committed
        self.answers_read = 0
        self.left_open = LeftOpen()
        self.tells = True
        self.on_write: Callable[[Worker, str, int], None] = lambda worker, sku, quantity: None
        self.pass_: tuple[int, int, int] | None = None
        self.writes = 0
        self.skipped = 0
        self.reads = 0

    @property
    def now_s(self) -> float:
        return self.there.elapsed_s

    def _tell(self, orders: Any) -> None:
        if self.tells:
            self.here.told.extend(orders)

    # Kafka's side.

    def read(self, count: int) -> None:
        """Take in some availability."""
        for version in self.here.versions[self.position : self.position + count]:
            self.watermark.read(version.wanted.offset, opened=True)
            self.position += 1
            self.finish(self.backlog.offer(version.wanted, 0))

    def catch_up(self) -> None:
        """Take in every answer of the ledger."""
        for claim in self.here.answers[self.answers_read :]:
            self.show_again(self.sold.claimed(claim, self.now_s))
        self.answers_read = len(self.here.answers)

    def keep(self) -> None:
        """What a second brings."""
        self.catch_up()
        self.show_again(self.sold.settle(self.now_s))
        for sku in self.sold.to_recheck(self.now_s, self.backlog.is_busy):
            self.finish(self.backlog.show_again(sku, 0, look=True))
        self._pass()

    def _pass(self) -> None:
        """A pass: all positions of the time it was opened, then all versions of that time."""
        if self.pass_ is None:
            number = self.sold.open_pass()
            if number is not None:
                self.pass_ = (number, len(self.here.positions), -1)
            return
        number, positions, versions = self.pass_
        if versions < 0 and positions <= 0:
            self.pass_ = (number, 0, len(self.here.versions))
        elif 0 <= versions <= self.position:
            self.pass_ = None
            self.show_again(self.sold.passed(number))

    def position_computed(self) -> None:
        """Availability has taken one position more."""
        if self.pass_ is not None:
            number, positions, versions = self.pass_
            self.pass_ = (number, positions - 1, versions)

    def show_again(self, skus: set[str]) -> None:
        for sku in sorted(skus):
            self.finish(self.backlog.show_again(sku, 0))

    def finish(self, finished: list[Finished]) -> None:
        for one in finished:
            for wanted in self.left_open.ended_by(one):
                self.watermark.close(wanted.offset)

    # The shop's side.

    def step(self, worker: Worker) -> None:
        """One step of a worker: choose, ask, serve, or take the answer in."""
        if worker.request is None:
            self._choose(worker)
        elif worker.serving is not None:
            self._serve(worker)
        elif worker.looking is not None:
            self._look(worker)
        else:
            self._land(worker)

    def _choose(self, worker: Worker) -> None:
        due = self.backlog.due(self.now_s, 100)
        request = self.adapter.next_request(due) if due else None
        if request is None:
            return
        self.backlog.claim(request.updates, 0)
        worker.request, worker.answer = request, None
        worker.sold = {}
        if request.purpose is not Purpose.WRITE:
            worker.serving = self.there.serve(request)
            return
        self.backlog.forget_acknowledged(request.updates)
        worker.looking = self.before.look(request, self.backlog.current)
        self._snapshot(worker, request)
        self._ask(worker, None)

    def _snapshot(self, worker: Worker, request: Request) -> None:
        worker.sold = {u.sku: self.there.sold(u.sku) for u in request.updates}

    def _ask(self, worker: Worker, answer: Response | Failure | None) -> None:
        assert worker.looking is not None
        try:
            worker.asked = worker.looking.send(answer)
        except StopIteration as ended:
            self._prepared(worker, ended.value)
            return
        if isinstance(worker.asked, Request):
            self.reads += 1
            worker.serving = self.there.serve(worker.asked)

    def _look(self, worker: Worker) -> None:
        if worker.asked is CatchUp.CLAIMS:
            self.catch_up()
            self._ask(worker, None)
        else:
            answer, worker.answer = worker.answer, None
            self._ask(worker, answer)

    def _prepared(self, worker: Worker, prepared: Prepared) -> None:
        claimed = worker.request
        assert claimed is not None
        worker.looking, worker.asked, worker.answer = None, None, None
        worker.request = prepared.request
        left = prepared.still_out
        for outcome in prepared.outcomes:
            self.skipped += 1
            left.add(outcome.update.sku)
            self.finish(self.backlog.land(outcome, self.now_s, 0))
        for update in claimed.updates:
            if update.sku not in left:
                self.finish(self.backlog.release(update, 0))
        if prepared.request is not None:
            worker.serving = self.there.serve(prepared.request)

    def _serve(self, worker: Worker) -> None:
        assert worker.serving is not None
        asked = worker.asked if isinstance(worker.asked, Request) else None
        if asked is not None and asked.path.endswith("/orders"):
            assert worker.request is not None
            self._snapshot(worker, worker.request)
        before = len(self.there.shop.written)
        try:
            next(worker.serving)
        except StopIteration as ended:
            worker.answer, worker.serving = ended.value, None
        if len(self.there.shop.written) > before:
            sku, quantity = self.there.shop.written[-1]
            self.on_write(worker, sku, quantity)

    def lose_answer(self, worker: Worker) -> None:
        """The answer of a write gets lost on its way."""
        if worker.answer is not None and worker.looking is None:
            worker.answer = Failure("timeout", "")

    def _land(self, worker: Worker) -> None:
        request, answer = worker.request, worker.answer
        assert request is not None
        assert answer is not None
        worker.request = None
        told = self.adapter.receive(request, answer)
        for one in told.observed:
            self.sold.observed(one, self.now_s)
        outcomes = retried_when_sold(told.outcomes)
        for outcome in outcomes:
            if request.purpose is Purpose.WRITE and outcome.kind is OutcomeKind.APPLIED:
                self.writes += 1
            self.finish(self.backlog.land(outcome, self.now_s, 0))
        landed = {outcome.update.sku for outcome in outcomes}
        for update in request.updates:
            if update.sku not in landed:
                self.finish(self.backlog.release(update, 0))

    def update_of(self, worker: Worker, sku: str) -> StockUpdate:
        assert worker.request is not None
        return next(u for u in worker.request.updates if u.sku == sku)

    def is_idle(self) -> bool:
        return all(w.request is None for w in self.workers)
