"""For how long work has been left undone upstream."""

from __future__ import annotations

from stockfold_services.publisher.upstream import Place, Upstream

RECEIPTS: Place = ("ledger", "stockfold.receipts.v1", 0)
POSITIONS: Place = ("availability", "stockfold.positions.v1", 0)


class Clock:
    def __init__(self) -> None:
        self.s = 100.0

    def monotonic_s(self) -> float:
        return self.s

    def now_us(self) -> int:
        raise AssertionError("a clock that may be set is not asked")

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing is waited for")


def upstream(*markers: Place) -> tuple[Upstream, Clock]:
    """What waits are records, but for the places that end in a transaction's marker."""
    clock = Clock()
    return Upstream(clock, lambda place, _: place not in markers), clock


def test_a_quiet_night_leaves_nothing_undone() -> None:
    seen, clock = upstream()
    for _ in range(5):
        seen.looked({RECEIPTS: 7}, {RECEIPTS: 7})
        clock.s += 600
    assert seen.stale_s() == 0


def test_what_waits_and_does_not_move_grows_old_from_when_it_was_first_seen() -> None:
    seen, clock = upstream()
    seen.looked({RECEIPTS: 7}, {RECEIPTS: 9})
    assert seen.stale_s() == 0, "it may be on its way"
    clock.s += 20
    seen.looked({RECEIPTS: 7}, {RECEIPTS: 9})
    clock.s += 5
    assert seen.stale_s() == 25
    seen.looked({RECEIPTS: 8}, {RECEIPTS: 12})
    assert seen.stale_s() == 0, "it moves"


def test_the_oldest_of_all_counts() -> None:
    seen, clock = upstream()
    seen.looked({RECEIPTS: 7, POSITIONS: 3}, {RECEIPTS: 7, POSITIONS: 4})
    clock.s += 30
    seen.looked({RECEIPTS: 7, POSITIONS: 3}, {RECEIPTS: 9, POSITIONS: 4})
    clock.s += 30
    seen.looked({RECEIPTS: 7, POSITIONS: 3}, {RECEIPTS: 9, POSITIONS: 4})
    assert seen.stale_s() == 60


def test_a_marker_at_the_end_is_nobodys_work() -> None:
    seen, clock = upstream(POSITIONS)
    for _ in range(3):
        seen.looked({POSITIONS: 3}, {POSITIONS: 4})
        clock.s += 600
    assert seen.stale_s() == 0


def test_a_service_that_never_committed_has_left_everything_undone() -> None:
    seen, clock = upstream()
    seen.looked({RECEIPTS: -1001}, {RECEIPTS: 2})
    clock.s += 20
    seen.looked({RECEIPTS: -1001}, {RECEIPTS: 2})
    assert seen.stale_s() == 20
