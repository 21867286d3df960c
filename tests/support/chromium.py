"""A real, headless Chromium of this machine. Nothing is downloaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MISSING = """no Chromium was found: the console's pages are tested in a real one.
where: CHROMIUM, and on the PATH: {names}
to do: install it (Debian, Ubuntu: apt-get install chromium), or set CHROMIUM=/path/to/chromium"""


def executable() -> str:
    """The browser to run: what CHROMIUM names, else the first on the PATH. FileNotFoundError."""
    named = os.environ.get("CHROMIUM")
    found = shutil.which(named) if named else next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise FileNotFoundError(MISSING.format(names=", ".join(NAMES)))
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser, for as long as it is wanted. FileNotFoundError without any."""
    path = executable()
    # Its sandbox refuses to work for root, as whom containers run tests.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=options)
        try:
            yield browser
        finally:
            browser.close()
