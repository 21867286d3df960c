"""The console as somebody uses it: by keyboard, live, from the overview to a number's story."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.support.console_demo import OVERSOLD, Shown

SOON_MS = 30_000


def test_the_first_tab_leads_past_the_navigation(open_page: Open) -> None:
    page = open_page("/console/")
    page.keyboard.press("Tab")
    skip = page.locator(".skip")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_whoever_tabs_sees_where_they_are(open_page: Open) -> None:
    page = open_page("/console/")
    for _ in range(4):
        page.keyboard.press("Tab")
    outline = page.evaluate(
        "(() => { const s = getComputedStyle(document.activeElement);"
        " return [s.outlineStyle, parseFloat(s.outlineWidth)]; })()"
    )
    assert outline[0] == "solid"
    assert outline[1] >= 2


def test_a_slash_leads_to_the_search_and_a_sku_to_its_page(console: Shown, open_page: Open) -> None:
    page = open_page("/console/")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Find a SKU")).to_be_focused()
    page.keyboard.type(console.sku)
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/skus/**")
    expect(page.get_by_role("heading", level=1)).to_contain_text(console.sku)


def test_the_menu_of_a_phone_leads_everywhere_and_closes_with_escape(open_page: Open) -> None:
    page = open_page("/console/", 390)
    menu = page.locator(".menu")
    menu.locator("summary").click()
    expect(menu.get_by_role("link", name="Topology")).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu.get_by_role("link", name="Topology")).to_be_hidden()
    menu.locator("summary").click()
    menu.get_by_role("link", name="Topology").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Topology")


def test_the_overview_follows_what_happens_without_being_loaded_again(
    console: Shown, open_page: Open
) -> None:
    page = open_page("/console/")
    expect(page.locator("[data-pulse]")).to_have_text("Live", timeout=SOON_MS)
    row = page.locator("#topics tr", has=page.get_by_text("receipts", exact=True))
    records = row.locator('td[data-label="Records"]')
    expect(records).to_be_visible(timeout=SOON_MS)
    before = records.inner_text()
    for number in range(3):
        console.receive(console.sku, 1, f"live-{number}")
    expect(records).not_to_have_text(before, timeout=SOON_MS)


def test_what_somebody_has_marked_is_not_taken_from_under_their_hands(
    console: Shown, open_page: Open
) -> None:
    page = open_page("/console/")
    expect(page.locator("[data-pulse]")).to_have_text("Live", timeout=SOON_MS)
    topics = page.locator("#topics")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#topics caption'))")
    topics.evaluate("one => { one.querySelector('caption').dataset.mine = 'yes' }")
    console.receive(console.sku, 1, "held")
    page.wait_for_timeout(5_000)
    assert topics.locator("caption[data-mine]").count() == 1
    page.evaluate("getSelection().removeAllRanges()")
    expect(topics.locator("caption[data-mine]")).to_have_count(0, timeout=SOON_MS)


def test_a_lost_connection_is_told(open_page: Open) -> None:
    page = open_page("/console/", may_fail=True)
    expect(page.locator("[data-pulse]")).to_have_text("Live", timeout=SOON_MS)
    page.route("**/console/live/**", lambda route: route.abort())
    page.reload()
    expect(page.locator("[data-pulse]")).to_contain_text("lost", timeout=SOON_MS)


def test_a_service_can_be_chosen_in_the_topology(open_page: Open) -> None:
    page = open_page("/console/topology")
    page.locator('svg a[href="/console/topology?of=publisher"]').first.click()
    expect(page.locator("main")).to_contain_text("Publisher takes part in")
    assert page.locator("svg .is-off").count() > 5


def test_an_oversold_order_is_led_to_from_the_orders(console: Shown, open_page: Open) -> None:
    page = open_page("/console/orders")
    page.get_by_role("link", name=OVERSOLD, exact=False).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(OVERSOLD)


@pytest.mark.parametrize("width", [390, 1280])
def test_a_number_leads_to_its_story(console: Shown, open_page: Open, width: int) -> None:
    page = open_page(console.pages()["sku"], width)
    expect(page.locator("main svg").first).to_be_visible()
    expect(page.locator("main table").first).to_be_visible()
