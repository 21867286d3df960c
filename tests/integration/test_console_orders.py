"""The pages of orders and reservations on real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
from tests.support import read_side as given
from tests.support.api_reader import Reader, opened_reader
from tests.support.console import HOSTILE, Page, page

pytestmark = pytest.mark.integration
SECOND_US = 1_000_000


@pytest.fixture
async def reader(postgres: str) -> AsyncIterator[Reader]:
    async with opened_reader(postgres) as opened:
        yield opened


def demand(
    sku: str, seq: int, channel: str, order: str, *, held: int = 2, expires_us: int = 0
) -> given.Out:
    """A reservation of ``held`` units for a line of an order, or what is left of it."""
    name = f"{channel}/{order}"
    line = {
        "order": name,
        "line": "1",
        "channel": channel,
        "ordered": 2,
        "reservation": f"{name}/1/1",
        "reserved": [["L1", held]] if held else [],
        "cancelled": 2 - held,
        "expires_us": expires_us,
    }
    body = {"line": line, "status": [f"{name}/1/1", "confirmed", "ReserveStock", held, "", 0]}
    return given.fact(sku, seq, [("reserved", "L1", held)], kind="ReservationConfirmed", body=body)


async def whole_list(reader: Reader, path: str) -> list[str]:
    """The first cells of every page of a list, as a reader that follows "More" sees them."""
    seen: list[str] = []
    while path:
        found = await page(reader.client, path)
        rows = found.source.split('<th scope="row"')[1:]
        seen += [Page(row.split("</th>")[0].partition(">")[2]).text for row in rows]
        path = next((link for link in found.links if "after=" in link), "")
    return seen


async def test_orders_are_listed_the_last_changed_first_without_gap_or_repeat(
    reader: Reader,
) -> None:
    await reader.fill(
        *(
            given.order_status("web", f"{n:03}", 1, recorded_us=given.NOW_US + n // 3 * SECOND_US)
            for n in range(120)
        )
    )
    seen = await whole_list(reader, "/console/orders")
    assert len(seen) == len(set(seen)) == 120
    assert [int(name) // 3 for name in seen] == sorted((n // 3 for n in range(120)), reverse=True)
    wrong = await page(reader.client, "/console/orders", 422, after="WyJhIiwiYiIsImMiXQ")
    assert "not a cursor" in wrong.text


async def test_what_was_sold_and_cannot_be_served_comes_before_all_orders(reader: Reader) -> None:
    await reader.fill(
        given.order_status("web", "1", 1, "rejected"),
        given.order_status("web", "2", 1, recorded_us=given.NOW_US + SECOND_US),
        given.order_case("web/1/1/s1/1", "web"),
        given.order_case("market/1/1/s1/1", "market", "closed"),
    )
    found = await page(reader.client, "/console/orders")
    assert found.text.index("Sold, and cannot be served") < found.text.index("Orders, the last")
    assert found.links.index("/console/orders/web/1") < found.links.index("/console/orders/web/2")
    only = await page(reader.client, "/console/orders", state="oversold")
    assert "/console/orders/web/1" in only.links
    assert "/console/orders/web/2" not in only.links


async def test_orders_are_filtered_by_state_channel_and_text(reader: Reader) -> None:
    await reader.fill(
        given.order_status("web", "A-4711", 1, sku="oats"),
        given.order_status("web", "A-4712", 1, "suspended", reason="mapping_missing"),
        given.order_status("market", "4711", 1),
        demand("parts", 1, "web", "A-4711"),
    )

    async def shown(**asked: str) -> set[str]:
        found = await page(reader.client, "/console/orders", **asked)
        return {link for link in found.links if link.startswith("/console/orders/")}

    a, b, m = "/console/orders/web/A-4711", "/console/orders/web/A-4712", "/console/orders/market/"
    assert await shown(q="471") == {m + "4711"}
    assert await shown(q="-471") == {a, b}
    assert await shown(q="a-4711") == {a}
    assert await shown(q="oats") == {a}
    assert await shown(q="parts") == {a}
    assert await shown(state="suspended") == {b}
    assert await shown(channel="market") == {m + "4711"}
    assert await shown(q="%") == set()
    await page(reader.client, "/console/orders", 422, state="nonsense")


async def test_an_order_shows_everything_about_it_and_how_to_repair_it(reader: Reader) -> None:
    await reader.fill(
        given.order_status("web", "1", 1, "reserving"),
        given.order_status("web", "1", 2, "partial", reason="insufficient_stock"),
        demand("s1", 1, "web", "1"),
        given.order_case("web/1/1/s1/1", "web"),
        given.parcel("web", "1", "S-1", url="https://track.example/1"),
    )
    found = await page(reader.client, "/console/orders/web/1")
    assert "2 units of s1 missing" in found.text
    assert "2 at L1" in found.text
    assert "https://track.example/1" in found.links
    assert found.text.index("partial") < found.text.index("reserving")
    assert "1 answer" in found.text
    assert "stockfold cases assign web/1/1/s1/1 OWNER" in found.text
    assert "stockfold orders review --reason=WHY web 1 refused" in found.text
    unknown = await page(reader.client, "/console/orders/web/2", 404)
    assert "There is no order" in unknown.text


async def test_reservations_are_paged_by_name_and_by_when_they_expire(reader: Reader) -> None:
    hour = 3600 * SECOND_US
    await reader.fill(
        *(
            demand(f"s{n % 7}", n, "web", f"{n:03}", expires_us=given.NOW_US + (120 - n) * hour)
            for n in range(1, 111)
        ),
        given.availability("web", "s0", 1, 1),
        demand("s0", 200, "market", "9"),
        demand("s0", 201, "web", "gone", held=0),
    )
    seen = await whole_list(reader, "/console/reservations")
    assert len(seen) == len(set(seen)) == 111
    assert "gone" not in seen
    expiring = await whole_list(reader, "/console/reservations?show=expiring")
    assert expiring == [f"{n:03}" for n in range(110, 0, -1)]
    assert await whole_list(reader, "/console/reservations?channel=market") == ["9"]
    assert await whole_list(reader, "/console/reservations?order=015") == ["015"]
    assert len(await whole_list(reader, "/console/reservations?sku=s0")) == 16
    for after in ("WyJhIiwiYiIsImMiXQ", "WyJhIiwiYiIsImMiLCJkIl0"):
        await page(reader.client, "/console/reservations", 422, show="expiring", after=after)


async def test_orders_of_any_name_are_text_and_their_commands_are_one_word_each(
    reader: Reader,
) -> None:
    name = f"--yes $(reboot) `id`\x07\n{HOSTILE}"
    await reader.fill(
        given.order_status("web", name, 1, "partial", sku=HOSTILE, reason=HOSTILE),
        demand(HOSTILE, 1, "web", name),
        given.parcel("web", name, "S-1"),
        given.parcel("web", name, "S-2", url="javascript:alert(1)"),
    )
    listed = await page(reader.client, "/console/orders", q="reboot")
    (link,) = {link for link in listed.links if link.startswith("/console/orders?channel")}
    found = await page(reader.client, link)
    assert "stockfold orders show -- web $'--yes $(reboot) `id`\\u0007\\u000a<script>" in found.text
    assert not any(link.startswith("javascript") for link in found.links)


async def test_a_name_does_not_pass_for_another_by_what_cannot_be_seen(reader: Reader) -> None:
    turned = "4711\u202e\u200b"
    await reader.fill(
        given.order_status("web", turned, 1, sku=turned), demand(turned, 1, "web", "1")
    )
    for path in (
        "/console/orders",
        f"/console/orders/web/{quote(turned)}",
        "/console/reservations",
    ):
        found = await page(reader.client, path)
        assert "4711\\u202e\\u200b" in found.text
        assert "\u202e" not in found.text
