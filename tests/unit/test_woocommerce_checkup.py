"""What a shop says of itself is read from anything it may send, and judged."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.woo_adapter import reply

from stockfold.channels import Failure, Response, Trouble, TroubleKind
from stockfold.channels.findings import Level
from stockfold.channels.woocommerce import checkup, verdicts
from stockfold.channels.woocommerce.asking import Conversation, NotServedError
from stockfold.channels.woocommerce.checkup import NOBODY, BatchLimit, StockSettings, System
from stockfold.channels.woocommerce.verdicts import Facts, Terms
from stockfold.channels.woocommerce.webhooks import TOPICS, Webhook

US = "https://stock.example/v1/webhooks/woo"
TERMS = Terms(https=True, verify_tls=True, webhook_address=US, has_webhook_secret=True)
HOOKS = tuple(Webhook(n, topic, "active", US) for n, topic in enumerate(TOPICS, 1))
FINE = Facts(
    system=System("11.0.1", "6.9", "8.2", 8_388_608),
    stock=StockSettings(managed=True, hold_minutes=0, out_at=0),
    webhooks=HOOKS,
    batch=BatchLimit(100, 5_000),
    skew_s=1,
)
NO = Trouble(TroubleKind.REFUSED, "woocommerce_rest_cannot_view", "HTTP 403: no")


def told(conversation: Conversation[Any], *replies: Response | Failure) -> Any:
    """What a conversation comes to with these answers."""
    next(conversation)
    try:
        for one in replies:
            conversation.send(one)
    except StopIteration as ended:
        return ended.value
    raise AssertionError("the conversation wants more")


def codes(facts: Facts, terms: Terms = TERMS) -> list[tuple[Level, str]]:
    return [(finding.level, finding.code) for finding in verdicts.judge(facts, terms)]


def errors(count: int) -> Response:
    row = {"id": NOBODY, "error": {"code": "woocommerce_rest_product_invalid_id"}}
    return reply({"update": [row] * count})


def too_many(text: str = "") -> Response:
    return reply({"code": "woocommerce_rest_request_entity_too_large", "message": text}, 413)


def test_permission_to_write_is_asked_with_a_batch_of_nothing() -> None:
    request = next(checkup.may_write())
    assert (request.method, request.json) == ("POST", {"update": []})
    assert told(checkup.may_write(), reply([])) is None
    assert told(checkup.may_write(), reply({})) is None
    with pytest.raises(NotServedError, match="write permissions"):
        told(
            checkup.may_write(),
            reply(
                {
                    "code": "woocommerce_rest_authentication_error",
                    "message": "The API key provided does not have write permissions.",
                },
                401,
            ),
        )
    with pytest.raises(NotServedError, match="not what WooCommerce sends"):
        told(checkup.may_write(), reply({"update": [{"id": 1}]}))


@pytest.mark.parametrize(
    "conversation",
    [
        checkup.may_read,
        checkup.may_write,
        checkup.system,
        checkup.stock_settings,
        checkup.batch_limit,
    ],
)
@pytest.mark.parametrize(
    "answer",
    [
        reply(b"<html>no</html>"),
        reply(b"<html>no</html>", 403),
        reply(7),
        Failure("timeout", "no answer"),
        reply({"code": "rest_no_route", "message": "no"}, 404),
    ],
)
def test_what_is_no_answer_is_trouble(conversation: Any, answer: Response | Failure) -> None:
    with pytest.raises(NotServedError):
        told(conversation(), answer)


def test_versions_and_the_size_of_requests_are_read() -> None:
    environment = {
        "version": "11.0.1",
        "wp_version": "6.9",
        "php_version": "8.2",
        "php_post_max_size": 8388608,
    }
    assert told(checkup.system(), reply({"environment": environment})) == FINE.system
    odd = {"version": 11, "wp_version": None, "php_post_max_size": "much"}
    assert told(checkup.system(), reply({"environment": odd})) == System()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], StockSettings()),
        ([7, {"id": ["x"]}, {"id": "woocommerce_manage_stock"}], StockSettings()),
        ([{"id": "woocommerce_manage_stock", "value": "no"}], StockSettings(managed=False)),
        (
            [
                {"id": "woocommerce_manage_stock", "value": "yes"},
                {"id": "woocommerce_hold_stock_minutes", "value": "60"},
                {"id": "woocommerce_notify_no_stock_amount", "value": 2},
            ],
            StockSettings(managed=True, hold_minutes=60, out_at=2),
        ),
        ([{"id": "woocommerce_hold_stock_minutes", "value": ""}], StockSettings(hold_minutes=0)),
    ],
)
def test_settings_of_stock_are_read(rows: list[Any], expected: StockSettings) -> None:
    assert told(checkup.stock_settings(), reply(rows)) == expected


def test_the_limit_of_a_batch_is_found_with_items_of_no_product() -> None:
    request = next(checkup.batch_limit())
    assert [item["id"] for item in request.json["update"]] == [NOBODY] * 100
    limit = told(checkup.batch_limit(), errors(100))
    assert (limit.items, limit.refusals) == (100, ())
    assert limit.body_bytes > 5_000


def test_a_host_that_names_its_limit_is_believed_and_one_that_does_not_is_halved() -> None:
    named = told(checkup.batch_limit(), too_many("not more than 20 items for this"), errors(20))
    assert named.items == 20
    assert "HTTP 413" in named.refusals[0]
    halved = told(checkup.batch_limit(), too_many(), too_many("more than 0 items"), errors(25))
    assert halved.items == 25
    # A limit that it does not keep itself.
    wild = told(checkup.batch_limit(4), too_many("more than 900 items"), errors(3))
    assert wild.items == 3


def test_a_shop_that_takes_an_item_of_no_product_is_not_believed() -> None:
    with pytest.raises(NotServedError):
        told(checkup.batch_limit(2), reply({"update": [{"id": NOBODY}, {"id": NOBODY}]}))


def test_a_shop_in_order_gives_no_finding() -> None:
    assert codes(FINE) == []


def with_(**changes: Any) -> Facts:
    fields = {name: getattr(FINE, name) for name in FINE.__struct_fields__}
    return Facts(**{**fields, **changes})


@pytest.mark.parametrize(
    ("facts", "level", "code"),
    [
        (with_(writable=NO), Level.ERROR, "not_writable"),
        (with_(orders=NO), Level.ERROR, "orders_not_readable"),
        (with_(stock=StockSettings(managed=False)), Level.ERROR, "stock_management_off"),
        (with_(stock=NO), Level.NOTE, "settings_unknown"),
        (with_(stock=StockSettings(hold_minutes=30)), Level.WARNING, "hold_minutes_differ"),
        (with_(stock=StockSettings(out_at=2)), Level.WARNING, "out_of_stock_threshold"),
        (with_(system=NO), Level.NOTE, "version_unknown"),
        (with_(system=System("8.2.1")), Level.WARNING, "old_version"),
        (with_(system=System(post_bytes_max=8_192)), Level.WARNING, "small_bodies"),
        (with_(batch=BatchLimit(20, 900, ("100 items: HTTP 413",))), Level.NOTE, "small_batches"),
        (with_(batch=NO), Level.ERROR, "batches_refused"),
        (with_(skew_s=None), Level.NOTE, "clock_unknown"),
        (with_(skew_s=-90), Level.WARNING, "clock_skew"),
        (with_(skew_s=5_000), Level.WARNING, "clock_skew"),
        (with_(webhooks=NO), Level.WARNING, "webhooks_unknown"),
        (with_(webhooks=HOOKS[1:]), Level.WARNING, "webhook_missing"),
        (
            with_(webhooks=(*HOOKS[1:], Webhook(9, TOPICS[0], "disabled", US))),
            Level.WARNING,
            "webhook_inactive",
        ),
        (
            with_(webhooks=(*HOOKS, Webhook(9, TOPICS[0], "active", US))),
            Level.NOTE,
            "webhook_twice",
        ),
        (
            with_(
                webhooks=(
                    *HOOKS,
                    Webhook(9, TOPICS[0], "active", "https://old.example/v1/webhooks/woo"),
                    Webhook(10, TOPICS[0], "active", "https://else.example/else"),
                )
            ),
            Level.NOTE,
            "webhook_elsewhere",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_out_of_order_is_one_finding(facts: Facts, level: Level, code: str) -> None:
    assert codes(facts) == [(level, code)]
    assert all(finding.detail for finding in verdicts.judge(facts, TERMS))


def test_what_the_key_may_not_is_told_apart_from_a_host_that_does_not_serve() -> None:
    away = Trouble(TroubleKind.UNAVAILABLE, "http_502", "HTTP 502")
    for told, about in ((NO, "key"), (away, "host")):
        (finding,) = verdicts.judge(with_(writable=told), TERMS)
        assert (finding.code, finding.subject) == ("not_writable", about)


def test_a_shop_that_cannot_be_read_says_nothing_else() -> None:
    assert codes(Facts(readable=NO, skew_s=0)) == [(Level.ERROR, "not_readable")]


@pytest.mark.parametrize("version", ["", "8.9.3", "11", "11.0.1-beta", "nightly"])
def test_only_a_version_that_is_known_to_be_old_is_called_so(version: str) -> None:
    assert codes(with_(system=System(version))) == []


def test_signatures_are_refused_by_a_clock_that_is_far_off() -> None:
    plain = Terms(https=False, verify_tls=True, webhook_address=US, has_webhook_secret=True)
    assert codes(with_(skew_s=5_000), plain) == [
        (Level.ERROR, "clock_skew"),
        (Level.WARNING, "no_tls"),
    ]


def test_a_certificate_that_nobody_checks_is_said() -> None:
    lax = Terms(https=True, verify_tls=False, webhook_address=US, has_webhook_secret=True)
    assert codes(FINE, lax) == [(Level.WARNING, "tls_unchecked")]


@pytest.mark.parametrize(
    "terms",
    [
        Terms(https=True, verify_tls=True, webhook_address=US),
        Terms(https=True, verify_tls=True, has_webhook_secret=True),
    ],
)
def test_without_address_or_secret_there_are_no_webhooks(terms: Terms) -> None:
    assert codes(with_(webhooks=None), terms) == [(Level.WARNING, "no_webhooks")]
