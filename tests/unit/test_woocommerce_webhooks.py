"""The webhooks a shop must have, and orders put on hold: what is asked of the shop."""

from __future__ import annotations

import pytest
from tests.support.woo_adapter import reply
from tests.support.woo_shop import Shop
from tests.support.woo_talk import ask, converse

from stockfold.channels import Failure
from stockfold.channels.woocommerce.asking import NotServedError, NotThereError
from stockfold.channels.woocommerce.holds import META_KEY, hold, token_of
from stockfold.channels.woocommerce.order_meta import CORRELATION_KEY
from stockfold.channels.woocommerce.webhooks import (
    TOPICS,
    Change,
    Webhook,
    apply,
    is_ping,
    list_webhooks,
    plan,
)

FOLLOWED = {CORRELATION_KEY: "woo-de|1"}
OURS = "https://stock.example/v1/webhooks/woo-de"


def settle(shop: Shop) -> list[Change]:
    changes = plan(converse(shop, list_webhooks()), OURS)
    for change in changes:
        converse(shop, apply(change, OURS, "hush"))
    return changes


def test_missing_webhooks_are_made_and_then_nothing_is_missing() -> None:
    shop = Shop()
    assert [change.topic for change in settle(shop)] == list(TOPICS)
    assert {(hook.delivery_url, hook.secret) for hook in shop.webhooks.hooks.values()} == {
        (OURS, "hush")
    }
    assert settle(shop) == []


def test_a_disabled_one_is_activated_with_our_secret_and_not_made_twice() -> None:
    shop = Shop()
    settle(shop)
    hook = shop.webhooks.hooks[2]
    hook.status, hook.secret = "disabled", "other"
    assert settle(shop) == [Change("activate", TOPICS[1], 2)]
    assert (hook.status, hook.secret, len(shop.webhooks.hooks)) == ("active", "hush", 4)


def test_a_new_secret_is_written_to_every_active_one_when_that_is_asked_for() -> None:
    shop = Shop()
    settle(shop)
    changes = plan(converse(shop, list_webhooks()), OURS, renew=True)
    for change in changes:
        converse(shop, apply(change, OURS, "new"))
    assert {change.action for change in changes} == {"renew"}
    assert [hook.secret for hook in shop.webhooks.hooks.values()] == ["new"] * len(TOPICS)


@pytest.mark.parametrize("status", ["disabled", "paused"])
def test_of_several_one_that_is_active_is_enough(status: str) -> None:
    found = [Webhook(n, topic, "active", OURS) for n, topic in enumerate(TOPICS, 10)]
    assert plan([Webhook(1, TOPICS[0], status, OURS), *found], OURS) == []
    (change,) = plan([Webhook(1, TOPICS[0], status, OURS), *found[1:]], OURS)
    assert change == Change("activate", TOPICS[0], 1)


def test_somebody_elses_webhooks_are_left_alone() -> None:
    other = [Webhook(1, topic, "disabled", "https://other.example/") for topic in TOPICS]
    assert {change.action for change in plan(other, OURS)} == {"create"}


def test_a_hundred_webhooks_are_read_on_two_pages() -> None:
    shop = Shop()
    for number in range(101):
        shop.webhooks.add({"topic": "order.created", "delivery_url": f"https://{number}.example/"})
    assert len(converse(shop, list_webhooks())) == 101


@pytest.mark.parametrize("rows", [{}, [{"id": "x"}], [3], b"<html>"])
def test_what_is_no_list_of_webhooks_is_told(rows: object) -> None:
    asked = list_webhooks()
    next(asked)
    with pytest.raises(NotServedError):
        asked.send(reply(rows))


def test_a_shop_that_leaves_a_webhook_disabled_is_told() -> None:
    asked = apply(Change("activate", TOPICS[0], 1), OURS, "hush")
    next(asked)
    row = {"id": 1, "topic": TOPICS[0], "status": "disabled", "delivery_url": OURS}
    with pytest.raises(NotServedError):
        asked.send(reply(row))


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("body", "kind", "ping"),
    [
        (b"webhook_id=7", FORM, True),
        (b"webhook_id=7", f"{FORM.upper()}; charset=UTF-8", True),
        (b"webhook_id=7", "application/json", False),
        (b"webhook_id=7&id=8", FORM, False),
        (b"webhook_id=", FORM, False),
        (b"webhook_id=" + b"7" * 20, FORM, False),
        (b"webhook_id=7\n", FORM, False),
        (b"", FORM, False),
    ],
)
def test_only_the_shops_own_ping_is_one(body: bytes, kind: str, ping: bool) -> None:
    assert is_ping(body, kind) is ping


# Holds.


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.add_products(["A"], 10)
    shop.sell("A")
    return shop


def test_an_order_is_held_with_a_private_note_and_keeps_its_stock(shop: Shop) -> None:
    held = converse(shop, hold("1", "case-1", "2 of A are missing.", "woo-de|1"))
    assert (held.status, held.note_added, held.put_on_hold) == ("on-hold", True, True)
    order = shop.orders.orders[1]
    assert order.meta == {META_KEY: token_of("case-1"), **FOLLOWED}
    (note,) = order.notes
    assert note["note"] == f"2 of A are missing. [stockfold {token_of('case-1')}]"
    assert note["customer_note"] is False
    assert shop.stock() == {"A": 9}


def test_the_same_case_again_changes_nothing(shop: Shop) -> None:
    converse(shop, hold("1", "case-1", "note", "woo-de|1"))
    shop.orders.set_status(1, "processing", shop.now_us())
    held = converse(shop, hold("1", "case-1", "note", "woo-de|1"))
    assert (held.status, held.was_done) == ("processing", True)
    assert len(shop.orders.orders[1].notes) == 1


def test_another_case_of_the_same_order_is_told_too(shop: Shop) -> None:
    converse(shop, hold("1", "case-1", "note", "woo-de|1"))
    held = converse(shop, hold("1", "case-2", "note", "woo-de|1"))
    assert (held.status, held.note_added, held.put_on_hold) == ("on-hold", True, False)
    assert shop.orders.orders[1].meta == {
        META_KEY: f"{token_of('case-1')} {token_of('case-2')}",
        **FOLLOWED,
    }


@pytest.mark.parametrize("status", ["completed", "cancelled", "refunded", "failed"])
def test_an_order_that_is_finished_gets_a_note_alone(shop: Shop, status: str) -> None:
    shop.orders.set_status(1, status, shop.now_us())
    held = converse(shop, hold("1", "case-1", "note", "woo-de|1"))
    assert (held.status, held.note_added, held.put_on_hold) == (status, True, False)


@pytest.mark.parametrize("requests", range(1, 5))
def test_a_hold_cut_off_anywhere_is_finished_by_the_next_try(shop: Shop, requests: int) -> None:
    case = 'woo-de/1/1/SKU 4 "ü" \\ 5/1'
    cut_off = hold("1", case, "note", "woo-de|1")
    request = next(cut_off)
    for number in range(requests):
        answer = ask(shop, request)
        if number == requests - 1:
            with pytest.raises(NotServedError):
                cut_off.send(Failure("timeout", "no answer in time"))
            break
        request = cut_off.send(answer)
    converse(shop, hold("1", case, "note", "woo-de|1"))
    assert converse(shop, hold("1", case, "note", "woo-de|1")).was_done
    order = shop.orders.orders[1]
    assert (order.status, len(order.notes), order.meta) == (
        "on-hold",
        1,
        {META_KEY: token_of(case), **FOLLOWED},
    )


def test_an_order_that_is_not_there_cannot_be_held_and_is_not_asked_for_again(shop: Shop) -> None:
    shop.orders.delete(1)
    with pytest.raises(NotThereError):
        converse(shop, hold("1", "case-1", "note", "woo-de|1"))
