"""The receiver that the HTTP channel's page shows, run as it stands there."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.conftest import NewEnvironment
from tests.support.http_channel import SECRET, adapter, kinds, updates, written
from tests.support.publishing import availability_service, deliveries

from stockfold.channels import Answer, OutcomeKind, Response, StockUpdate
from stockfold.channels.http import HttpChannel
from stockfold.runtime.embedded.ports import free_port
from stockfold.runtime.settings import Settings
from stockfold_services.publisher.main import run

pytestmark = pytest.mark.integration

EXAMPLE = Path(__file__).parents[2] / "infra/examples/http_receiver.py"
LINES_MAX = 45
START_S = 20.0


@contextmanager
def receiver() -> Iterator[httpx.Client]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, str(EXAMPLE), str(port)],
        env={**os.environ, "STOCKFOLD_SECRET": SECRET},
        stderr=subprocess.DEVNULL,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            ends_s = time.monotonic() + START_S
            while True:
                try:
                    client.post("/", content=b"")
                    break
                except httpx.ConnectError:
                    assert process.poll() is None, "the receiver has ended"
                    assert time.monotonic() < ends_s, "the receiver does not come up"
                    time.sleep(0.05)
            yield client
    finally:
        process.terminate()
        process.wait(10)


def send(
    client: httpx.Client, channel: HttpChannel, *wanted: StockUpdate, late_s: int = 0
) -> Answer:
    request = written(channel, *wanted)
    signed = channel.authorize(request, int(time.time()) - late_s, os.urandom(8).hex())
    told = client.post(signed.path, content=signed.body, headers=dict(signed.headers))
    return channel.receive(request, Response(told.status_code, dict(told.headers), told.content))


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with receiver() as found:
        yield found


def test_it_applies_what_is_newer_and_says_of_each_item_what_became_of_it(
    client: httpx.Client,
) -> None:
    channel = adapter()
    answer = send(client, channel, *updates("SKU-1001", "SKU-none", quantity=7, version=2))
    assert kinds(answer) == [
        ("SKU-1001", OutcomeKind.APPLIED, ""),
        ("SKU-none", OutcomeKind.UNMAPPED, "unmapped"),
    ]
    assert [(one.sku, one.quantity) for one in answer.observed] == [("SKU-1001", 7)]
    again = send(client, channel, *updates("SKU-1001", quantity=0, version=2))
    assert kinds(again) == [("SKU-1001", OutcomeKind.APPLIED, "")]
    older = send(client, channel, *updates("SKU-1001", quantity=9, version=1))
    late = send(client, channel, *updates("SKU-1001", quantity=9, version=2), late_s=30)
    for answer in (older, late):
        assert kinds(answer) == [("SKU-1001", OutcomeKind.REJECTED, "stale")]


def test_it_tells_what_it_shows(client: httpx.Client) -> None:
    answer = send(client, adapter(reads=True), *updates("SKU-1001", "SKU-none"))
    assert kinds(answer) == [("SKU-none", OutcomeKind.UNMAPPED, "unmapped")]
    assert [one.sku for one in answer.observed] == ["SKU-1001"]


def test_it_answers_a_message_without_items(client: httpx.Client) -> None:
    channel = adapter()
    signed = channel.authorize(channel.probe(updates("A")), int(time.time()), "probe")
    told = client.post("/stockfold", content=signed.body, headers=dict(signed.headers))
    assert (told.status_code, told.json()) == (200, {"results": []})


def test_it_takes_nothing_from_a_stranger(client: httpx.Client) -> None:
    stranger = adapter("whsec_" + "A" * 32)
    answer = send(client, stranger, *updates("SKU-1001", quantity=99, version=99))
    assert answer.trouble is not None
    assert answer.trouble.code == "http_401"
    unsigned = client.post("/stockfold", content=b'{"data":{"items":[]}}')
    assert unsigned.status_code == 401
    late = send(client, adapter(), *updates("SKU-1001", version=99), late_s=400)
    assert late.trouble is not None


async def test_the_publisher_sends_it_what_kafka_says(
    new_environment: NewEnvironment, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECEIVER_SECRET", SECRET)
    settings = new_environment(
        channels=[
            {
                "name": "own",
                "kind": "http",
                "url": str(client.base_url).rstrip("/"),
                "credentials": {"secret": "env:RECEIVER_SECRET"},
                "publishing": {"mode": "live", "coverage": "reported"},
            }
        ]
    )
    stop = asyncio.Event()
    async with availability_service(settings) as service:
        for quantity in (7, 0, 3):
            await service.publish("own", [("SKU-1001", quantity), ("SKU-none", quantity)])
        # Versions go on where the tests before have left them.
        await service.publish("own", [("SKU-1001", units) for units in (9, 8, 5)])
        task = asyncio.create_task(run(settings, stop))
        async with asyncio.timeout(60):
            while len(found := await told(settings)) < 2:
                continue
        stop.set()
        await task
    assert found["SKU-1001", 6] == ("applied", 5)
    assert found["SKU-none", 3][0] == "unmapped"
    asked = send(client, adapter(reads=True), *updates("SKU-1001"))
    assert [one.quantity for one in asked.observed] == [5]


async def told(settings: Settings) -> dict[tuple[str, int], tuple[str, int]]:
    """The outcome and quantity of each version that was not overtaken."""
    return {
        (record["sku"], record["version"]): (record["outcome"], record["quantity"])
        for _, record in await deliveries(settings)
        if record["outcome"] != "superseded"
    }


def test_the_page_shows_it_as_it_is() -> None:
    text = EXAMPLE.read_text("utf-8")
    page = EXAMPLE.parents[1] / "docs/channel-http.md"
    assert f"```python\n{text}```" in page.read_text("utf-8")
    assert sum(bool(line.strip()) for line in text.splitlines()) <= LINES_MAX
