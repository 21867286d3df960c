"""What runs at the other end of a channel is compared part by part, and judged after a change."""

from __future__ import annotations

import json
from datetime import date

import pytest
from tests.support.woo_adapter import reply
from tests.support.woo_shop import Shop
from tests.support.woo_shop.about import answer
from tests.unit.test_woocommerce_checkup import FINE, told

from stockfold.channels import Assurance, Response, Trouble, TroubleKind
from stockfold.channels.findings import Finding, Level
from stockfold.channels.shopify import versions as shopify
from stockfold.channels.versions import Change, Part, changes
from stockfold.channels.woocommerce import versions as woocommerce
from stockfold.channels.woocommerce.asking import NotServedError
from stockfold.channels.woocommerce.verdicts import Facts
from stockfold.domain.days import EPOCH_DAY
from stockfold.runtime.remote_versions import RemoteVersions, must_halt, with_check
from stockfold.runtime.settings import ChannelSettings
from stockfold.runtime.shop_check import Checked

OWED = RemoteVersions(
    channel="woo-de", kind="woocommerce", url="http://shop", changed_at=1, check="not_done"
)


def test_only_what_was_and_is_told_can_have_changed() -> None:
    before = [Part("php", "8.2"), Part("wordpress", "6.9")]
    now = [Part("php", "8.3"), Part("woocommerce", "11.0.1")]
    assert changes(before, now) == (Change("php", "8.2", "8.3"),)
    assert changes([], now) == ()
    assert changes(before, []) == ()


def test_a_woocommerce_shop_tells_its_versions_and_the_api_that_answered() -> None:
    parts = told(woocommerce.versions(), reply(answer(Shop(), "system_status")))
    assert [(part.part, part.version) for part in parts] == [
        ("woocommerce", "11.0.1"),
        ("wordpress", "6.9"),
        ("php", "8.2.28"),
        ("api", "wc/v3"),
    ]
    with pytest.raises(NotServedError, match="no"):
        told(woocommerce.versions(), reply({"code": "rest_no_route", "message": "no"}, 404))


def test_shopify_tells_which_version_really_answers_and_when_it_ends() -> None:
    rows = [
        {"handle": "2026-07", "supported": True},
        {"handle": "2026-10", "supported": False},
        {"handle": "unstable", "supported": True},
    ]
    body = json.dumps({"data": {"publicApiVersions": rows}}).encode()
    answered = Response(200, {"x-shopify-api-version": "2026-04"}, body)
    end = (date(2027, 4, 1) - EPOCH_DAY).days
    assert told(shopify.versions(), answered)[0] == Part("api", "2026-04", end)
    assert told(shopify.versions(), answered)[1].version == "2026-07"
    quiet = Response(200, {}, b'{"data": {"publicApiVersions": null}}')
    assert [part.version for part in told(shopify.versions(), quiet)] == ["2026-01"]


@pytest.mark.parametrize("handle", ["unstable", "2026-13", "2026-1", None, "2026-01-01"])
def test_a_name_that_is_no_month_has_no_end(handle: object) -> None:
    assert shopify.ends_on(handle) is None


def checked(facts: Facts, *findings: Finding) -> Checked:
    return Checked(
        channel="woo-de",
        url="http://shop",
        assurance=Assurance.CONTRACT,
        checked_at_us=7,
        facts=facts,
        findings=findings,
    )


def test_a_missing_fact_makes_it_unfit_and_single_products_do_not() -> None:
    note = Finding(Level.NOTE, "not_published", "A", "it is a draft")
    product = Finding(Level.ERROR, "sku_unknown", "A", "no product has it")
    stock = Finding(
        Level.ERROR, "stock_management_off", "shop", "it manages no stock", "Turn it on."
    )
    fit = with_check(OWED, checked(FINE, note, product))
    assert (fit.check, [one.code for one in fit.findings]) == ("fit", ["sku_unknown"])
    unfit = with_check(OWED, checked(FINE, product, stock))
    assert (unfit.check, unfit.findings[0].code) == ("unfit", "stock_management_off")
    assert unfit.checked_at == 7


def test_checks_that_the_shop_did_not_serve_are_owed_still() -> None:
    away = Facts(readable=Trouble(TroubleKind.UNAVAILABLE, "http_502", "HTTP 502"))
    lost = Finding(Level.ERROR, "not_readable", "key", "HTTP 502")
    assert with_check(OWED, checked(away, lost)) == OWED
    refused = Facts(readable=Trouble(TroubleKind.REFUSED, "http_401", "HTTP 401"))
    assert with_check(OWED, checked(refused, lost)).check == "unfit"


@pytest.mark.parametrize(
    ("mode", "halt", "expected"),
    [("live", True, True), ("canary", True, True), ("shadow", True, False), ("live", False, False)],
)
def test_only_a_channel_that_is_written_to_halts(mode: str, halt: bool, expected: bool) -> None:
    channel = ChannelSettings(
        name="woo-de",
        kind="woocommerce",
        url="http://127.0.0.1:9",
        consumer_key="ck_test",
        consumer_secret="cs_test",
        publishing={"mode": mode, "canary_skus": ["A"] if mode == "canary" else []},
        versions={"halt": halt},
    )
    stock = Finding(Level.ERROR, "stock_management_off", "shop", "it manages no stock")
    assert must_halt(channel, with_check(OWED, checked(FINE, stock))) is expected
