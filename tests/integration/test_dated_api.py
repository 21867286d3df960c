"""Many listings at once, and dated ATP, over HTTP; tables that the projector's own code filled."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from tests.conftest import NewEnvironment
from tests.support import read_side as given
from tests.support.api_reader import Reader, stock
from tests.support.command_line import stockfold
from tests.support.ledger_process import LedgerProcess

from stockfold.contracts.topics import JOURNAL, POSITIONS
from stockfold.domain.times import DAY_US, from_us
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.settings import Settings
from stockfold_services.api.app import create_app
from stockfold_services.api.routes.batch import LISTINGS_MAX

pytestmark = pytest.mark.integration

BATCH = "/v1/availability:batchGet"
SKU = "S/1"


@pytest.fixture
async def reader(postgres: str) -> AsyncIterator[Reader]:
    settings = Settings(
        environment={"prefix": f"t{uuid.uuid4().hex[:8]}."},
        postgres={"dsn": postgres},
        locations=[
            {"name": "A", "zone": "Pacific/Auckland", "costs": {"south": 1}},
            {"name": "B", "priority": 3, "costs": {"south": 2}},
        ],
    )
    app = create_app(settings, None)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        yield Reader(settings, client)
    await app.state.database.close()


async def post(reader: Reader, body: object, status: int = 200) -> dict:
    answer = await reader.client.post(BATCH, json=body)
    assert answer.status_code == status, answer.text
    kind = "application/problem+json" if status >= 400 else "application/json"
    assert answer.headers["content-type"] == kind
    return answer.json()


def now_story() -> LedgerProcess:
    """Five on hand at A, ten due in two days, four in transit due in three, three taken later."""
    process = LedgerProcess()
    now_us = process.now_us = SYSTEM_CLOCK.now_us()
    told = {"sku": SKU}
    process.tell("GoodsReceived", **told, location="A", quantity=5, condition="on_hand")
    process.tell("GoodsReceived", **told, location="B", quantity=4, condition="on_hand")
    process.tell(
        "InboundExpected",
        **told,
        inbound="PO-1",
        line="1",
        location="A",
        quantity=10,
        eta=now_us + 2 * DAY_US,
        confidence=80,
        revision=1,
    )
    process.tell(
        "TransferDispatched",
        **told,
        **{"from": "B", "to": "A"},
        transfer="T-1",
        quantity=4,
        eta=now_us + 3 * DAY_US,
        bucket="on_hand",
    )
    process.tell(
        "ReserveStock",
        **told,
        reservation="R-1",
        order="O-1",
        line="1",
        channel="web",
        quantity=3,
        locations=["A"],
        needed_on=(from_us(now_us).date() - datetime(1970, 1, 1, tzinfo=UTC).date()).days + 5,
    )
    return process


async def project(reader: Reader, process: LedgerProcess) -> None:
    """The tables as the ledger's records make them."""
    records = process.log.records
    await reader.fill(
        *[
            (topic, message.key(), message.value())
            for topic in (JOURNAL, POSITIONS)
            for message in records.get(topic.name, ())
        ]
    )


async def test_a_batch_answers_in_the_order_asked_and_lists_what_is_unknown(
    reader: Reader,
) -> None:
    await reader.fill(
        given.availability("web", "a", 3, 7),
        given.availability("web", "b", 1, 0),
        given.availability("shop", "b", 2, 4),
        given.mark(),
    )
    found = await post(reader, {"channels": ["web", "shop"], "skus": ["b", "a", "b"]})
    told = [(row["channel"], row["sku"], row["quantity"]) for row in found["availability"]]
    assert told == [("web", "b", 0), ("web", "a", 7), ("shop", "b", 4)]
    assert found["unknown"] == [{"channel": "shop", "sku": "a"}]
    assert found["as_of"]["offsets"] == {"0": 1}
    assert found["as_of"]["lag"] == 0
    for row in (*found["availability"], found["as_of"]):
        assert 0 <= row["age_ms"] < 60_000
    assert [(row["seq"], row["partition"]) for row in found["availability"]] == [
        (1, 0),
        (3, 0),
        (2, 0),
    ]


async def test_a_batch_of_a_thousand_is_answered_whole(reader: Reader) -> None:
    skus = [f"sku-{i}" for i in range(1000)]
    await reader.fill(*[given.availability("web", sku, 1, i) for i, sku in enumerate(skus)])
    found = await post(reader, {"channels": ["web"], "skus": skus})
    assert [row["quantity"] for row in found["availability"]] == list(range(1000))
    assert found["unknown"] == []


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"channels": ["web"]}, "skus"),
        ({"channels": [], "skus": ["a"]}, "channels"),
        ({"channels": ["web"], "skus": ["s" * 513]}, "512"),
        ({"channels": ["web"], "skus": ["nul\x00"]}, "pattern"),
        ({"channels": ["web"], "skus": [f"s{i}" for i in range(1001)]}, "1000"),
        ({"channels": [f"c{i}" for i in range(51)], "skus": ["a"]}, "50"),
        ({"channels": ["web"], "skus": ["a"], "more": 1}, "more"),
        (
            {"channels": [f"c{i}" for i in range(11)], "skus": [f"s{i}" for i in range(1000)]},
            str(LISTINGS_MAX),
        ),
    ],
)
async def test_a_batch_beyond_its_limits_is_refused_whole(
    reader: Reader, body: dict, told: str
) -> None:
    problem = await post(reader, body, 422)
    assert told in problem["detail"]
    assert problem["status"] == 422


async def test_dated_atp_counts_supply_and_later_demand_on_their_days(reader: Reader) -> None:
    await project(reader, now_story())
    found = await reader.get("/v1/skus/S%2F1/atp", days=7, zone="UTC")
    assert [day["promise"] for day in found["days"]] == [5, 5, 15, 16, 16, 16, 16]
    assert [day["projection"] for day in found["days"]] == [5, 5, 15, 19, 19, 16, 16]
    today = datetime.now(UTC).date()
    assert found["days"][0]["day"] in {today.isoformat(), (today - timedelta(1)).isoformat()}
    assert (found["atp"], found["deficit"], found["location"]) == (2, 0, None)
    assert found["as_of"]["seq"] == 5
    at_b = await reader.get("/v1/skus/S%2F1/atp", days=2, location="B")
    assert [day["promise"] for day in at_b["days"]] == [0, 0]
    assert at_b["zone"] == "UTC"


async def test_a_locations_days_are_its_own(reader: Reader) -> None:
    await project(reader, now_story())
    found = await reader.get("/v1/skus/S%2F1/atp", location="A")
    assert (found["zone"], len(found["days"])) == ("Pacific/Auckland", 14)


async def test_dated_atp_refuses_what_is_not_there(reader: Reader) -> None:
    await project(reader, now_story())
    assert "Mars/Base" in (await reader.get("/v1/skus/S%2F1/atp", 422, zone="Mars/Base"))["detail"]
    await reader.get("/v1/skus/S%2F1/atp", 422, days=733)
    await reader.get("/v1/skus/nobody/atp", 404)


async def test_a_promise_names_the_day_the_places_and_what_supplies_it(reader: Reader) -> None:
    await project(reader, now_story())
    found = await reader.get("/v1/skus/S%2F1/promise", quantity=11)
    today = datetime.now(UTC).date()
    assert found["known"] is True
    assert found["available_on"] in {(today + timedelta(days=d)).isoformat() for d in (1, 2)}
    assert [(part["location"], part["units"]) for part in found["parts"]] == [("A", 11)]
    assert "10 of inbound PO-1 line 1" in found["reasons"][1]
    assert (found["reservable_now"], found["lead_time_days"]) == (2, 0)
    assert found["as_of"]["seq"] == 5


async def test_never_by_what_is_known_is_an_answer_of_its_own(reader: Reader) -> None:
    await project(reader, now_story())
    found = await reader.get("/v1/skus/S%2F1/promise", quantity=17, days=30)
    assert (found["known"], found["available_on"], found["parts"]) == (False, None, [])
    assert "at most 16 of 17" in found["reasons"][0]


async def test_a_promise_refuses_what_makes_no_sense(reader: Reader) -> None:
    await project(reader, now_story())
    await reader.get("/v1/skus/S%2F1/promise", 422)
    await reader.get("/v1/skus/S%2F1/promise", 422, quantity=0)
    await reader.get("/v1/skus/S%2F1/promise", 422, quantity=1, locations=["x"] * 101)
    await reader.get("/v1/skus/S%2F1/promise", 422, quantity=1, locations=["\x00"])
    await reader.get("/v1/skus/nobody/promise", 404, quantity=1)


async def test_sourcing_advice_is_near_and_says_what_is_missing(reader: Reader) -> None:
    await reader.fill(
        *(given.fact("x", 1), given.position("x", "A", 1, on_hand=5)),
        *(given.fact("x", 2), given.position("x", "B", 2, on_hand=9)),
        *(given.fact("y", 1), given.position("y", "B", 1, on_hand=2)),
    )
    order = {"region": "south", "lines": [{"sku": "x", "quantity": 4}]}
    found = await advised(reader, order)
    assert found["picks"] == [{"location": "A", "sku": "x", "quantity": 4}]
    assert (found["splits"], found["cost"], found["exact"]) == (0, 1, True)
    assert found["as_of"]["age_ms"] >= 0
    order["lines"].append({"sku": "y", "quantity": 3})
    found = await advised(reader, order)
    assert found["locations"] == ["B"]
    assert found["missing"] == [{"sku": "y", "quantity": 1}]
    assert (await advised(reader, {**order, "locations": ["A"]}))["locations"] == ["A"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"lines": []},
        {"lines": [{"sku": "x", "quantity": 0}]},
        {"lines": [{"sku": f"s{i}", "quantity": 1} for i in range(201)]},
        {"region": ""},
        {"locations": []},
        {"surprise": 1},
    ],
)
async def test_an_order_beyond_the_limits_is_refused(reader: Reader, wrong: dict) -> None:
    await reader.fill(given.mark())
    order = {"region": "south", "lines": [{"sku": "x", "quantity": 1}], **wrong}
    await advised(reader, order, 422)


async def test_a_kit_is_promised_by_its_components_and_its_own_stock(
    new_environment: NewEnvironment, postgres: str, tmp_path: Path
) -> None:
    settings = new_environment(postgres={"dsn": postgres})
    catalogue = tmp_path / "items.csv"
    catalogue.write_text("sku,bill_of_materials,bill_version\nCUP,,\nBOX,CUP*2,7\nCASE,BOX*1,1\n")
    stockfold(settings, "catalog", "import", str(catalogue), "--yes")
    app = create_app(settings, None)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        reader = Reader(settings, client)
        await reader.fill(*stock("BOX", "A", 1, 1), *stock("CUP", "A", 5, 1))
        found = await reader.get("/v1/skus/BOX/promise", quantity=3)
        assert (found["kit"], found["known"]) == (True, True)
        assert (found["pre_assembled"], found["assembled"]) == (1, 2)
        (cups,) = found["components"]
        assert (cups["sku"], cups["units"]) == ("CUP", 4)
        assert [(part["location"], part["units"]) for part in cups["parts"]] == [("A", 4)]
        assert (await reader.get("/v1/skus/BOX/promise", quantity=4))["known"] is False
        # A kit that nobody ever held is known by its bill; the box that stands is used first.
        case = await reader.get("/v1/skus/CASE/promise", quantity=3)
        assert [(p["sku"], p["units"]) for p in case["components"]] == [("BOX", 1), ("CUP", 4)]
        days = await reader.get("/v1/skus/BOX/atp", days=2)
        assert [(d["promise"], d["limited_by"]) for d in days["days"]] == [(3, "CUP")] * 2
        assert [(p["sku"], p["needed"]) for p in days["components"]] == [("CUP", 2)]
        plain = await reader.get("/v1/skus/CUP/atp")
        assert (plain["kit"], plain["components"]) == (False, [])
    await app.state.database.close()


async def test_without_the_catalogue_a_sku_is_answered_by_its_own_stock_and_says_so(
    reader: Reader,
) -> None:
    await reader.fill(*stock("BOX", "A", 1, 1))
    found = await reader.get("/v1/skus/BOX/promise", quantity=1)
    assert (found["kit"], found["known"], found["components"]) == (None, True, [])
    assert (await reader.get("/v1/skus/BOX/atp"))["kit"] is None


async def advised(reader: Reader, order: dict, status: int = 200) -> dict:
    answer = await reader.client.post("/v1/sourcing:advise", json=order)
    assert answer.status_code == status, answer.text
    return answer.json()
