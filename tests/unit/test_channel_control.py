"""What a person or a guard says of a channel, and what its listings then show."""

from __future__ import annotations

import msgspec
import pytest
from tests.support.woo_adapter import KINDS, knowing, product, reply, write_of

from stockfold.channels import StockUpdate
from stockfold.channels.port import Restored
from stockfold.channels.woocommerce.terms import StockTerms, show
from stockfold.contracts.codec import encode
from stockfold.contracts.topics import CHANNEL_CONTROL
from stockfold.runtime.channel_control import Baseline, Control, ControlBook, halt_of, said
from stockfold.runtime.records import LoopRecord
from stockfold_services.publisher.gate import course_of, ordered
from stockfold_services.publisher.mode import Mode
from stockfold_services.publisher.wanted import Wanted

LIVE = Mode("live")
RUNNING = Control("woo")
WANTED = Wanted("A", 12, 3, 0, 7)


def tell(book: ControlBook, control: Control) -> None:
    value = encode("stockfold.ChannelControl", msgspec.structs.asdict(control))
    book.apply(LoopRecord(CHANNEL_CONTROL.name, 0, 0, 0, control.key.encode(), value))


def baseline(**changes: object) -> Baseline:
    before = Baseline("woo", "A", "4711", 5, True, "no", "instock", 1, "")
    return msgspec.structs.replace(before, **changes)


def test_a_halt_stands_until_a_person_says_something() -> None:
    book = ControlBook()
    halt = halt_of(book.of("woo"), "zeros", "60 of 200", "publisher")
    tell(book, halt)
    assert book.of("woo") == halt
    resumed = said(halt, "running", "looked", "anna")
    tell(book, resumed)
    assert book.of("woo") == resumed


def test_a_halt_that_crosses_a_persons_word_is_void() -> None:
    book = ControlBook()
    zeroed = said(book.of("woo"), "zeroed", "recall", "anna")
    tell(book, zeroed)
    tell(book, halt_of(RUNNING, "changes", "said before it knew", "publisher"))
    assert book.of("woo") == zeroed


def test_what_cannot_be_read_leaves_what_was_said() -> None:
    book = ControlBook()
    paused = said(RUNNING, "paused", "", "anna")
    tell(book, paused)
    book.apply(LoopRecord(CHANNEL_CONTROL.name, 0, 1, 0, b"woo", b"nonsense"))
    assert book.of("woo") == paused


def test_zeroed_shows_nothing_of_every_listing() -> None:
    told = ordered(WANTED, said(RUNNING, "zeroed", "", "anna"), {})
    assert told is not None
    assert (told.quantity, told.version, told.promise.status) == (0, 3, "out_of_stock")


def test_restored_shows_what_was_and_leaves_alone_what_was_never_written() -> None:
    control = said(RUNNING, "restored", "", "anna")
    told = ordered(WANTED, control, {"A": baseline(quantity=-3)})
    assert told is not None
    assert told.restored == Restored(-3, True, "no", "instock")
    assert ordered(WANTED, control, {}) is None
    assert ordered(WANTED, control, {"A": baseline(quantity=None)}) is None, "in half units"


def test_what_is_ordered_of_every_listing_names_no_location() -> None:
    apart = msgspec.structs.replace(WANTED, locations=(("berlin", WANTED.quantity),))
    for state in ("zeroed", "restored"):
        told = ordered(apart, said(RUNNING, state, "", "anna"), {"A": baseline(quantity=4)})
        assert told is not None
        assert told.locations == ()


def test_a_pause_and_a_halt_change_nothing_of_what_is_wanted() -> None:
    for control in (said(RUNNING, "paused", "", "a"), halt_of(RUNNING, "zeros", "", "p")):
        assert ordered(WANTED, control, {}) is WANTED
        assert course_of(LIVE, control) == LIVE


def test_every_order_and_the_running_after_it_read_availability_anew() -> None:
    """Also after a kill between a zero that was written and the commit of its mark."""
    zeroed = said(RUNNING, "zeroed", "", "anna")
    running = said(zeroed, "running", "", "anna")
    restored = said(running, "restored", "", "anna")
    courses = [course_of(LIVE, each) for each in (RUNNING, zeroed, running, restored)]
    assert [one.may_go_on_from(other.mark) for one in courses for other in courses] == [
        True, False, False, False,
        False, True, False, False,
        False, False, True, False,
        False, False, False, True,
    ]  # fmt: skip
    paused = said(running, "paused", "", "anna")
    assert course_of(LIVE, paused).may_go_on_from(courses[2].mark)
    canary = course_of(Mode("canary", frozenset({"A"})), running)
    assert canary.may_go_on_from(courses[2].mark)
    assert not canary.may_go_on_from(courses[0].mark)
    assert course_of(Mode("shadow"), zeroed).may_go_on_from("live"), "it writes nothing anyway"


def test_running_after_a_restore_begins_with_new_baselines_and_after_others_does_not() -> None:
    restored = said(RUNNING, "restored", "", "anna")
    resumed = said(restored, "running", "", "anna")
    assert resumed.baselines == resumed.control
    later = said(said(resumed, "zeroed", "", "anna"), "running", "", "anna")
    assert later.baselines == resumed.control


@pytest.mark.parametrize(
    ("before", "terms", "item"),
    [
        (Restored(5), StockTerms(), {"manage_stock": True, "stock_quantity": 5}),
        (Restored(-3), StockTerms(), {"manage_stock": True, "stock_quantity": -3}),
        (
            Restored(0, False, "no", "instock"),
            StockTerms(),
            {"manage_stock": False, "stock_status": "instock"},
        ),
        (
            Restored(5, True, "yes"),
            StockTerms(backorders="notify"),
            {"manage_stock": True, "stock_quantity": 5, "backorders": "yes"},
        ),
    ],
)
def test_a_listing_is_given_back_as_it_was(
    before: Restored, terms: StockTerms, item: dict[str, object]
) -> None:
    woo = knowing(product(11, "A"))
    woo._terms = terms
    request = write_of(woo, StockUpdate("A", 99, 1, restored=before))
    assert request.json == {"update": [{"id": 11, **item}]}
    shown = {"manage_stock": True, "backorders": "no", **request.json["update"][0]}
    assert [o.kind for o in woo.receive(request, reply({"update": [shown]})).outcomes] == [
        KINDS.APPLIED
    ]


def test_a_shop_that_keeps_managing_a_product_has_not_given_it_back() -> None:
    woo = knowing(product(11, "A"))
    request = write_of(woo, StockUpdate("A", 0, 1, restored=Restored(0, False, "", "instock")))
    for shown in ({"manage_stock": True}, {"manage_stock": False, "stock_status": "outofstock"}):
        (outcome,) = woo.receive(request, reply({"update": [{"id": 11, **shown}]})).outcomes
        assert (outcome.kind, outcome.code) == (KINDS.REJECTED, "not_applied")


def test_metadata_of_ours_is_emptied_when_a_listing_is_given_back() -> None:
    terms = StockTerms(status_key="ours", restock_key="day")
    shown = show(StockUpdate("A", 1, 1, restored=Restored(4)), terms)
    assert (shown.quantity, shown.extras) == (4, (("ours", ""), ("day", "")))
