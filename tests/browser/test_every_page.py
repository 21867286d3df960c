"""Every page fits a phone and a desk, by day and by night, and can be read by everybody."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Open
from tests.support.console_demo import Shown

PAGES = (
    "overview",
    "channels",
    "channel",
    "exceptions",
    "exception",
    "versions",
    "monitor",
    "traces",
    "trace",
    "runbooks",
    "runbook",
    "sign-in",
    "audit",
    "sku",
    "skus",
    "orders",
    "order",
    "reservations",
    "rebuild",
    "topology",
    "topology-ledger",
    "tables",
    "interface",
    "contracts",
    "contract",
)
CONTRAST_MIN = 4.5
"""WCAG 2.2, success criterion 1.4.3, for text of usual size."""

# The contrast of every visible text with the nearest opaque ground beneath it.
FAINT = """
(least) => {
  const parse = (text) => {
    const probe = document.createElement("canvas").getContext("2d");
    probe.fillStyle = text;
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = probe.getImageData(0, 0, 1, 1).data;
    return { r, g, b, a: a / 255 };
  };
  const part = (v) => (v <= 10 ? v / 3294.6 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const light = (c) => 0.2126 * part(c.r) + 0.7152 * part(c.g) + 0.0722 * part(c.b);
  const over = (top, below) => ({
    r: top.r * top.a + below.r * (1 - top.a),
    g: top.g * top.a + below.g * (1 - top.a),
    b: top.b * top.a + below.b * (1 - top.a),
    a: 1,
  });
  const ground = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      if (colour.a > 0) layers.push(colour);
      if (colour.a === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), { r: 255, g: 255, b: 255 });
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    const text = walk.currentNode.textContent.trim();
    if (!text || element.closest("svg, .unseen, .skip, option, [disabled]")) continue;
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const style = getComputedStyle(element);
    const below = ground(element);
    const [a, b] = [light(over(parse(style.color), below)), light(below)];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < least) found.push(`${contrast.toFixed(2)} ${text.slice(0, 40)}`);
  }
  return found;
}
"""
UNNAMED = """
() => [...document.querySelectorAll(
    "input, select, textarea, button, a[href], [role=img], summary")]
  .filter((one) => one.type !== "hidden" && one.checkVisibility())
  .filter((one) => !(one.labels?.length || one.getAttribute("aria-label") ||
    one.getAttribute("aria-labelledby") || one.textContent.trim()))
  .map((one) => one.outerHTML.slice(0, 120))
"""


def wide_things(page: Page) -> list[str]:
    """What makes the page wider than its window."""
    return page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? [] :
        [...document.querySelectorAll("main *")]
          .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
          .slice(0, 3).map((one) => one.outerHTML.slice(0, 160))"""
    )


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_a_page_fits_and_can_be_read(
    console: Shown, open_page: Open, name: str, width: int, scheme: str
) -> None:
    page = open_page(console.pages()[name], width, scheme)
    assert page.title().endswith("stockfold")
    assert page.locator("h1").count() == 1
    assert wide_things(page) == []
    assert page.evaluate(FAINT, CONTRAST_MIN) == []
    assert page.evaluate(UNNAMED) == []


def test_every_entry_of_the_navigation_leads_to_a_page(open_page: Open) -> None:
    page = open_page("/console/")
    links = page.locator(".side a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert len(links) >= 12
    for link in links:
        answer = page.goto(link)
        assert answer is not None
        assert answer.status == 200, link
        assert page.locator(f'.side a[aria-current="page"][href="{link}"]').count() == 1


@pytest.mark.parametrize("name", ["overview", "sku", "topology"])
def test_a_page_is_whole_without_scripts(console: Shown, open_page: Open, name: str) -> None:
    page = open_page(console.pages()[name], 390, script=False)
    assert page.locator("h1").is_visible()
    assert page.locator("main table, main svg").first.is_visible()
    page.locator(".menu summary").click()
    page.get_by_role("link", name="Contracts").click()
    assert page.url.endswith("/contracts")


def test_rows_are_cards_on_a_phone_with_their_heads_before_the_cells(open_page: Open) -> None:
    page = open_page("/contracts/GoodsReceived", 390)
    cell = page.locator("table.stack td").first
    assert cell.evaluate("one => getComputedStyle(one).display") == "flex"
    assert cell.evaluate("one => getComputedStyle(one, '::before').content") == '"Type"'


def test_a_page_that_is_not_there_says_so_and_leads_on(open_page: Open, console: Shown) -> None:
    page = open_page("/console/")
    answer = page.request.get(f"{console.url}/contracts/No", headers={"accept": "text/html"})
    assert answer.status == 404
    assert "<h1>Not known</h1>" in answer.text()
    assert 'href="/console/">To the overview' in answer.text()
