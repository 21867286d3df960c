"""One archiver writes to a place at a time, however many begin, die and come back."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stockfold.domain.errors import SettingsError, UnavailableError
from stockfold.runtime.clock import ManualClock
from stockfold_services.cli.archiving.claiming import FOLDER, LASTS_S, Claim
from stockfold_services.cli.place import Place

NOW_US = 1_790_000_000_000_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_US)


@pytest.fixture(params=["folder", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place of each kind."""
    kind: str = request.param
    return Place(str(tmp_path / "p") if kind == "folder" else f"memory://{uuid.uuid4().hex}")


def test_a_second_archiver_is_refused_while_the_first_is_at_work(
    place: Place, clock: ManualClock
) -> None:
    first = Claim.take(place, clock)
    with pytest.raises(UnavailableError, match=r"at work: process \d+ of .* until 2026-"):
        Claim.take(place, clock)
    first.release()
    Claim.take(place, clock).keep()
    assert len(place.names(FOLDER)) == 1, "the files of those before are gone"


def test_one_that_says_that_it_is_at_work_stays_and_one_that_is_silent_is_replaced(
    place: Place, clock: ManualClock
) -> None:
    first = Claim.take(place, clock)
    for _ in range(4):
        clock.advance_us(LASTS_S * 1_000_000 * 3 // 4)
        first.keep()
    clock.advance_us((LASTS_S - 1) * 1_000_000)
    with pytest.raises(UnavailableError):
        Claim.take(place, clock)
    clock.advance_us(1_000_000)
    second = Claim.take(place, clock)
    with pytest.raises(SettingsError, match="was silent for too long"):
        first.keep()
    second.keep()


def test_one_that_rests_between_its_passes_is_given_the_time(
    place: Place, clock: ManualClock
) -> None:
    Claim.take(place, clock, rests_s=3_600)
    clock.advance_us(3_600 * 1_000_000)
    with pytest.raises(UnavailableError):
        Claim.take(place, clock)


def test_one_that_died_while_it_began_is_in_nobodys_way(place: Place, clock: ManualClock) -> None:
    assert place.write_new(f"{FOLDER}/00000001.json", b"")
    Claim.take(place, clock).keep()


@pytest.mark.parametrize("before", ["nobody", "one that died"])
def test_of_many_that_begin_in_the_same_moment_one_does(
    tmp_path: Path, clock: ManualClock, before: str
) -> None:
    if before != "nobody":
        Claim.take(Place(str(tmp_path)), clock)
        clock.advance_us(LASTS_S * 1_000_000)

    def begin(_number: int) -> Claim | None:
        try:
            return Claim.take(Place(str(tmp_path)), clock)
        except UnavailableError:
            return None

    for _ in range(20):
        with ThreadPoolExecutor(8) as pool:
            begun = [claim for claim in pool.map(begin, range(8)) if claim is not None]
        assert len(begun) == 1
        begun[0].release()
