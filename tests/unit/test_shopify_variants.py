"""Shopify as others have it: another basis, an older version, an app of before 2026."""

from __future__ import annotations

import msgspec
import pytest

from stockfold.channels.shopify.adapter import Shopify
from stockfold.channels.shopify.fake import FakeShopify
from stockfold.channels.shopify.kind import KIND
from stockfold.runtime.channel_adapters import adapter_of
from stockfold.runtime.settings import ChannelSettings
from stockfold_services.publisher.conformance.scenarios import SCENARIOS
from stockfold_services.publisher.conformance.suite import play

TOLD = {
    "shown",
    "bounded",
    "sold-there",
    "gross",
    "locations",
    "partial-failure",
    "lost",
    "expired",
}
VARIANTS = {
    "gross": lambda: FakeShopify(quantity="on_hand"),
    "compareQuantity": lambda: FakeShopify(version="2025-10"),
    "2026-07": lambda: FakeShopify(version="2026-07"),
    "static token": lambda: FakeShopify(client_id=""),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_variant_passes_what_depends_on_it(variant: str) -> None:
    kind = msgspec.structs.replace(KIND, subject=VARIANTS[variant])
    verdicts = [play(kind, scenario) for scenario in SCENARIOS if scenario.name in TOLD]
    assert {one.scenario for one in verdicts} == TOLD
    assert [f"{v.scenario}: {v.detail}" for v in verdicts if v.result == "fail"] == []
    passed = {one.scenario for one in verdicts if one.result == "pass"}
    assert ("gross" in passed) == (variant == "gross")


def test_settings_make_the_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPIFY_SECRET", "shpss_0123456789")
    channel = ChannelSettings.model_validate(
        {
            "name": "shopify-de",
            "kind": "shopify",
            "url": "https://example.myshopify.com",
            "options": {"client_id": "0123456789abcdef"},
            "credentials": {"secret": "env:SHOPIFY_SECRET"},
            "location_names": {"DC-BERLIN": "gid://shopify/Location/1"},
        }
    )
    adapter = adapter_of(channel)
    assert isinstance(adapter, Shopify)
    renewal = adapter.renewal(0)
    assert renewal is not None
    assert b"client_secret=shpss_0123456789" in (renewal.body or b"")
