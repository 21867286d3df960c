"""The pages of a SKU on real PostgreSQL: what they show, to whom, and with whatever names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
from tests.support import read_side as given
from tests.support.api_reader import Reader, opened_reader, stock
from tests.support.console import HOSTILE, page

pytestmark = pytest.mark.integration


@pytest.fixture
async def reader(postgres: str) -> AsyncIterator[Reader]:
    async with opened_reader(postgres) as opened:
        yield opened


def reserved(sku: str, seq: int, order: str, units: int = 2) -> given.Out:
    """A reservation of units at L1 for a line of an order of web."""
    line = {
        "order": f"web/{order}",
        "line": "1",
        "channel": "web",
        "ordered": units,
        "reservation": f"web/{order}/1/1",
        "reserved": [["L1", units]],
    }
    body = {"line": line, "status": [f"web/{order}/1/1", "confirmed", "ReserveStock", units, "", 0]}
    deltas = [("reserved", "L1", units)]
    return given.fact(sku, seq, deltas, kind="ReservationConfirmed", body=body)


async def test_a_sku_shows_its_numbers_its_channels_and_who_was_promised_what(
    reader: Reader,
) -> None:
    await reader.fill(
        given.item("s", "Oat milk 1 l"),
        *stock("s", "L1", 1205, 1),
        *stock("s", "L2", -3, 2),
        reserved("s", 3, "4711"),
        given.position("s", "L1", 3, on_hand=1205, reserved=2),
        given.availability("web", "s", 2, 900),
        given.listing_state("web", "s", 2, "rejected", applied_version=1, applied_quantity=7),
        given.exception("bad_quantity", "s", 1),
    )
    found = await page(reader.client, "/console/skus/s")
    assert "Oat milk 1 l" in found.text
    assert "May be promised 1,203" in found.text
    assert "Missing 3" in found.text
    assert "SKU s: 1202 units are on hand" in found.text
    assert "the channel refused it, or it was given up" in found.text
    assert "/console/orders/web/4711" in found.links
    assert "/console/exceptions/0-0" in found.links
    assert "/console/trace/c-1" in found.links
    assert "stockfold explain s" in found.text


async def test_the_dated_chart_has_its_figures_beside_it(reader: Reader) -> None:
    await reader.fill(*stock("s", "L1", 5, 1))
    found = await page(reader.client, "/console/skus/s", days=7)
    assert '<svg class="atp-chart"' in found.source
    assert "Units of s that may be promised: 5 for" in found.text
    assert found.source.count('data-label="May be promised"') == 7
    await page(reader.client, "/console/skus/s", 422, days=100_000)


async def test_the_journal_is_paged_from_the_newest_without_gap_or_repeat(reader: Reader) -> None:
    await reader.fill(*(given.fact("s", n, [("on_hand", "L1", 1)]) for n in range(1, 46)))
    seen: list[int] = []
    path = "/console/skus/s"
    while path:
        found = await page(reader.client, path)
        cells = found.source.split('<th scope="row" class="n">')[1:]
        seen += [int(cell.split("<")[0]) for cell in cells]
        path = next((link for link in found.links if "before=" in link), "")
    assert seen == list(range(45, 0, -1))


async def test_the_slider_shows_a_moment_by_both_times_without_a_script(reader: Reader) -> None:
    minute = 60_000_000
    await reader.fill(
        given.fact("s", 1, [("on_hand", "L1", 8)]),
        given.fact("s", 2, [("on_hand", "L1", -2)], recorded_us=given.NOW_US + minute),
    )
    found = await page(reader.client, "/console/skus/s", step=1)
    assert "8 units could be promised as it was known then" in found.text
    assert 'name="step" type="range" min="1" max="2" value="1"' in found.source
    by_time = await page(reader.client, "/console/skus/s", at="2026-11-01T12:00:00.000")
    assert "could be promised as it was known then" in by_time.text
    for wrong in ({"step": "9"}, {"step": "x"}, {"at": "yesterday"}, {"step": "9" * 30}):
        refused = await page(reader.client, "/console/skus/s", **wrong)
        assert 'role="alert"' in refused.source
    late = await page(
        reader.client, "/console/skus/s", at="2026-11-01T12:00:00", known_at="2026-10-01T12:00:00"
    )
    assert "cannot be known before it" in late.text


async def test_a_sku_is_found_by_its_name_its_code_and_a_part_of_it(reader: Reader) -> None:
    await reader.fill(
        given.item("OAT-1", "Oat milk"),
        given.item("OAT-2", "Oat bread"),
        given.alias("ean", "4001234567890", "OAT-1"),
        given.alias("shop", "77", "OAT-1"),
        given.alias("market", "77", "OAT-2"),
        *stock("OAT-1", "L1", 1, 1),
    )

    async def find(text: str) -> tuple[int, str]:
        answer = await reader.client.get("/console/skus", params={"sku": text})
        return answer.status_code, answer.headers.get("location", answer.text)

    assert await find("OAT-1") == (303, "/console/skus/OAT-1")
    assert await find(" 4001234567890 ") == (303, "/console/skus/OAT-1")
    assert await find("milk") == (303, "/console/skus/OAT-1")
    status, several = await find("77")
    assert (status, several.count("/console/skus/OAT-")) == (200, 2)
    assert "market calls it 77" in several
    status, several = await find("oat")
    assert (status, several.count("/console/skus/OAT-")) == (200, 2)
    status, none = await find("50%_")
    assert status == 200
    assert "stockfold catalog import" in none
    unknown = await page(reader.client, "/console/skus/oat-9", 404)
    assert "Nothing that you may see is called oat-9" in unknown.text
    assert (await find(""))[0] == 200


@pytest.mark.parametrize(
    "sku", [HOSTILE, "a/b", "/a//b/", "100% + ü&?#;", "a b", "..", "-x", "a\nb"]
)
async def test_a_sku_of_any_name_is_shown_as_text_and_linked_to_itself(
    reader: Reader, sku: str
) -> None:
    await reader.fill(
        *stock(sku, "L1", 5, 1),
        reserved(sku, 2, sku),
        given.item(sku, HOSTILE),
        given.alias(HOSTILE, "code", sku),
        given.availability("web", sku, 1, 5),
        given.listing_state("web", sku, 1, "rejected", listing=HOSTILE),
        given.exception(HOSTILE, sku, 1),
    )
    answer = await reader.client.get("/console/skus", params={"sku": sku})
    assert answer.status_code == 303
    found = await page(reader.client, answer.headers["location"])
    assert " ".join(sku.split()) in found.text
    assert HOSTILE in found.text
    listed = await page(reader.client, "/console/reservations")
    assert answer.headers["location"] in listed.links
    if sku not in ("..", "a\nb"):
        again = await page(reader.client, f"/console/skus/{quote(sku, safe='')}")
        assert again.links == found.links
