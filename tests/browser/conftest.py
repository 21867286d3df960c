"""One demo and one browser for all tests of pages; a page that complains fails its test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.support.chromium import chromium, executable
from tests.support.console_demo import Shown, shown

Open = Callable[..., Page]
LINES = 500


@pytest.fixture(scope="session")
def has_chromium() -> None:
    """Without a browser every test fails at once, and says how to get it."""
    try:
        executable()
    except FileNotFoundError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def console(has_chromium: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """A running console."""
    with shown(LINES, tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.fixture(scope="session")
def browser(console: Shown) -> Iterator[Browser]:
    """The browser, last: while it is open its driver's loop runs in this thread."""
    with chromium() as opened:
        yield opened


@pytest.fixture
def open_page(browser: Browser, console: Shown) -> Iterator[Open]:
    """Opens pages. Fails the test for whatever the browser complains of, CSP above all."""
    complaints: list[str] = []
    contexts = []

    def opened(
        path: str,
        width: int = 1280,
        scheme: str = "light",
        *,
        script: bool = True,
        may_fail: bool = False,
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 844},
            color_scheme=scheme,
            java_script_enabled=script,
            base_url=console.url,
        )
        contexts.append(context)
        page = context.new_page()
        if not may_fail:
            page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
