"""Policies from the file to the ledger and the channels, on a real Kafka, over restarts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.conftest import NewEnvironment
from tests.support.command_line import stockfold, stockfold_json
from tests.support.kafka_io import Sender, committed, wait_for
from tests.support.running_ledger import ledger, running

from stockfold.contracts.reference import encode_record
from stockfold.contracts.topics import (
    AVAILABILITY,
    CATALOG,
    EXCEPTIONS,
    REFERENCE,
    RESERVATION_STATUS,
    RESERVATIONS,
)
from stockfold.domain.errors import SettingsError
from stockfold.domain.reference import CatalogItem, Location, key_of
from stockfold.runtime.settings import Settings
from stockfold_services.availability.main import run
from stockfold_services.cli.policy_publish import publish_policies

pytestmark = pytest.mark.integration

POLICIES = """\
policies:
  - channel: woo
    ring_fences:
      - {units: 4, category: food}
  - channel: shop
    tags: [store]
    safety_stock:
      - {percent: 10%, category: food}
    share: 50%
    ceiling: 9
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "policies.yaml"
    found.write_text(POLICIES, "utf-8")
    return found


def told(settings: Settings, channel: str, sku: str = "a") -> list[tuple[int, int]]:
    """(version, quantity) of everything the channel was told."""
    return [
        (r.record["version"], r.record["quantity"])
        for r in committed(settings, AVAILABILITY)
        if (r.record["channel"], r.record["sku"]) == (channel, sku)
    ]


def await_told(settings: Settings, channel: str, quantity: int) -> list[tuple[int, int]]:
    def last_is_it() -> list[tuple[int, int]] | None:
        found = told(settings, channel)
        return found if found and found[-1][1] == quantity else None

    versions: list[tuple[int, int]] = wait_for(f"{channel} told {quantity}", last_is_it)
    assert [version for version, _ in versions] == list(range(1, len(versions) + 1))
    return versions


def reserve(settings: Settings, sender: Sender, channel: str, quantity: int) -> dict[str, Any]:
    """Have the ledger answer a reservation."""
    name = f"r-{channel}-{quantity}"
    sender.event(
        "ReserveStock",
        sku="a",
        reservation=name,
        order=name,
        line="1",
        channel=channel,
        quantity=quantity,
        locations=["ROME"],
    )

    def answer() -> dict[str, Any] | None:
        rows = [r.record for r in committed(settings, RESERVATION_STATUS)]
        return next((row for row in rows if row["reservation"] == name), None)

    found: dict[str, Any] = wait_for(f"an answer to {name}", answer)
    return found


def fences(settings: Settings) -> list[dict[str, Any]]:
    """The ring-fences that the ledger was asked for."""
    return [r.record for r in committed(settings, RESERVATIONS) if r.name == "RingFenceSet"]


def set_the_scene(settings: Settings) -> Sender:
    sender = Sender(settings)
    for record, topic in (
        (CatalogItem("a", 1, category="food/coffee"), CATALOG),
        (Location("ROME", 1, tags=("store",)), REFERENCE),
    ):
        sender.raw(topic, key_of(record).encode(), encode_record(record))
    sender.event("GoodsReceived", sku="a", location="ROME", quantity=24, condition="on_hand")
    return sender


def test_a_policy_applied_rules_the_channels_and_the_ledger_over_a_restart(
    environment: Settings, file: Path
) -> None:
    sender = set_the_scene(environment)
    stockfold(environment, "policy", "apply", str(file), "--yes")
    with ledger(environment), running(run, environment):
        await_told(environment, "woo", 24)
        # 24 on the shelf, 4 fenced for woo, 3 kept back (10% of 24, rounded up), half of 17.
        await_told(environment, "shop", 8)
        refused = reserve(environment, sender, "shop", 21)
        assert (refused["status"], refused["available"]) == ("rejected", 20)
        assert reserve(environment, sender, "shop", 20)["status"] == "confirmed"
        await_told(environment, "shop", 0)
        await_told(environment, "woo", 4)
        assert reserve(environment, sender, "shop", 1)["status"] == "rejected"
        assert reserve(environment, sender, "woo", 4)["status"] == "confirmed"
        before = await_told(environment, "woo", 0)

        answer = stockfold(environment, "explain", "availability", "woo", "a")
        assert "woo was told 0 of a (out of stock)" in answer
        assert "24 units are promised to orders already" in answer
    with ledger(environment), running(run, environment):
        sender.event("GoodsReceived", sku="a", location="ROME", quantity=2, condition="on_hand")
        after = await_told(environment, "woo", 2)
    assert after[: len(before)] == before
    assert len(fences(environment)) == 1


def test_a_plan_shows_what_would_become_and_publishes_nothing(
    environment: Settings, file: Path
) -> None:
    set_the_scene(environment)
    with ledger(environment), running(run, environment):
        stockfold(environment, "policy", "apply", str(file), "--yes")
        await_told(environment, "shop", 8)
        before = told(environment, "shop")
        file.write_text(POLICIES.replace("units: 4", "units: 14"), "utf-8")
        plan = stockfold_json(environment, "policy", "plan", str(file))
        assert [o["action"] for o in plan["policies"]] == ["changed", "unchanged"]
        shop, woo = plan["channels"]
        assert (shop["channel"], shop["units_before"], shop["units_after"]) == ("shop", 8, 3)
        assert shop["largest"] == [
            {"sku": "a", "before": 8, "after": 3, "status_before": "in_stock", "status": "in_stock"}
        ]
        assert (woo["changed"], woo["units_after"]) == (0, 24)
        assert told(environment, "shop") == before
        stockfold(environment, "policy", "apply", str(file), "--yes")
        await_told(environment, "shop", 3)
        # What was taken with its overlap reaches the ledger as it is, and is no exception.
        file.write_text(
            "policies:\n- channel: shop\n  ring_fences: [{units: 21, category: food}]\n"
        )
        stockfold(environment, "policy", "apply", str(file), "--yes", "--let-fences-overlap")
        wait_for("the fence", lambda: 21 in [row["quantity"] for row in fences(environment)])
        assert committed(environment, EXCEPTIONS) == []
    assert "ring_fences" in stockfold(environment, "policy", "show", "woo")


def test_a_file_is_refused_whole_and_the_policies_before_stay(
    environment: Settings, file: Path
) -> None:
    set_the_scene(environment)
    with ledger(environment), running(run, environment):
        stockfold(environment, "policy", "apply", str(file), "--yes")
        await_told(environment, "shop", 8)
    in_force = stockfold_json(environment, "policy", "show")
    for rules, said in (
        ("tags: [shop]", "line 3: policies[0].tags[0]: no location has the tag shop"),
        ("locations: [ROMA]", "location ROMA is not one of"),
        (
            "ring_fences: [{units: 21, sku: a}]",
            "the ring-fences of a add up to 25 units (woo 4, shop 21), which is above its pool",
        ),
        (
            "ring_fences: [{units: 22, category: food}]",
            "line 3: policies[0].ring_fences[0]: the ring-fences of a add up to 26 units",
        ),
    ):
        file.write_text(f"policies:\n- channel: shop\n  {rules}\n", "utf-8")
        for command in (("check",), ("apply", "--yes")):
            with pytest.raises(SettingsError) as caught:
                stockfold(environment, "policy", *command, str(file))
            assert said in caught.value.what
    assert stockfold_json(environment, "policy", "show") == in_force
    taken = stockfold_json(environment, "policy", "check", str(file), "--let-fences-overlap")
    assert taken == {"valid": True, "channels": ["shop"], "offline": False}


def test_a_channel_of_the_settings_keeps_a_policy_that_says_more(
    new_environment: NewEnvironment, file: Path
) -> None:
    shop = {"name": "woo", "kind": "woocommerce", "url": "https://shop.example"}
    secrets = {"consumer_key": "env:KEY", "consumer_secret": "env:SECRET"}
    settings = new_environment(channels=[{**shop, **secrets, "safety_stock": 3}])
    set_the_scene(settings)
    assert [o.action for o in publish_policies(settings)] == ["new"]
    stockfold(settings, "policy", "apply", str(file), "--yes")
    assert publish_policies(settings) == []
    (woo,) = [p for p in stockfold_json(settings, "policy", "show") if p["channel"] == "woo"]
    assert (woo["revision"], woo["safety_stock"]) == (2, 0)
    file.write_text(stockfold(settings, "policy", "show", "--yaml"), "utf-8")
    outcomes = stockfold_json(settings, "policy", "apply", str(file), "--yes")["policies"]
    assert {o["action"] for o in outcomes} == {"unchanged"}


@pytest.mark.parametrize(
    ("channel", "said"),
    [("amazon", "has no policy"), ("woo", "unknown, not zero")],
)
def test_what_was_never_told_is_said_why(
    environment: Settings, file: Path, channel: str, said: str
) -> None:
    file.write_text("policies: [{channel: woo}]", "utf-8")
    stockfold(environment, "policy", "apply", str(file), "--yes")
    with pytest.raises(SettingsError, match=said):
        stockfold(environment, "explain", "availability", channel, "nothing")
