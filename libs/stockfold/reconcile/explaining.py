"""Why one figure differs: the movements around its time that would make both sides equal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stockfold.availability.words import units
from stockfold.reconcile.book import Cut, Moved, PlaceBook
from stockfold.reconcile.findings import Kind

Reason = tuple[Kind, str, tuple[Moved, ...]]
SHOWN_MAX = 5


def explained(book: PlaceBook, cut: Cut, difference: int) -> Reason | None:
    """The reason in the place's own movements; None when they explain nothing.

    ``difference`` is what the other side has more.
    """
    if book.then == book.later + difference:
        late = [m for m in book.nearby if m.us <= cut.at_us < m.entry.fact.recorded_us]
        return Kind.LATE, _late(-difference), _newest(late)
    for counted in book.counted_since:
        if counted.units == difference:
            return Kind.IN_COUNT_WINDOW, "a count afterwards made the same correction", (counted,)
    run = _run(book, cut, difference)
    if run:
        booked = "before" if run[0].us > cut.at_us else "after"
        if any(moved.counted for moved in run):
            return Kind.IN_COUNT_WINDOW, f"they have a count of it {booked} the time", _newest(run)
        what = "a movement" if len(run) == 1 else f"{len(run)} movements"
        return Kind.TIMING, f"they have {what} of that moment {booked} the time", _newest(run)
    near = [m for m in book.nearby if m.counted and abs(m.us - cut.at_us) <= cut.window_us]
    if near:
        return Kind.IN_COUNT_WINDOW, "it was counted around the time", _newest(near)
    return None


def _late(fewer: int) -> str:
    change = f"{'+' if fewer > 0 else '-'}{units(abs(fewer))}"
    return f"they have what was known then; {change} was told afterwards"


def _run(book: PlaceBook, cut: Cut, difference: int) -> list[Moved]:
    """The fewest movements next to the time that the other side has booked on its other side.

    Those just after it are booked there before it, or those just before it are not yet; or it is
    a single one of them.
    """
    if book.overflow:
        return []
    near = sorted(
        (m for m in book.nearby if m.units and abs(m.us - cut.at_us) <= cut.window_us),
        key=lambda moved: moved.us,
    )
    after = [moved for moved in near if moved.us > cut.at_us]
    before = [moved for moved in reversed(near) if moved.us <= cut.at_us]
    found = [
        *_sums(after, difference),
        *_sums(before, -difference),
        *([moved] for moved in after if moved.units == difference),
        *([moved] for moved in before if moved.units == -difference),
    ]
    return min(found, key=len, default=[])


def _sums(moves: Sequence[Moved], wanted: int) -> Iterator[list[Moved]]:
    total = 0
    for count, moved in enumerate(moves, 1):
        total += moved.units
        if total == wanted:
            yield sorted(moves[:count], key=lambda one: one.us)
            return


def _newest(moves: Sequence[Moved]) -> tuple[Moved, ...]:
    return tuple(moves[-SHOWN_MAX:])
