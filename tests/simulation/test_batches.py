"""How much the loop decides at once: all there is, and never beside a commit what could wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

from stockfold.runtime.exactly_once import APART_S, ExactlyOnceLoop
from stockfold.runtime.inbox import Inbox
from stockfold.runtime.records import LoopRecord
from stockfold_services.ledger.processor import LedgerProcessor

from .history import History, NoReference, Parts, settings_of
from .kafka_clients import SimulatedClients
from .oracle import judge
from .wire import Wire


class _WatchedInbox(Inbox):
    held = False

    def ready(self, events_max: int) -> list[tuple[int, Sequence[LoopRecord]]]:
        self.held = self.holds(events_max)
        return super().ready(events_max)


def test_events_that_come_beside_a_commit_share_the_next_transaction_unless_they_fill_it() -> None:
    seen: Counter[tuple[bool, bool]] = Counter()
    apart_s: list[float] = []

    class Watched(ExactlyOnceLoop):
        def __init__(self, *arguments: Any, merge_wait_ms: int = 0, **named: Any) -> None:
            super().__init__(*arguments, merge_wait_ms=merge_wait_ms, **named)
            self._inbox: _WatchedInbox = _WatchedInbox(
                self._inbox._ranks, merge_wait_ms, self._clock
            )

        def _transact(self, producer: Any, batches: Any, at_us: int) -> None:
            if batches:
                seen[self._commit is not None, self._inbox.held] += 1
                if not (self._inbox.held or self._processor.tick_due(at_us)):
                    apart_s.append(self._clock.monotonic_s() - self._begun_s)
            super()._transact(producer, batches, at_us)

    for seed in range(40):
        judge(History(seed, Parts(loop=Watched)).run())
    assert seen[True, True] > 0, "a full batch is decided beside the commit before it"
    assert seen[False, False] > 0, "what there is goes when nothing is under way"
    assert seen[True, False] == 0, "a batch that could still grow was decided beside a commit"
    assert min(apart_s) >= APART_S, "a batch that could still grow came right behind the last"


def test_a_batch_may_take_as_long_as_the_commit_beside_which_it_is_decided() -> None:
    settings = settings_of(1, 500, 0)
    loop = ExactlyOnceLoop(
        settings,
        LedgerProcessor(settings, NoReference()),
        instance="ledger-1",
        batch_events_max=10_000,
        batch_ms_max=5,
        clients=SimulatedClients(cast("Wire", None)),
    )
    loop._event_s = 0.000_1
    assert loop._batch_size() == 50
    loop._commit_s = 0.025
    assert loop._batch_size() == 250
    loop._commit_s = 60.0
    assert loop._batch_size() == 10_000
