"""The api against real PostgreSQL, with tables that the projector's own code has filled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
from tests.support import read_side as given
from tests.support.api_reader import Reader, opened_reader, stock

pytestmark = pytest.mark.integration

STRANGE = ["plain", "a/b", "/a//b/", "100% + ü&?#;", "<script>alert(1)</script>", "a b", ".x"]


@pytest.fixture
async def reader(postgres: str) -> AsyncIterator[Reader]:
    async with opened_reader(postgres) as opened:
        yield opened


async def test_a_sku_sums_its_atp_and_shows_the_deficit_beside_it(reader: Reader) -> None:
    await reader.fill(
        *stock("s", "L1", 5, 1),
        *stock("s", "L2", -3, 2),
        given.fact("s", 3, [("backordered", "", 2)]),
        given.summary("s", 3, {"web": 2}),
    )
    found = await reader.get("/v1/skus/s")
    assert (found["atp"], found["deficit"], found["on_hand"]) == (5, 3, 2)
    assert found["backordered"] == 2
    proof = found["conservation"]
    assert proof["holds"] is True
    assert (proof["physical_sum"], proof["facts"], proof["compared"]) == (0, 3, 2)
    assert proof["accounts"] == {"on_hand": 2, "supplier": -2, "backordered": 2}
    as_of = found["as_of"]
    assert (as_of["partition"], as_of["offset"], as_of["seq"]) == (0, 2, 3)
    assert 0 <= as_of["age_ms"] < 60_000


async def test_the_proof_fails_when_a_position_is_not_what_the_journal_says(reader: Reader) -> None:
    await reader.fill(*stock("s", "L1", 5, 1), given.position("s", "L1", 1, on_hand=6))
    proof = (await reader.get("/v1/skus/s"))["conservation"]
    assert proof["holds"] is False
    assert proof["differences"] == [
        {"location": "L1", "account": "on_hand", "position": 6, "journal": 5}
    ]


async def test_the_proof_fails_when_a_fact_is_missing_or_units_appear(reader: Reader) -> None:
    await reader.fill(*stock("gap", "L1", 5, 2))
    assert (await reader.get("/v1/skus/gap"))["conservation"]["holds"] is False
    await reader.fill(
        given.fact("made", 1, [("on_hand", "L1", 5)]), given.position("made", "L1", 1, on_hand=5)
    )
    proof = (await reader.get("/v1/skus/made"))["conservation"]
    assert (proof["holds"], proof["physical_sum"]) == (False, 5)


@pytest.mark.parametrize("sku", STRANGE)
async def test_skus_of_any_characters_are_found_by_path_and_by_query(
    reader: Reader, sku: str
) -> None:
    await reader.fill(*stock(sku, "L1", 5, 1), given.availability("web", sku, 1, 5))
    path = quote(sku, safe="")
    assert (await reader.get(f"/v1/positions/{path}"))["sku"] == sku
    assert (await reader.get(f"/v1/skus/{path}"))["sku"] == sku
    assert (await reader.get(f"/v1/journal/{path}"))["facts"][0]["seq"] == 1
    assert (await reader.get(f"/v1/availability/web/{path}"))["sku"] == sku
    assert (await reader.get("/v1/skus", sku=sku))["sku"] == sku
    assert [p["sku"] for p in (await reader.get("/v1/positions", sku=sku))["positions"]] == [sku]


async def test_positions_are_paged_without_gap_or_repeat(reader: Reader) -> None:
    records = [r for i in range(7) for r in stock(f"s{i}", f"L{i % 2}", i, 1)]
    await reader.fill(*records)
    seen, after = [], None
    for _ in range(4):
        page = await reader.get(
            "/v1/positions", limit=3, **({"after": after} if after is not None else {})
        )
        seen += [row["sku"] for row in page["positions"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [f"s{i}" for i in range(7)]
    assert page["as_of"]["offsets"] == {"0": 7}
    only = await reader.get("/v1/positions", location="L1")
    assert [row["sku"] for row in only["positions"]] == ["s1", "s3", "s5"]


async def test_one_location_of_a_sku(reader: Reader) -> None:
    await reader.fill(*stock("s", "L1", 5, 1), *stock("s", "L2", 7, 2))
    found = await reader.get("/v1/positions/s", location="L2")
    assert [row["on_hand"] for row in found["positions"]] == [7]


async def test_ones_own_write_is_waited_for(reader: Reader) -> None:
    await reader.fill(*stock("s", "L1", 5, 1))
    asked = asyncio.create_task(reader.get("/v1/positions/s", min_seq=2, wait_ms=20_000))
    await reader.fill(given.fact("s", 2, [("on_hand", "L1", 1)]))
    await reader.get("/v1/positions/s", 503, min_seq=2, wait_ms=50)
    assert not asked.done()
    await reader.fill(given.position("s", "L1", 2, on_hand=6))
    assert (await asked)["positions"][0]["on_hand"] == 6


async def test_a_fact_that_moves_no_position_is_not_waited_for_in_vain(reader: Reader) -> None:
    await reader.fill(*stock("s", "L1", 5, 1), given.fact("s", 2, [], kind="ReservationRejected"))
    assert (await reader.get("/v1/positions/s", min_seq=2, wait_ms=0))["as_of"]["seq"] == 2


async def test_a_half_arrived_batch_of_the_ledger_is_not_taken_for_whole(reader: Reader) -> None:
    await reader.fill(
        given.fact("s", 1, [("on_hand", "L1", 1)]),
        given.fact("s", 2, [("on_hand", "L2", 1)]),
        given.position("s", "L2", 2, on_hand=1),
    )
    await reader.get("/v1/positions/s", 503, min_seq=1, wait_ms=0)
    await reader.fill(given.position("s", "L1", 2, on_hand=1))
    await reader.get("/v1/positions/s", min_seq=2, wait_ms=0)


async def test_the_journal_is_paged_by_number(reader: Reader) -> None:
    line = {"order": "o1", "line": "1", "ordered": 1}
    await reader.fill(
        *(given.fact("s", seq, [("on_hand", "L1", 1)], body={"line": line}) for seq in (1, 2, 3))
    )
    first = await reader.get("/v1/journal/s", limit=2)
    assert [fact["seq"] for fact in first["facts"]] == [1, 2]
    assert first["facts"][0]["body"]["line"]["order"] == "o1"
    assert first["facts"][1]["offset"] == 1
    rest = await reader.get("/v1/journal/s", after_seq=first["next_after_seq"])
    assert [fact["seq"] for fact in rest["facts"]] == [3]
    assert rest["next_after_seq"] is None


async def test_a_reservation_shows_its_line_and_its_answers(reader: Reader) -> None:
    line = {"order": "o/1", "line": "1", "ordered": 2, "reservation": "r/1"}
    await reader.fill(
        given.fact(
            "s",
            1,
            [("reserved", "L1", 2)],
            body={
                "line": {**line, "reserved": [["L1", 2]]},
                "status": ["r/1", "confirmed", "ReserveStock", 2, "", 0],
            },
        ),
        given.fact(
            "s",
            2,
            [("reserved", "L1", -2)],
            body={
                "line": {**line, "cancelled": 2, "reservation": ""},
                "status": ["r/1", "released", "ReleaseReservation", 2, "", 0],
            },
        ),
    )
    found = await reader.get("/v1/reservations/r%2F1")
    assert [row["status"] for row in found["history"]] == ["released", "confirmed"]
    assert [(row["order"], row["cancelled"]) for row in found["lines"]] == [("o/1", 2)]
    assert len((await reader.get("/v1/orders/o%2F1"))["lines"]) == 1


async def test_exceptions_are_filtered_paged_and_shown_with_their_bytes(reader: Reader) -> None:
    await reader.fill(
        *(
            given.exception("bad" if i % 2 else "worse", f"s{i}", i, recorded_us=given.NOW_US + i)
            for i in range(5)
        )
    )
    page = await reader.get("/v1/exceptions", limit=2)
    assert [row["sku"] for row in page["exceptions"]] == ["s4", "s3"]
    assert page["kinds"] == {"worse": 3, "bad": 2}
    rest = await reader.get("/v1/exceptions", after=page["next"])
    assert [row["sku"] for row in rest["exceptions"]] == ["s2", "s1", "s0"]
    bad = await reader.get("/v1/exceptions", kind="bad", folded="false")
    assert [row["sku"] for row in bad["exceptions"]] == ["s3", "s1"]
    one = await reader.get(f"/v1/exceptions/{bad['exceptions'][0]['id']}")
    assert one["value_base64"] == "AP8="
    assert one["headers"] == [
        {"name": "ce_id", "value": "e-1"},
        {"name": "raw", "value_base64": "/w=="},
        {"name": "none", "value": None},
    ]
    assert one["runbook"] is None  # No release has such a kind.


async def test_an_exception_says_whose_it_is_and_what_to_do_first(reader: Reader) -> None:
    await reader.fill(given.exception("payload_conflict", "s1", 1))
    (row,) = (await reader.get("/v1/exceptions"))["exceptions"]
    assert (row["owner"], row["runbook"]) == ("ERP team", "infra/docs/runbooks/payload-conflict.md")
    assert f"exceptions discard {row['id']} " in row["repair"]
    every = (await reader.get("/v1/runbooks"))["runbooks"]
    (told,) = [each for each in every if each["kind"] == "payload_conflict"]
    assert told["page"] == row["runbook"]


async def test_availability_and_deliveries_are_listed_by_channel(reader: Reader) -> None:
    await reader.fill(
        given.availability("web", "s1", 1, 4),
        given.availability("market", "s1", 1, 2),
        given.delivery("web", "s1", 1),
        given.delivery("market", "s1", 1, "rejected"),
    )
    page = await reader.get("/v1/availability", channel="web")
    assert [(row["sku"], row["quantity"]) for row in page["availability"]] == [("s1", 4)]
    assert (await reader.get("/v1/availability/web/s1"))["steps"][0]["what"] == "atp"
    page = await reader.get("/v1/deliveries", outcome="rejected")
    assert [row["channel"] for row in page["deliveries"]] == ["market"]
    assert len((await reader.get("/v1/deliveries/web/s1"))["deliveries"]) == 1


async def test_cases_of_orders_are_listed_and_the_newest_of_each_counts(reader: Reader) -> None:
    await reader.fill(
        given.order_case("web/1/1/s1/1", "web"),
        given.order_case("web/2/1/s1/1", "web"),
        given.order_case("web/2/1/s1/1", "web", "closed", "ada"),
        given.order_case("market/1/1/s1/1", "market"),
    )
    page = await reader.get("/v1/order-cases", state="open", channel="web")
    assert [row["case_id"] for row in page["cases"]] == ["web/1/1/s1/1"]
    page = await reader.get("/v1/order-cases", owner="ada")
    assert [(row["case_id"], row["state"]) for row in page["cases"]] == [("web/2/1/s1/1", "closed")]
    first = await reader.get("/v1/order-cases", limit=2)
    rest = await reader.get("/v1/order-cases", after=first["next"])
    assert len(first["cases"]) == 2
    assert len(rest["cases"]) == 1


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/positions/unknown", 404),
        ("/v1/skus/unknown", 404),
        ("/v1/journal/unknown", 404),
        ("/v1/availability/web/unknown", 404),
        ("/v1/reservations/unknown", 404),
        ("/v1/exceptions/1-1", 404),
        ("/v1/nothing", 404),
        ("/v1/positions?limit=0", 422),
        ("/v1/positions?limit=1001", 422),
        ("/v1/positions?after=nonsense", 422),
        ("/v1/positions?after=WzEsMl0", 422),
        ("/v1/exceptions?after=WzEsOTk5OTk5OTk5OTk5OSwxXQ", 422),
        ("/v1/positions/a%00b", 422),
        ("/v1/positions?sku=a%00b", 422),
        ("/v1/positions/s?min_seq=9223372036854775808", 422),
        ("/v1/positions/s?wait_ms=30001", 422),
        ("/v1/positions/" + "x" * 513, 422),
        ("/v1/exceptions/99999999999-1", 422),
        ("/v1/exceptions?folded=perhaps", 422),
    ],
)
async def test_a_wrong_question_is_answered_as_a_problem(
    reader: Reader, path: str, status: int
) -> None:
    await reader.fill(*stock("s", "L1", 5, 1))
    problem = await reader.get(path, status)
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
