"""Which locations carry which tags."""

from __future__ import annotations

from typing import Any

import pytest

from stockfold.availability.surroundings import Places
from stockfold.contracts.reference import encode_record
from stockfold.domain.reference import Alias, Location, key_of
from stockfold.runtime.records import LoopRecord
from stockfold_services.availability.places import PlaceBook


def told(record: Any) -> LoopRecord:
    key = key_of(record).encode()
    return LoopRecord("stockfold.reference.v1", 0, 0, 0, key, encode_record(record))


def location(name: str, *tags: str, active: bool = True) -> LoopRecord:
    return told(Location(name, 1, tags=tags, active=active))


@pytest.fixture
def book() -> PlaceBook:
    found = PlaceBook()
    assert found.apply([location("ROME", "store"), location("OSLO", "store", "north")])
    return found


def test_locations_are_found_by_tag(book: PlaceBook) -> None:
    assert book.places == Places(
        {"store": frozenset({"ROME", "OSLO"}), "north": frozenset({"OSLO"})}
    )
    assert book.places.eligible(None, ("north", "store")) == ("OSLO", "ROME")
    assert book.places.eligible(("BERLIN",), ("north",)) == ("BERLIN", "OSLO")
    assert book.places.eligible(None, ()) is None


def test_what_changes_no_tag_changes_nothing(book: PlaceBook) -> None:
    before = book.places
    assert not book.apply([location("ROME", "store"), told(Alias("erp", "sku", "X", "a", 1))])
    assert book.places is before


def test_a_location_given_up_or_withdrawn_has_no_tags(book: PlaceBook) -> None:
    assert book.apply([location("ROME", "store", active=False)])
    assert book.places.tagged["store"] == {"OSLO"}
    assert book.apply([LoopRecord("stockfold.reference.v1", 0, 1, 0, b"location|OSLO", None)])
    assert book.places.tagged == {}


def test_a_record_that_cannot_be_read_leaves_the_one_before(
    book: PlaceBook, caplog: pytest.LogCaptureFixture
) -> None:
    broken = LoopRecord("stockfold.reference.v1", 0, 7, 0, b"location|ROME", b"nonsense")
    assert not book.apply([broken])
    assert "The record before stays in force" in caplog.text
