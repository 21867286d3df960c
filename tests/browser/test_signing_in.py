"""Where people sign in, as they see it once an API key exists: on a phone and at a desk."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from playwright.sync_api import Browser, expect

from stockfold.runtime.problems import Problem
from stockfold.runtime.settings import Settings
from stockfold_services.api.app import create_app
from tests.browser.test_every_page import CONTRAST_MIN, FAINT, UNNAMED, wide_things


class Closed:
    """Keys exist, and none that is told is one of them."""

    is_closed = True

    def holder(self, *_: object) -> None:
        raise Problem(401, "Key not known", "Check the API key, or have a new one made.")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    app = create_app(Settings(), Closed())
    server = uvicorn.Server(uvicorn.Config(app, ws="none", lifespan="off", log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    until = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < until, "the api did not start"
        time.sleep(0.005)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listener.close()


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (390, "light"), (1280, "light")])
def test_the_form_fits_and_says_what_is_wrong_with_a_key(
    browser: Browser, address: str, width: int, scheme: str
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme, base_url=address
    )
    page = context.new_page()
    page.goto("/console/sign-in?to=/console/skus")
    key = page.get_by_label("API key")
    assert key.get_attribute("type") == "password"
    key.fill("sf_no_such_key")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("Key not known")
    assert "sf_no_such_key" not in page.content()
    assert wide_things(page) == []
    assert page.evaluate(FAINT, CONTRAST_MIN) == []
    assert page.evaluate(UNNAMED) == []
    context.close()
