"""What a record of availability asks a channel to show, by whichever way it is read."""

from __future__ import annotations

from aiokafka import ConsumerRecord
from tests.support.publishing import availability

from stockfold.channels import StockUpdate
from stockfold.contracts.codec import encode
from stockfold.runtime.wanted_listings import update_of
from stockfold_services.publisher import reading
from stockfold_services.publisher.resends import _as_is, _Newest
from stockfold_services.publisher.wanted import Wanted

APART = {"berlin": 3, "lyon": 2}
PLACES = (("berlin", 3), ("lyon", 2))


def record(told: dict[str, object]) -> ConsumerRecord:
    value = encode("stockfold.Availability", told)
    return ConsumerRecord("t", 1, 7, 0, 0, b"tiny|A", value, None, 6, len(value), ())


def test_units_by_location_are_read_fast_and_carefully_alike() -> None:
    told = record(availability("tiny", "A", 5, 4, locations=APART))
    fast = reading.wanted_of(told)
    assert fast is not None
    assert fast == reading._read_carefully(told)
    assert (fast.sku, fast.quantity, fast.version, fast.locations) == ("A", 5, 4, PLACES)
    assert (fast.partition, fast.offset) == (1, 7)


def test_without_a_breakdown_there_is_none() -> None:
    wanted = reading.wanted_of(record(availability("tiny", "A", 5, 4)))
    assert wanted is not None
    assert wanted.locations == ()


def test_commands_see_the_same_units_by_location_as_the_publisher() -> None:
    update = update_of(availability("tiny", "A", 5, 4, locations=APART))
    assert isinstance(update, StockUpdate)
    assert (update.quantity, update.version, update.locations) == (5, 4, PLACES)


def test_a_listing_that_is_asked_for_once_more_is_sent_by_location_as_availability_has_it() -> None:
    asked = Wanted("A", 5, 4, 1, -1)
    found = _as_is(asked, {"A": _Newest(4, PLACES)})
    assert found is not None
    assert found.locations == PLACES
    assert _as_is(asked, {"A": _Newest(5, PLACES)}) is None, "a newer one is there"
    assert _as_is(asked, {}) is asked, "it was read since the start"
