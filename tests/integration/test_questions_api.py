"""The questions over HTTP, on tables that the projector's own code has filled."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
from tests.support import read_side as given
from tests.support.api_reader import Reader, opened_reader
from tests.support.explained import SKU, entries, story
from tests.support.story import Story, minutes

from stockfold.contracts import avro
from stockfold.contracts.journal import encode_fact
from stockfold.contracts.topics import JOURNAL
from stockfold.domain.times import format_us
from stockfold.explain.entry import Entry
from stockfold_services.api import leaking

pytestmark = pytest.mark.integration


@pytest.fixture
async def reader(postgres: str) -> AsyncIterator[Reader]:
    async with opened_reader(postgres) as reader:
        yield reader


def journal(history: Sequence[Entry], sku: str = SKU) -> list:
    """The journal records of a history, as outputs."""
    told = avro.string(sku)
    return [(JOURNAL, sku.encode(), encode_fact(entry.fact, told)) for entry in history]


def oversold() -> Story:
    """Five received, two reserved, six allocated; two shipped and told twenty minutes late."""
    told = story().receive("A", 5)
    told.tell(
        "ReserveStock",
        reservation="R",
        order="1",
        line="1",
        channel="web",
        quantity=2,
        locations=["A"],
    )
    told.tell("StockAllocated", allocation="AL", order="2", line="1", location="A", quantity=6)
    told.at(minutes(30))
    return told.tell("StockShipped", shipment="S", location="A", quantity=2, occurred=minutes(10))


async def test_explain_answers_from_the_read_model(reader: Reader) -> None:
    await reader.fill(*journal(entries(oversold())))
    found = await reader.get(f"/v1/skus/{SKU}/explain")
    told = found["explanation"]
    assert told["paragraph"].startswith(f"SKU {SKU}: 3 units are on hand at A.")
    assert [(t["kind"], t["units"]) for t in told["troubles"]] == [("oversold", 3)]
    numbers = {number["number"]: number for number in told["numbers"]}
    assert [s["delta"] for s in numbers["on_hand"]["steps"]] == [5, -2]
    late = numbers["on_hand"]["steps"][-1]["fact"]
    assert (late["late_ms"], late["journal"]["offset"]) == (20 * 60_000, 3)
    assert told["proof"]["holds"] is True
    assert (found["as_of"]["seq"], found["as_of"]["offset"]) == (4, 3)
    assert found["as_of"]["age_ms"] >= 0


async def test_explain_unfolds_what_is_asked(reader: Reader) -> None:
    await reader.fill(*journal(entries(oversold())))
    found = await reader.get(f"/v1/skus/{SKU}/explain", location="A", number="allocated", last=0)
    (number,) = found["explanation"]["numbers"]
    assert (number["value"], number["opening"], number["earlier"]) == (6, 6, 1)
    await reader.get(f"/v1/skus/{SKU}/explain", 422, number="happiness")
    await reader.get("/v1/skus/nobody/explain", 404)


async def test_a_time_is_told_as_it_was_known_then_and_as_it_is_known_now(reader: Reader) -> None:
    await reader.fill(*journal(entries(oversold())))
    at = format_us(minutes(20))
    found = await reader.get(f"/v1/skus/{SKU}/as-of", at=at, location="A")
    then, later = found["picture"]["known_then"], found["picture"]["known_later"]
    assert (then["positions"][0]["on_hand"], later["positions"][0]["on_hand"]) == (5, 3)
    assert (then["last_seq"], later["last_seq"]) == (3, 4)
    assert [fact["seq"] for fact in found["picture"]["learned"]] == [4]
    then_now = await reader.get(f"/v1/skus/{SKU}/as-of", at=at, known_at=format_us(minutes(25)))
    assert then_now["picture"]["known_later"]["positions"][0]["on_hand"] == 5


async def test_what_a_channel_was_told_and_held_at_a_time(reader: Reader) -> None:
    await reader.fill(
        *journal(entries(oversold())),
        given.availability("web", SKU, 1, 5),
        given.availability("web", SKU, 2, 3),
        given.delivery("web", SKU, 1),
        given.delivery("web", SKU, 2, "rejected"),
    )
    at = format_us(given.NOW_US + 1)
    (web,) = (await reader.get(f"/v1/skus/{SKU}/as-of", at=at))["channels"]
    assert (web["published"]["version"], web["published"]["quantity"]) == (2, 3)
    assert (web["held"]["version"], web["failed"]["outcome"], web["sure"]) == (1, "rejected", True)
    assert web["sentence"].startswith("web was told 3 (version 2")
    before = format_us(given.NOW_US - 1)
    (web,) = (await reader.get(f"/v1/skus/{SKU}/as-of", at=before))["channels"]
    assert (web["published"], web["held"], web["sure"]) == (None, None, True)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"at": "yesterday"},
        {"at": "2026-11-01T12:00:00"},
        {"at": "9999-01-01T00:00:00Z"},
        {"at": "2026-11-01T12:00:00Z", "known_at": "2026-10-01T12:00:00Z"},
    ],
)
async def test_a_time_that_is_none_is_refused(reader: Reader, query: dict) -> None:
    await reader.fill(*journal(entries(story().receive("A", 5))))
    await reader.get(f"/v1/skus/{SKU}/as-of", 422, **query)


async def test_an_oversell_is_told_with_what_channels_held_when_it_began(reader: Reader) -> None:
    await reader.fill(
        *journal(entries(oversold())),
        given.availability("web", SKU, 1, 5),
        given.delivery("web", SKU, 1),
    )
    (one,) = (await reader.get(f"/v1/skus/{SKU}/oversell"))["oversells"]
    deficit = one["deficit"]
    assert (deficit["cause"], deficit["units"]) == ("allocated_without_stock", 5)
    assert deficit["began"]["seq"] == 3
    assert (one["channels"][0]["published"]["quantity"], one["channels"][0]["channel"]) == (
        5,
        "web",
    )
    for question in ("oversell", "explain", "as-of?at=2026-11-01T12:00:00Z"):
        sign = "&" if "?" in question else "?"
        await reader.get(f"/v1/skus/{SKU}/{question}{sign}location=B", 404)
    await reader.get("/v1/skus/nobody/oversell", 404)


async def test_every_position_in_deficit_is_listed_a_page_at_a_time(reader: Reader) -> None:
    await reader.fill(
        given.position("fine", "A", 1, on_hand=3, reserved=3),
        given.position("s1", "A", 1, on_hand=1, allocated=3),
        given.position("s2", "A", 1, on_hand=-2),
        given.position("s3", "B", 1, on_hand=1, reserved=2),
    )
    first = await reader.get("/v1/oversells", limit=2)
    assert [(row["sku"], row["units"], row["kinds"]) for row in first["shortages"]] == [
        ("s1", 2, ["short", "oversold"]),
        ("s2", 2, ["short", "on_hand_negative"]),
    ]
    rest = await reader.get("/v1/oversells", limit=2, after=first["next"])
    assert [row["sku"] for row in rest["shortages"]] == ["s3"]
    assert rest["next"] is None
    assert len((await reader.get("/v1/oversells", location="B"))["shortages"]) == 1


async def test_leaks_come_with_the_event_that_ends_them(reader: Reader) -> None:
    told = story().receive("A", 5).expect("PO", "1", 4, eta=minutes(1))
    told.tell(
        "ReserveStock",
        reservation="R",
        order="1",
        line="1",
        channel="web",
        quantity=2,
        locations=["A"],
    )
    told.dispatch("T", "A", "B", 1)
    healthy = story().receive("A", 5)
    await reader.fill(*journal(entries(told), "s1"), *journal(entries(healthy), "s2"))
    page = await reader.get("/v1/leaks", older_than="1h")
    assert page["next"] is None
    assert [(leak["kind"], leak["sku"], leak["proposal"]["type"]) for leak in page["leaks"]] == [
        ("reservation", "s1", "ReleaseReservation"),
        ("transfer", "s1", "TransferClosed"),
        ("inbound", "s1", "InboundClosed"),
    ]
    assert (await reader.get("/v1/leaks", older_than="9999d"))["leaks"] == []
    back = await reader.get(
        "/v1/leaks", older_than="1h", kind="transfer", remainder="returned_to_source"
    )
    assert [leak["proposal"]["body"]["remainder"] for leak in back["leaks"]] == [
        "returned_to_source"
    ]
    await reader.get("/v1/leaks", 422, older_than="old")
    await reader.get("/v1/leaks", 422, kind="wish")


async def test_leaks_are_paged_over_skus_and_a_long_history_is_named(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaking, "SKUS_MAX", 2)
    monkeypatch.setattr(leaking, "FACTS_MAX", 4)
    for sku, facts in (("a", 1), ("b", 2), ("c", 6), ("d", 1), ("e", 1)):
        told = story()
        for number in range(facts):
            told.expect(f"PO-{number}", "1", 4, eta=minutes(1))
        await reader.fill(*journal(entries(told), sku))
    seen: list[tuple[str, int]] = []
    long: list[str] = []
    after = None
    for _ in range(9):
        page = await reader.get("/v1/leaks", older_than="1h", **({"after": after} if after else {}))
        skus = [leak["sku"] for leak in page["leaks"]]
        seen += [(sku, skus.count(sku)) for sku in dict.fromkeys(skus)]
        long += page["too_long"]
        after = page["next"]
        if after is None:
            break
    assert seen == [("a", 1), ("b", 2), ("d", 1), ("e", 1)]
    assert long == ["c"]


async def test_a_sku_with_a_slash_is_explained_too(reader: Reader) -> None:
    await reader.fill(*journal(entries(story().receive("A", 5)), "a/b ü"))
    found = await reader.get("/v1/skus/a%2Fb%20%C3%BC/explain")
    assert found["explanation"]["sku"] == "a/b ü"


async def test_every_question_is_documented_field_by_field(reader: Reader) -> None:
    document = await reader.get("/openapi.json")
    schemas = document["components"]["schemas"]
    for name in (
        "Explanation",
        "Evidence",
        "Unfolded",
        "Proof",
        "Trouble",
        "Picture",
        "Listing",
        "Deficit",
        "Leak",
        "Proposal",
        "Shortage",
    ):
        assert schemas[name]["description"]
        fields = schemas[name]["properties"].values()
        assert all("description" in field or "$ref" in field for field in fields), name
