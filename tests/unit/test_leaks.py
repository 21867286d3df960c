"""What was begun and never ended, and the event that would end it."""

from __future__ import annotations

from tests.support.explained import SKU, entries, story
from tests.support.story import Story, days

from stockfold.explain.compensation import Choices
from stockfold.explain.leaks import KINDS, Leak, leaks
from stockfold.explain.open_book import Book, Books
from stockfold.ledger.decide import tidy


def found(told: Story, at: int, *, older_than_days: int = 14, **how) -> list[Leak]:
    book = Book(SKU)
    for entry in entries(told):
        book.fold(entry)
    choices = how.pop("choices", Choices())
    return list(leaks(book, at - days(older_than_days) + days(0), at, KINDS, choices, **how))


def reserve(told: Story, quantity: int = 2, **more) -> Story:
    return told.tell(
        "ReserveStock",
        reservation="R",
        order="O",
        line="1",
        channel="web",
        quantity=quantity,
        locations=["A"],
        **more,
    )


def test_a_promise_that_nobody_ends_is_a_leak_once_the_limit_has_passed() -> None:
    told = reserve(story().receive("A", 5))
    assert found(told, days(13)) == []
    (leak,) = found(told, days(15))
    assert (leak.kind, leak.name, leak.location, leak.units) == ("reservation", "R", "A", 2)
    assert leak.sentence == (
        "2 units stay promised to order O, line 1, without an expiry, neither shipped nor released"
    )
    assert leak.proposal is not None
    assert (leak.proposal.type, leak.proposal.body) == (
        "ReleaseReservation",
        {"sku": SKU, "reservation": "R", "quantity": 2},
    )


def test_a_promise_that_ends_by_itself_or_is_for_later_is_none() -> None:
    expiring = reserve(story().receive("A", 5), expires_at=days(40))
    assert found(expiring, days(15)) == []
    later = reserve(story().receive("A", 5), needed_on=20_800)
    assert found(later, days(15)) == []


def test_an_allocation_is_a_leak_of_its_own() -> None:
    told = reserve(story().receive("A", 5))
    told.tell(
        "StockAllocated", allocation="AL", reservation="R", order="O", line="1", location="A",
        quantity=2,
    )  # fmt: skip
    (leak,) = found(told, days(15))
    assert (leak.kind, leak.name, leak.units) == ("allocation", "AL", 2)
    assert leak.proposal is not None
    assert leak.proposal.body == {"sku": SKU, "allocation": "AL", "quantity": 2, "to": "free"}


def test_what_is_served_is_no_leak() -> None:
    told = reserve(story().receive("A", 5))
    told.tell("StockShipped", shipment="S", reservation="R", location="A", quantity=2)
    assert found(told, days(15)) == []


def test_a_transfer_that_never_arrived_is_closed_as_chosen() -> None:
    told = story().receive("A", 5).dispatch("T", "A", "B", 3, eta=days(2)).arrive("T", "B", 1)
    assert found(told, days(15), older_than_days=14) == []
    (leak,) = found(told, days(17))
    assert (leak.kind, leak.location, leak.units) == ("transfer", "B", 2)
    assert leak.proposal is not None
    assert leak.proposal.body == {"sku": SKU, "transfer": "T", "remainder": "lost"}
    (other,) = found(told, days(17), choices=Choices(remainder="returned_to_source"))
    assert other.proposal is not None
    assert other.proposal.body["remainder"] == "returned_to_source"
    assert other.proposal.event_id == leak.proposal.event_id


def test_a_transfer_that_arrived_unsent_needs_its_dispatch_not_a_close() -> None:
    (leak,) = found(story().arrive("T", "B", 4), days(15))
    assert (leak.units, leak.proposal) == (4, None)
    assert "the sender's shelf still counts them" in leak.sentence


def test_a_return_waits_for_inspection_or_for_the_customer() -> None:
    told = story()
    told.tell("ReturnAuthorized", **{"return": "RMA-1"}, quantity=2)
    told.tell("ReturnReceived", **{"return": "RMA-2"}, location="A", quantity=3)
    told.tell("ReturnReceived", **{"return": "RMA-3"}, location="A", quantity=1)
    told.tell("ReturnDispositioned", **{"return": "RMA-3"}, location="A", quantity=1, to="on_hand")
    told.tell(
        "ReturnReceived", **{"return": "RMA-4"}, location="A", quantity=1, condition="on_hand"
    )
    awaited, held = found(told, days(15))
    assert (awaited.name, awaited.units, awaited.proposal) == ("RMA-1", 2, None)
    assert (held.name, held.location, held.units) == ("RMA-2", "A", 3)
    assert held.proposal is not None
    assert held.proposal.body == {
        "sku": SKU,
        "return": "RMA-2",
        "location": "A",
        "quantity": 3,
        "to": "damaged",
    }


def test_a_return_that_the_ledger_forgot_still_lies_in_quality_hold() -> None:
    told = story()
    told.tell("ReturnReceived", **{"return": "RMA-2"}, location="A", quantity=3)
    told.subject.fold(tidy(told.subject.state, days(10), days(5), 0))
    (leak,) = found(told, days(15))
    assert (leak.name, leak.units) == ("RMA-2", 3)


def test_an_inbound_line_is_a_leak_when_its_day_is_long_past() -> None:
    told = story().expect("PO", "1", 10, eta=days(3)).expect("PO", "2", 5, eta=days(60))
    told.expect("PO", "3", 4, eta=None)
    assert [leak.name for leak in found(told, days(15))] == ["PO/3"]
    dated, undated = found(told, days(20))
    assert (dated.name, dated.location, dated.units) == ("PO/1", "A", 10)
    assert "were due on 4 Nov 2026 at A with PO, line 1, and did not come" in dated.sentence
    assert "announced without a day" in undated.sentence
    assert dated.proposal is not None
    assert dated.proposal.body == {"sku": SKU, "inbound": "PO", "line": "1", "revision": 1}


def test_the_id_of_a_proposal_is_the_same_until_something_new_is_told() -> None:
    told = reserve(story().receive("A", 5), quantity=3)
    (first,), (again,) = found(told, days(15)), found(told, days(20))
    assert first.proposal == again.proposal
    told.at(days(16)).tell("ReleaseReservation", reservation="R", quantity=1)
    (later,) = found(told, days(40))
    assert first.proposal is not None
    assert later.proposal is not None
    assert later.proposal.event_id != first.proposal.event_id


def test_skus_with_nothing_open_take_no_memory() -> None:
    told = reserve(story().receive("A", 5))
    books = Books()
    for entry in entries(told):
        books.fold(entry)
    assert list(books.skus) == [SKU]
    told.tell("StockShipped", shipment="S", reservation="R", location="A", quantity=2)
    books.fold(entries(told)[-1])
    assert books.skus == {}
