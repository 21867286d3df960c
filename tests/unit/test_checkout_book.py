"""What a reservation is called, what is known of it, and who waits for it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stockfold.runtime.problems import Problem
from stockfold.runtime.settings import Settings
from stockfold_services.checkout.book import Asked, Book, Told
from stockfold_services.checkout.names import (
    LineName,
    event_id,
    fingerprint_in,
    line_in,
    line_of,
    reservation_of,
)
from stockfold_services.checkout.terms import ReservationAsked, read, terms_of

NAME = reservation_of("", "woo-de", "cart-1")


def told(place: int = 1, total: int = 1, **changes: Any) -> Told:
    """A line of two units that is held."""
    given = {"event_id": "e", "command": "ReserveStock", "status": "confirmed", "reserved": 2}
    more = {"seq": 1, "sku": "S", "channel": "woo-de", "expires_us": 10}
    return Told(LineName(NAME, place, total, 2), **{**given, **more, **changes})


def state(*answers: Told) -> str:
    book = Book(10)
    for answer in answers:
        book.take(answer)
    known = book.get(NAME)
    assert known is not None
    return known.state


def test_names_say_which_line_of_which_request_and_only_ours_are_read() -> None:
    line = LineName(NAME, 2, 3, 10_000)
    assert line_of(str(line)) == line
    event = event_id(line, "ReserveStock", "f00d", "abc")
    assert (line_in(event), fingerprint_in(event)) == (line, "f00d")
    assert line_of("R-1") is line_of("co-1.1of1x1") is line_of(NAME) is None
    assert reservation_of("", "woo-de", "cart-1") == NAME
    assert reservation_of("key", "woo-de", "cart-1") != NAME
    assert reservation_of("", "woo-fr", "cart-1") != NAME


LAPSED = {"command": "", "status": "expired", "reserved": 0, "seq": 2}
FREED = {"command": "ReleaseReservation", "status": "released", "reserved": 0, "seq": 3}
SETTLED = {"command": "ExtendReservation", "status": "extended", "seq": 2}
SHIPPED = {
    "command": "",
    "status": "shipped",
    "reserved": 0,
    "shipped": 2,
    "seq": 2,
    "expires_us": 0,
}
REFUSED = {"status": "rejected", "reserved": 0, "reason": "insufficient_stock"}


@pytest.mark.parametrize(
    ("expected", "answers"),
    [
        ("held", [told()]),
        ("refused", [told(**REFUSED)]),
        ("refused", [told(status="refused", reason="line_reserved_by_another")]),
        ("expired", [told(), told(**LAPSED)]),
        ("released", [told(), told(**FREED)]),
        ("committed", [told(), told(**SETTLED, expires_us=0)]),
        ("committed", [told(), told(**SHIPPED)]),
        ("held", [told(), told(command="ExtendReservation", status="refused", seq=2)]),
        ("pending", [told(1, 2)]),
        ("pending", [told(1, 2), told(2, 2)]),
        ("refused", [told(1, 2), told(2, 2, **REFUSED), told(1, 2, **FREED)]),
        ("expired", [told(1, 2), told(1, 2, **LAPSED)]),
        ("held", [told(1, 2), told(2, 2), told(1, 2, **SETTLED), told(2, 2, **SETTLED)]),
        ("partial", [told(1, 2), told(2, 2), told(1, 2, **LAPSED)]),
        ("held", [told(seq=4), told(**LAPSED)]),
    ],
)
def test_the_whole_is_told_from_the_newest_answer_about_each_line(
    expected: str, answers: list[Told]
) -> None:
    assert state(*answers) == expected


async def test_what_was_asked_is_pending_and_what_is_long_unheard_of_is_forgotten() -> None:
    book = Book(1)
    book.note(Asked(LineName(NAME, 1, 1, 2), "woo-de", "f00d"))
    known = book.get(NAME)
    assert known is not None
    assert (known.state, known.channel, known.fingerprint) == ("pending", "woo-de", "f00d")
    other = reservation_of("", "woo-de", "cart-2")
    book.note(Asked(LineName(other, 1, 1, 2), "woo-de", "f00d"))
    assert (book.get(NAME), len(book)) == (None, 1)


async def test_whoever_leaves_lets_go_of_what_was_waited_for() -> None:
    book = Book(10)
    waiting = [asyncio.create_task(book.change(NAME, 60)) for _ in range(5)]
    answer = book.expect("e")
    await asyncio.sleep(0)
    assert book.waiting == 6
    for task in waiting[1:]:
        task.cancel()
    await asyncio.gather(*waiting[1:], return_exceptions=True)
    assert book.waiting == 2
    book.take(told(seq=3))
    assert (await answer).seq == 3
    assert await waiting[0]
    book.forget("e")
    assert book.waiting == 0
    assert not await book.change(NAME, 0.01)


def test_lines_are_put_in_the_order_of_skus_and_take_the_channels_locations() -> None:
    settings = Settings(
        channels=[
            {
                "name": "woo-de",
                "kind": "woocommerce",
                "url": "https://shop.example",
                "consumer_key": "env:A",
                "consumer_secret": "env:B",
                "locations": ["DC", "STORE"],
            }
        ]
    )
    body = (
        b'{"channel": "woo-de", "lines": [{"sku": "B", "quantity": 1}, '
        b'{"sku": "A", "quantity": 2, "locations": ["DC", "DC"]}]}'
    )
    terms = terms_of(read(body, ReservationAsked), "", "cart-1", settings)
    assert [(line.sku, line.line, line.locations) for line in terms.lines] == [
        ("A", "2", ("DC",)),
        ("B", "1", ("DC", "STORE")),
    ]
    assert terms.lines[0].order == terms.reservation == NAME
    with pytest.raises(Problem, match="no locations"):
        terms_of(read(body.replace(b"woo-de", b"web"), ReservationAsked), "", "k", settings)
