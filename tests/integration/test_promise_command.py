"""``stockfold promise`` and the api answer on the terms of the policy that is in force."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from tests.support.command_line import stockfold, stockfold_json
from tests.support.kafka_io import Sender, committed, wait_for
from tests.support.running_ledger import ledger

from stockfold.availability.policy import Policy
from stockfold.contracts.topics import JOURNAL
from stockfold.domain.errors import StockfoldError
from stockfold.domain.times import DAY_US
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.settings import Settings
from stockfold_services.api.app import create_app
from stockfold_services.api.terms import ChannelTerms
from stockfold_services.cli.policy_publish import publish

pytestmark = pytest.mark.integration

POLICY = Policy("web", 0, zone="Europe/Berlin", locations=("A",), lead_time_days=2)


async def test_the_terms_of_a_channel_are_those_of_its_policy(
    environment: Settings, tmp_path: Path
) -> None:
    publish(environment, [POLICY], dry_run=False)
    with ledger(environment):
        sender = Sender(environment)
        for place, units in (("A", 5), ("B", 7)):
            sender.event("GoodsReceived", sku="S", location=place, quantity=units)
        wait_for(
            "two facts",
            lambda: sum(r.name == "JournalFact" for r in committed(environment, JOURNAL)) == 2,
        )
    found = stockfold_json(environment, "promise", "S", "5", "--channel", "web")
    assert (found["zone"], found["lead_time_days"], found["known"]) == ("Europe/Berlin", 2, True)
    assert found["dispatch_on"] > found["available_on"]
    assert [row["location"] for row in found["locations"]] == ["A"]
    assert stockfold_json(environment, "promise", "S", "6", "--channel", "web")["known"] is False
    assert stockfold_json(environment, "promise", "S", "12")["known"] is True
    order = tmp_path / "order.yaml"
    order.write_text("{region: south, channel: web, lines: [{sku: S, quantity: 6}]}")
    advice = stockfold_json(environment, "sourcing", "advise", str(order))
    assert advice["picks"] == [{"location": "A", "sku": "S", "quantity": 5}]
    assert advice["missing"] == [{"sku": "S", "quantity": 1}]
    terms = ChannelTerms(environment)
    try:
        assert (await terms.of("web")).locations == ("A",)
        publish(environment, [Policy("web", 0, locations=("B",))], dry_run=False)
        for _ in range(100):
            if (await terms.of("web")).locations == ("B",):
                break
            await asyncio.sleep(0.1)
        assert (await terms.of("web")).policy.revision == 2
    finally:
        terms.close()


async def test_a_channel_without_a_policy_is_said_to_have_none(environment: Settings) -> None:
    with pytest.raises(StockfoldError, match="no policy of channel"):
        stockfold_json(environment, "promise", "S", "1", "--channel", "nobody")
    app = create_app(environment, None)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        answer = await client.get("/v1/skus/S/promise?quantity=1&channel=nobody")
    app.state.terms.close()
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{region: south, lines: []}", "1 to 200 lines"),
        ("{region: south, lines: [{sku: S, quantity: 0}]}", "from 1 to"),
        ("{region: south, lines: [{sku: S, quantity: many}]}", "Expected `int`"),
        ("{region: [", "flow"),
        ("{lines: [{sku: S, quantity: 1}]}", "region"),
    ],
)
def test_an_order_file_that_makes_no_sense_is_refused(
    environment: Settings, tmp_path: Path, text: str, told: str
) -> None:
    order = tmp_path / "order.yaml"
    order.write_text(text)
    with pytest.raises(StockfoldError, match=told):
        stockfold_json(environment, "sourcing", "advise", str(order))


async def test_a_kit_is_promised_by_its_stock_and_its_components(
    environment: Settings, tmp_path: Path
) -> None:
    catalogue = tmp_path / "items.csv"
    catalogue.write_text(
        "sku,bill_of_materials,bill_version\nCUP,,\nBEANS,,\nBOX,CUP*2;BEANS*1,7\n"
    )
    stockfold(environment, "catalog", "import", str(catalogue), "--yes")
    now_us = SYSTEM_CLOCK.now_us()
    with ledger(environment):
        sender = Sender(environment)
        for sku, units in (("BOX", 1), ("CUP", 5), ("BEANS", 20)):
            sender.event("GoodsReceived", sku=sku, location="A", quantity=units)
        sender.event(
            "InboundExpected",
            sku="CUP",
            inbound="PO",
            line="1",
            location="A",
            quantity=10,
            eta=now_us + 2 * DAY_US,
            revision=1,
        )
        wait_for(
            "four facts",
            lambda: sum(r.name == "JournalFact" for r in committed(environment, JOURNAL)) == 4,
        )
    found = stockfold_json(environment, "promise", "BOX", "5")
    assert (found["pre_assembled"], found["assembled"], found["reservable_now"]) == (1, 4, 3)
    assert [(part["sku"], part["quantity"]) for part in found["components"]] == [
        ("BEANS", 4),
        ("CUP", 8),
    ]
    beans, cups = found["components"]
    assert beans["available_on"] < cups["available_on"] == found["available_on"]
    assert "PO line 1" in str(cups["reasons"])
    assert "bill of materials 7" in found["reasons"][0]
    days = stockfold_json(environment, "atp", "BOX", "--days", "4")
    assert (days["days"][0]["promise"], days["days"][3]["promise"]) == (3, 8)
    assert days["limited_by"][0] == "CUP"
    assert "CUP (x2)" in stockfold(environment, "atp", "BOX", "--days", "2")
    assert "component" in stockfold(environment, "promise", "BOX", "5")
