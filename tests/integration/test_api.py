"""The api against real PostgreSQL, with tables that the projector's own code has filled."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import asyncpg
import httpx
import pytest
from tests.support import read_side as given
from tests.support.console import Page

from stockfold.domain.errors import SettingsError
from stockfold.runtime.embedded.ports import free_port
from stockfold.runtime.postgres import connection_options
from stockfold.runtime.settings import Settings
from stockfold_services.api.app import create_app
from stockfold_services.api.main import run
from stockfold_services.projector.batch import Batch, Consumed
from stockfold_services.projector.store import Seen, Store

pytestmark = pytest.mark.integration

STRANGE = ["plain", "a/b", "/a//b/", "100% + ü&?#;", "<script>alert(1)</script>", "a b", ".x"]


class Reader:
    """A client, and the tables behind it."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient) -> None:
        self.settings = settings
        self.client = client
        self._offsets: dict[str, int] = {}

    async def fill(self, *outputs: given.Out, partition: int = 0) -> None:
        """Project records, as if they had been read from Kafka."""
        async with Store.opened(self.settings) as store:
            places = {(topic.name, partition): 0 for topic, _, _ in outputs}
            starts = await store.offsets(places)
            batch = Batch(starts)
            nexts = dict(starts)
            for topic, key, value in outputs:
                place = (topic.name, partition)
                batch.add(Consumed(topic.name, partition, nexts[place], key, value, 0))
                nexts[place] += 1
            await store.write(batch)
            now = datetime.now(UTC)
            await store.report({place: Seen(0, now) for place in places})
            await store.beat(now, now)

    async def get(self, path: str, status: int = 200, **params: object) -> dict:
        answer = await self.client.get(path, params=params or None)
        assert answer.status_code == status, answer.text
        kind = "application/problem+json" if status >= 400 else "application/json"
        assert answer.headers["content-type"] == kind
        return answer.json()


@pytest.fixture
async def reader(postgres: str) -> AsyncIterator[Reader]:
    async with opened_reader(postgres) as opened:
        yield opened


@asynccontextmanager
async def opened_reader(postgres: str) -> AsyncIterator[Reader]:
    """The api over tables of its own."""
    settings = Settings(
        environment={"prefix": f"t{uuid.uuid4().hex[:8]}."}, postgres={"dsn": postgres}
    )
    app = create_app(settings, None)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        yield Reader(settings, client)
    await app.state.database.close()


def stock(sku: str, location: str, on_hand: int, seq: int) -> list[given.Out]:
    """A receipt and the position after it."""
    deltas = [("on_hand", location, on_hand), ("supplier", "", -on_hand)]
    return [given.fact(sku, seq, deltas), given.position(sku, location, seq, on_hand=on_hand)]


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


async def test_nothing_is_ready_before_the_projector_has_made_the_tables(reader: Reader) -> None:
    assert await reader.get("/healthz") == {"status": "ok"}
    problem = await reader.get("/readyz", 503)
    assert "projector" in problem["detail"]
    page = await reader.client.get("/console/")
    assert page.status_code == 503
    assert "Start the projector" in page.text


async def test_readiness_tells_the_projectors_lag_and_age(reader: Reader) -> None:
    await reader.fill(*stock("s", "L1", 5, 1))
    ready = await reader.get("/readyz")
    assert ready["projector"]["alive"] is True
    assert ready["projector"]["lag"] == 0
    assert ready["projector"]["age_ms"] < 60_000
    connection = await asyncpg.connect(**connection_options(reader.settings, "test"))
    await connection.execute("UPDATE projectors SET beat_at = now() - interval '1 minute'")
    await connection.close()
    assert (await reader.get("/readyz"))["projector"]["alive"] is False


async def test_a_change_of_policy_shows_how_far_it_is(reader: Reader) -> None:
    now = datetime.now(UTC)
    began = now - timedelta(seconds=10)
    await reader.fill(
        given.reevaluation("a", began, now, listings=500, unseen=100, untold=200, zeros=7),
        given.reevaluation("done", began, now, listings=500, unseen=0, untold=0, zeros=7),
        given.reevaluation("silent", began, now - timedelta(minutes=2), 500, 1, 0, 0),
    )
    (work,) = (await reader.get("/v1/status"))["reevaluations"]
    assert (work["instance"], work["channels"], work["left"]) == ("a", ["woo", "<b>"], 300)
    assert (work["unseen"], work["zeros"], work["per_s"], work["left_s"]) == (100, 7, 20.0, 15)
    page = Page((await reader.client.get("/console/")).text).text
    assert "a, woo, <b>: 300 of 500 listings are yet to be looked at or told" in page
    assert "20 a second, about 15 s more" in page


async def test_the_overview_leads_to_pages_that_are_there(reader: Reader) -> None:
    await reader.fill(*stock("s", "L1", 5, 1))
    assert (await reader.client.get("/")).headers["location"] == "/console/"
    page = await reader.client.get("/console/")
    assert page.status_code == 200
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    for path in re.findall(r'href="(/[^"]*)"', page.text):
        # 503: a page of what only Kafka knows, which is not there.
        assert (await reader.client.get(path)).status_code in (200, 503), path


async def test_every_endpoint_is_on_the_page_of_the_interface(reader: Reader) -> None:
    paths = (await reader.get("/openapi.json"))["paths"]
    source = (await reader.client.get("/docs")).text
    page = Page(source).text
    told = [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]
    assert [name for name in told if name not in page] == []
    assert "//cdn" not in source


async def test_the_description_tells_what_refusals_look_like(reader: Reader) -> None:
    paths = (await reader.get("/openapi.json"))["paths"]
    for operations in paths.values():
        for operation in operations.values():
            refused = operation["responses"]["422"]["content"]
            assert list(refused) == ["application/problem+json"]


async def test_without_postgres_every_question_is_answered_with_503(tmp_path) -> None:
    settings = Settings(postgres={"dsn": f"postgresql://postgres@/x?host={tmp_path}"})
    transport = httpx.ASGITransport(create_app(settings, None))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        assert (await client.get("/healthz")).status_code == 200
        for path in ("/readyz", "/v1/skus/s", "/v1/positions", "/console/"):
            answer = await client.get(path)
            assert answer.status_code == 503, path
        assert (await client.get("/v1/skus/s")).headers["retry-after"] == "1"


async def test_it_serves_on_loopback_until_told_to_stop(postgres: str) -> None:
    port = free_port()
    settings = Settings(postgres={"dsn": postgres}, api={"port": port})
    stop = asyncio.Event()
    serving = asyncio.create_task(run(settings, stop))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        async with asyncio.timeout(20):
            while True:
                try:
                    answer = await client.get("/healthz")
                    break
                except httpx.ConnectError:
                    await asyncio.sleep(0.02)
        assert answer.json() == {"status": "ok"}
        with pytest.raises(SettingsError, match=f"port {port}"):
            await run(settings, asyncio.Event())
    stop.set()
    await asyncio.wait_for(serving, 20)
