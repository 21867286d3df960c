"""The WooCommerce adapter, rule by rule: updates in, requests out; response in, outcomes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.woo_adapter import (
    KINDS,
    adapter,
    echo,
    kinds,
    knowing,
    product,
    reply,
    updates,
    write_of,
)

from stockfold.channels import (
    Answer,
    Failure,
    OutcomeKind,
    Purpose,
    Response,
    Shown,
)
from stockfold.channels.woocommerce import WooCommerce

# Writing.


def test_stock_is_written_with_manage_stock_always() -> None:
    request = write_of(knowing(product(7, "A")), *updates("A", quantity=3))
    assert request.method == "POST"
    assert request.json == {"update": [{"id": 7, "manage_stock": True, "stock_quantity": 3}]}


def test_a_negative_quantity_is_clamped_at_the_very_end() -> None:
    woo = knowing(product(7, "A"))
    (update,) = updates("A", quantity=-4)
    assert write_of(woo, update).json["update"][0]["stock_quantity"] == 0
    assert woo.to_show(update) == Shown(0)


def test_variations_go_to_the_batch_of_their_parent() -> None:
    woo = knowing(
        product(1, "A"), product(11, "V1", 10), product(21, "W", 20), product(12, "V2", 10)
    )
    due = updates("V1", "A", "W", "V2")
    request = write_of(woo, *due)
    assert request.path == "/wp-json/wc/v3/products/10/variations/batch"
    assert [u.sku for u in request.updates] == ["V1", "V2"]
    assert write_of(woo, *due[1:3]).path == "/wp-json/wc/v3/products/batch"


def test_a_batch_has_at_most_a_hundred_items_the_most_urgent_first() -> None:
    skus = [f"S{n}" for n in range(150)]
    woo = knowing(*(product(n, sku) for n, sku in enumerate(skus)))
    request = write_of(woo, *updates(*skus))
    assert [u.sku for u in request.updates] == skus[:100]


def test_what_the_shop_shows_afterwards_is_what_counts() -> None:
    woo = knowing(product(1, "A"), product(2, "B"))
    request = write_of(woo, *updates("A", "B"))
    assert kinds(woo.receive(request, reply(echo(request)))) == [
        ("A", KINDS.APPLIED, ""),
        ("B", KINDS.APPLIED, ""),
    ]


@pytest.mark.parametrize("shown", [5.0, "5", "5.0"])
def test_a_quantity_may_come_back_as_a_decimal(shown: object) -> None:
    woo = knowing(product(1, "A"))
    request = write_of(woo, *updates("A"))
    answer = woo.receive(request, reply(echo(request, stock_quantity=shown)))
    assert kinds(answer) == [("A", KINDS.APPLIED, "")]


@pytest.mark.parametrize(
    ("changes", "kind", "code"),
    [
        ({"manage_stock": False, "stock_quantity": None}, KINDS.RETRYABLE, "stock_not_managed"),
        ({"manage_stock": "parent"}, KINDS.REJECTED, "not_applied"),
        ({"stock_quantity": 4}, KINDS.REJECTED, "shows_less"),
        ({"stock_quantity": 9}, KINDS.RETRYABLE, "shows_more"),
        ({"stock_quantity": 5.5}, KINDS.REJECTED, "not_applied"),
    ],
)
def test_accepted_is_not_applied(changes: dict[str, Any], kind: OutcomeKind, code: str) -> None:
    woo = knowing(product(1, "A"))
    request = write_of(woo, *updates("A"))
    answer = woo.receive(request, reply(echo(request, **changes)))
    assert kinds(answer) == [("A", kind, code)]


@pytest.mark.parametrize(
    ("kind", "parent", "managed", "code"),
    [
        ("variation", 10, "parent", "stock_of_parent"),
        ("variable", 0, False, "stock_of_variations"),
    ],
)
def test_stock_that_a_family_holds_elsewhere_is_not_taken_apart(
    kind: str, parent: int, managed: object, code: str
) -> None:
    woo = adapter()
    request = woo.next_request(updates("A"))
    assert request is not None
    row = {**product(1, "A", parent, kind), "manage_stock": managed}
    assert kinds(woo.receive(request, reply([row]))) == [("A", KINDS.REJECTED, code)]


def test_a_parent_that_manages_stock_is_written_as_a_product_of_its_own() -> None:
    woo = knowing({**product(1, "A", kind="variable"), "manage_stock": True})
    assert write_of(woo, *updates("A")).path == "/wp-json/wc/v3/products/batch"


def refused_as_unmanaged(woo: WooCommerce) -> None:
    request = write_of(woo, *updates("A"))
    answer = woo.receive(request, reply(echo(request, manage_stock=False)))
    assert kinds(answer) == [("A", KINDS.RETRYABLE, "stock_not_managed")]


def test_a_shop_that_manages_no_stock_is_asked_and_halts_the_channel_until_it_does() -> None:
    woo = knowing(product(1, "A"))
    refused_as_unmanaged(woo)
    for value, code in (("no", "stock_management_off"), ("yes", "")):
        request = woo.next_request(updates("A"))
        assert request is not None
        assert request == woo.probe(updates("A"))
        assert request.path == "/wp-json/wc/v3/settings/products/woocommerce_manage_stock"
        trouble = woo.receive(request, reply({"value": value})).trouble
        assert (trouble.code if trouble else "") == code
    write_of(woo, *updates("A"))


def test_a_product_that_alone_is_not_managed_is_refused_alone() -> None:
    woo = knowing(product(1, "A"), product(2, "B"))
    request = write_of(woo, *updates("A", "B"))
    body = echo(request)
    body["update"][1]["manage_stock"] = False
    assert kinds(woo.receive(request, reply(body))) == [
        ("A", KINDS.APPLIED, ""),
        ("B", KINDS.REJECTED, "stock_not_managed"),
    ]


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_may_not_see_settings_has_the_product_refused(status: int) -> None:
    woo = knowing(product(1, "A"))
    refused_as_unmanaged(woo)
    asked = woo.next_request(updates("A"))
    assert asked is not None
    body = {"code": "woocommerce_rest_cannot_view", "message": "", "data": {"status": status}}
    assert woo.receive(asked, reply(body, status)) == Answer()
    request = write_of(woo, *updates("A"))
    answer = woo.receive(request, reply(echo(request, manage_stock=False)))
    assert kinds(answer) == [("A", KINDS.REJECTED, "stock_not_managed")]


@pytest.mark.parametrize(
    "answer",
    [Failure("timeout", ""), reply(b"<html>", 502), reply(b"<html>"), reply({"update": []})],
)
@pytest.mark.parametrize(("shown", "applied"), [(5, True), (4, False)])
def test_an_unclear_write_is_read_back_before_it_is_repeated(
    answer: Response | Failure, shown: int, applied: bool
) -> None:
    woo = knowing(product(1, "A"))
    woo.receive(write_of(woo, *updates("A")), answer)
    request = woo.next_request(updates("A", failures=1))
    assert request is not None
    assert request.purpose is Purpose.LOOK_UP
    row = {**product(1, "A"), "manage_stock": True, "stock_quantity": shown}
    found = woo.receive(request, reply([row]))
    assert kinds(found) == ([("A", KINDS.APPLIED, "")] if applied else [])
    write_of(woo, *updates("A"))


def test_an_unclear_write_of_another_quantity_proves_nothing() -> None:
    woo = knowing(product(1, "A"))
    woo.receive(write_of(woo, *updates("A", quantity=4)), Failure("timeout", ""))
    request = woo.next_request(updates("A"))
    assert request is not None
    row = {**product(1, "A"), "manage_stock": True, "stock_quantity": 4}
    assert kinds(woo.receive(request, reply([row]))) == []


def test_the_documentation_names_what_the_adapter_was_proved_against() -> None:
    told = f"**Assurance: `{adapter().assurance.value}`.**"
    assert told in (Path(__file__).parents[2] / "infra/docs/woocommerce.md").read_text("utf-8")


def test_an_item_fails_alone_inside_a_200() -> None:
    woo = knowing(*(product(n, f"S{n}") for n in range(4)))
    request = write_of(woo, *updates("S0", "S1", "S2", "S3"))
    body = echo(request)
    for index, (code, status) in {1: ("no_permission", 403), 2: ("db_error", 500)}.items():
        error = {"code": code, "message": "no", "data": {"status": status}}
        body["update"][index] = {"id": index, "error": error}
    assert kinds(woo.receive(request, reply(body))) == [
        ("S0", KINDS.APPLIED, ""),
        ("S1", KINDS.REJECTED, "no_permission"),
        ("S2", KINDS.RETRYABLE, "db_error"),
        ("S3", KINDS.APPLIED, ""),
    ]


@pytest.mark.parametrize(
    "code",
    [
        "woocommerce_rest_invalid_product_id",
        "woocommerce_rest_product_invalid_id",
        "woocommerce_rest_product_variation_invalid_id",
    ],
)
def test_a_listing_that_is_gone_is_looked_up_anew(code: str) -> None:
    woo = knowing(product(1, "A"))
    request = write_of(woo, *updates("A"))
    error = {"code": code, "message": "Invalid ID.", "data": {"status": 404}}
    answer = woo.receive(request, reply({"update": [{"id": 1, "error": error}]}))
    assert kinds(answer) == [("A", KINDS.RETRYABLE, code)]
    again = woo.next_request(updates("A"))
    assert again is not None
    assert again.purpose is Purpose.LOOK_UP


def test_a_product_that_has_got_another_sku_is_noticed_and_all_are_looked_up_anew() -> None:
    woo = knowing(product(1, "A"), product(2, "B"), product(3, "C"))
    request = write_of(woo, *updates("A", "B"))
    items = [{**item, "sku": sku} for item, sku in zip(echo(request)["update"], "CB", strict=True)]
    answer = woo.receive(request, reply({"update": items}))
    assert kinds(answer) == [("A", KINDS.RETRYABLE, "sku_moved"), ("B", KINDS.APPLIED, "")]
    assert "product 1 has the SKU 'C' by now" in answer.outcomes[0].detail
    assert [observed.sku for observed in answer.observed] == ["B"]
    again = woo.next_request(updates("A", "C"))
    assert again is not None
    assert again.purpose is Purpose.LOOK_UP
    assert [update.sku for update in again.updates] == ["A", "C"]


@pytest.mark.parametrize(
    "rows",
    [[], [product(1, "A"), product(7, "A")], [product(7, "A")]],
    ids=["gone", "doubled", "another product"],
)
def test_a_listing_that_a_read_does_not_find_is_looked_up_before_it_is_written(
    rows: list[dict[str, Any]],
) -> None:
    woo = knowing(product(1, "A"), product(2, "B"))
    asked = woo.read(updates("A", "B"))
    woo.receive(asked, reply([*rows, product(2, "B")]))
    again = woo.next_request(updates("A", "B"))
    assert again is not None
    assert (again.purpose, [update.sku for update in again.updates]) == (Purpose.LOOK_UP, ["A"])
    assert write_of(woo, *updates("B")).json["update"][0]["id"] == 2


def test_a_read_that_fails_or_finds_all_as_it_was_forgets_nothing() -> None:
    woo = knowing(product(1, "A"))
    asked = woo.read(updates("A"))
    for response in (reply(b"<html>", 502), reply({"code": "no"}, 403), reply([product(1, "A")])):
        woo.receive(asked, response)
        assert write_of(woo, *updates("A")).json["update"][0]["id"] == 1


def test_variations_whose_parent_is_gone_are_all_looked_up_anew() -> None:
    woo = knowing(product(11, "V", 10), product(12, "W", 10))
    request = write_of(woo, *updates("V", "W"))
    body = {"code": "woocommerce_rest_product_invalid_id", "message": "", "data": {"status": 404}}
    assert [k for _, k, _ in kinds(woo.receive(request, reply(body, 404)))] == [
        KINDS.RETRYABLE,
        KINDS.RETRYABLE,
    ]
    again = woo.next_request(updates("V", "W"))
    assert again is not None
    assert again.purpose is Purpose.LOOK_UP


def test_a_batch_that_is_too_large_comes_again_in_halves() -> None:
    skus = [f"S{n}" for n in range(100)]
    woo = knowing(*(product(n, sku) for n, sku in enumerate(skus)))
    for size in (100, 50, 25):
        request = write_of(woo, *updates(*skus))
        assert len(request.updates) == size
        assert woo.receive(request, reply(b"<html>413</html>", 413)) == Answer()
    assert len(write_of(woo, *updates(*skus)).updates) == 12, "and it stays so"


def test_a_single_item_that_is_too_large_is_refused() -> None:
    woo = knowing(product(1, "A"))
    answer = woo.receive(write_of(woo, *updates("A")), reply(b"", 413))
    assert kinds(answer) == [("A", KINDS.REJECTED, "too_large")]


@pytest.mark.parametrize("status", [413, 414, 431])
def test_a_query_that_is_too_long_comes_again_in_halves(status: int) -> None:
    woo = adapter()
    due = updates("A", "B", "C", "D")
    request = woo.next_request(due)
    assert request is not None
    assert woo.receive(request, reply(b"", status)) == Answer()
    again = woo.next_request(due)
    assert again is not None
    assert len(again.updates) == 2


@pytest.mark.parametrize("failures", [1, 3, 7])
def test_what_failed_as_a_whole_comes_again_in_smaller_company(failures: int) -> None:
    skus = [f"S{n}" for n in range(100)]
    woo = knowing(*(product(n, sku) for n, sku in enumerate(skus)))
    suspects = updates(*skus[:60], failures=failures)
    fresh = updates(*skus[60:])
    request = write_of(woo, *suspects, *fresh)
    assert len(request.updates) == max(100 >> failures, 1)
    assert {u.failures for u in request.updates} == {failures}, "the fresh are not mixed in"
