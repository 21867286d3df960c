"""One random history: a shop sells while its stock is written, and everything else happens too."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from stockfold_services.publisher.read_policy import ReadPolicy
from stockfold_services.publisher.sold_there import SoldThere
from tests.inflight.here import Here
from tests.inflight.publisher import Publisher, Worker
from tests.inflight.shop import Lines, SteppedShop

SKUS = ("A", "B", "C")
STEPS = 160
ROUNDS_MAX = 400


@dataclass(slots=True)
class Result:
    """What a history, or many, came to. Units are sold units."""

    histories: int = 0
    writes: int = 0
    skipped: int = 0
    reads: int = 0
    units_sold: int = 0
    resurrected: int = 0
    """Units put back on sale whose order was placed before the shop was asked."""
    without_cause: int = 0
    """Units kept off sale that nobody had sold; counted where nobody edits stock by hand."""
    in_window: int = 0
    """Units put back on sale whose order came between the question and the write."""
    writes_in_window: int = 0
    reconciled: int = 0
    """Histories with a kill that took a reconciliation to converge."""
    not_converged: list[str] = field(default_factory=list)

    def add(self, other: Result) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


Make = Callable[[], SoldThere]


class World:
    """``seed`` decides everything. With kills there is no ceiling: see ``infra/decisions``."""

    def __init__(self, seed: int, make: Make = SoldThere, policy: ReadPolicy | None = None) -> None:
        self.rng = random.Random(seed)
        self._make = make
        self._policy = policy or ReadPolicy()
        stock = {sku: self.rng.randint(0, 12) for sku in SKUS}
        self.kills = self.rng.random() < 0.3
        capped = not self.kills and self.rng.random() < 0.4
        # What is edited by hand where no version shows the next change is for reconciliation.
        self.edits = self.rng.random() < 0.2 and not capped
        self.tells = self.rng.random() < 0.5
        self.loses = self.rng.random() < 0.3
        self.there = SteppedShop(stock)
        self.here = Here(stock, self.rng.randint(1, 8) if capped else None)
        self.result = Result(histories=1)
        self._hints: list[int] = []
        self._most: dict[tuple[str, tuple[str, str]], int] = {}
        self._swept_us = 0
        self.publisher = self._start(0)

    def _start(self, committed: int) -> Publisher:
        publisher = Publisher(self.there, self.here, committed, self._make(), self._policy)
        publisher.on_write = self._check
        publisher.tells = self.tells
        return publisher

    # The judge.

    def _check(self, worker: Worker, sku: str, quantity: int) -> None:
        version = self.here.versions[self.publisher.update_of(worker, sku).version - 1]
        now = self.there.sold(sku)
        # What was given up there since may go back on sale.
        asked = {line: min(n, now.get(line, 0)) for line, n in worker.sold.get(sku, {}).items()}
        allowed = [
            max(version.wanted.quantity - lacking(asked, claimed), 0) for claimed in version.claimed
        ]
        if not self.edits:
            ever = lacking(self._ever(sku), version.claimed[0])
            self.result.without_cause += max(max(version.wanted.quantity - ever, 0) - quantity, 0)
        self.result.writes += 1
        self.result.resurrected += max(quantity - max(allowed), 0)
        known = [
            {line: max(asked.get(line, 0), claimed.get(line, 0)) for line in asked | claimed}
            for claimed in version.claimed
        ]
        late = min(lacking(now, lines) for lines in known)
        erased = min(late, quantity)
        self.result.in_window += erased
        self.result.writes_in_window += erased > 0

    def _ever(self, sku: str) -> Lines:
        """The most that each line was ever sold with."""
        for line, units in self.there.sold(sku).items():
            self._most[sku, line] = max(self._most.get((sku, line), 0), units)
        return {line: units for (of, line), units in self._most.items() if of == sku}

    # What happens.

    def run(self) -> Result:
        for _ in range(STEPS):
            self._happen()
        self._fall_silent()
        self.result.skipped += self.publisher.skipped
        self.result.reads += self.publisher.reads
        return self.result

    def _happen(self) -> None:
        rng = self.rng
        events: list[tuple[float, Callable[[], None]]] = [
            (10, self._sell),
            (5, self._change_order),
            (5, self._webhook),
            (0.5, self._sweep),
            (8, self._orders),
            (8, self._ledger),
            (8, self._availability),
            (4, self._move),
            (10, lambda: self.publisher.read(rng.randint(1, 3))),
            (60, self._work),
            (4, self.publisher.keep),
            (2, self._wait),
            (0.4 if self.kills else 0, self._kill),
            (1 if self.edits else 0, self._edit),
            (2 if self.loses else 0, lambda: self.publisher.lose_answer(self._worker())),
        ]
        weights = [weight for weight, _ in events]
        rng.choices(events, weights)[0][1]()

    def _worker(self) -> Worker:
        return self.rng.choice(self.publisher.workers)

    def _work(self) -> None:
        self.publisher.step(self._worker())

    def _sell(self) -> None:
        self.there.second()
        sku, units = self.rng.choice(SKUS), self.rng.randint(1, 3)
        status = self.rng.choice(["processing", "processing", "on-hold", "pending"])
        order = self.there.shop.sell(sku, units, status)
        self.result.units_sold += units
        self._hints.append(order.id)
        self._ever(sku)

    def _change_order(self) -> None:
        orders = self.there.shop.orders
        if not orders.orders:
            return
        self.there.second()
        number, now_us = self.rng.choice(list(orders.orders)), self.there.shop.now_us()
        order = orders.orders[number]
        what = self.rng.choice(["cancelled", "processing", "completed", "edit", "refund", "note"])
        line = order.lines[0] if order.lines else None
        if what == "edit" and line is not None and not line.restocked:
            orders.edit(number, {line.id: self.rng.randint(1, 4)}, now_us)
        elif what == "refund" and line is not None:
            orders.refund(number, {line.id: 1}, now_us, restock=self.rng.random() < 0.7)
        elif what == "note":
            orders.annotate(number, [{"key": "note", "value": now_us}], now_us)
        elif what not in ("edit", "refund") and not (line and line.restocked):
            orders.set_status(number, what, now_us)
        self._hints.append(number)
        for sku in SKUS:
            self._ever(sku)

    def _webhook(self) -> None:
        if self._hints:
            number = self._hints.pop(self.rng.randrange(len(self._hints)))
            if self.rng.random() < 0.8:
                self.here.told.append(self.there.order(number))

    def _sweep(self) -> None:
        self.here.told.extend(
            self.there.order(number, asked=True)
            for number, order in self.there.shop.orders.orders.items()
            if order.modified_us >= self._swept_us
        )
        self._swept_us = self.there.shop.now_us() - 120 * 1_000_000

    def _orders(self) -> None:
        if self.here.told:
            self.here.orders()

    def _ledger(self) -> None:
        if self.here.commands:
            self.here.ledger()

    def _availability(self) -> None:
        if self.here.positions:
            self.here.availability()
            self.publisher.position_computed()

    def _move(self) -> None:
        self.here.move(self.rng.choice(SKUS), self.rng.choice([1, 2, 5, 9, -1, -2]))

    def _wait(self) -> None:
        self.there.elapsed_s += self.rng.choice([1.0, 5.0, 20.0, 90.0])

    def _edit(self) -> None:
        """Somebody edits the stock by hand; a receipt makes us write there again later."""
        sku = self.rng.choice(SKUS)
        product = self.there.shop.catalogue.products[self.there.shop.catalogue.ids_of_sku[sku][0]]
        self.there.shop.catalogue.move(product, self.rng.choice([-3, -1, 2]))
        self.here.move(sku, 20)

    def _kill(self) -> None:
        """Requests under way come to their end in the shop; nobody hears of it."""
        for worker in self.publisher.workers:
            while worker.serving is not None:
                self.publisher.step(worker)
        committed = self.publisher.watermark.to_commit() or self.publisher.position
        self.result.skipped += self.publisher.skipped
        self.result.reads += self.publisher.reads
        self.publisher = self._start(min(committed, self.publisher.position))

    # The end.

    def _fall_silent(self) -> None:
        for number in range(ROUNDS_MAX):
            self._round()
            if self._is_settled():
                return
            if self.kills and number == ROUNDS_MAX // 2:
                self._reconcile()
        for sku in SKUS:
            shows, wanted = self.there.stock(sku), self.here.shown(sku)
            if shows != wanted:
                self.result.not_converged.append(f"{sku} shows {shows}, not {wanted}")
        if self.publisher.left_open:
            self.result.not_converged.append(f"left open: {len(self.publisher.left_open)}")

    def _reconcile(self) -> None:
        """After a kill nobody may remember what to look at: reconciliation has all sent again."""
        self.result.reconciled += 1
        for sku in SKUS:
            newest = next(v for v in reversed(self.here.versions) if v.wanted.sku == sku)
            self.publisher.finish(self.publisher.backlog.again(newest.wanted, 0))

    def _round(self) -> None:
        self.there.elapsed_s += 5
        self._sweep()
        while self.here.told:
            self.here.orders()
        while self.here.commands:
            self.here.ledger()
        while self.here.positions:
            self._availability()
        self.publisher.read(10**6)
        self.publisher.keep()
        for _ in range(60):
            for worker in self.publisher.workers:
                self.publisher.step(worker)

    def _is_settled(self) -> bool:
        right = all(self.there.stock(sku) == self.here.shown(sku) for sku in SKUS)
        mark = self.publisher.watermark.to_commit()
        done = mark is None or mark == self.publisher.position
        return right and done and self.publisher.is_idle()


def lacking(sold: Lines, claimed: Lines) -> int:
    """Units that were sold and are not claimed."""
    return sum(max(units - claimed.get(line, 0), 0) for line, units in sold.items())


def run(seeds: Any, make: Make = SoldThere, policy: ReadPolicy | None = None) -> Result:
    """Many histories."""
    total = Result()
    for seed in seeds:
        one = World(seed, make, policy).run()
        one.not_converged = [f"seed {seed}: {text}" for text in one.not_converged]
        total.add(one)
    return total
