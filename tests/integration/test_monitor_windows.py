"""What the monitor told is shown by the api and the console, the latest of each window."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from stockfold.contracts.codec import encode
from stockfold.contracts.topics import MONITOR
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.one_record import send_one
from stockfold.runtime.settings import Settings
from stockfold_services.api.app import create_app

pytestmark = pytest.mark.integration

HOUR_US = 3_600_000_000


def tell(settings: Settings, **values: Any) -> None:
    now = SYSTEM_CLOCK.now_us()
    body = {
        "what": "inventory_propagation", "channel": "woo-de", "sku": "", "began_at": now,
        "ends_at": now + HOUR_US, "count": 0, "within": 0, "target_ms": 60_000, "worst_ms": 0,
        "total_ms": 0, "recorded_at": now, **values,
    }  # fmt: skip
    key = f"{body['what']}|{body['channel']}|{body['sku']}|{values.get('key', '')}"
    value = encode("stockfold.MonitorWindow", {k: v for k, v in body.items() if k != "key"})
    send_one(settings, MONITOR, key, value, what="a window", remedy="")


async def test_the_latest_of_each_window_is_told_and_shown(environment: Settings) -> None:
    tell(environment, key="1", count=10, within=10)
    tell(environment, key="1", count=200, within=180, worst_ms=90_000)
    tell(environment, what="stock_out", sku="A <b>", ends_at=None, count=1, target_ms=0)
    tell(environment, what="stock_out", sku="B", count=1, worst_ms=120_000, target_ms=0)
    app = create_app(environment, None)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        found = (await client.get("/v1/monitor", params={"what": "inventory_propagation"})).json()
        page = await client.get("/console/monitor", headers={"accept": "text/html"})
        tell(environment, key="2", count=1, within=1, began_at=SYSTEM_CLOCK.now_us() - HOUR_US)
        for _ in range(200):
            more = (await client.get("/v1/monitor", params={"channel": "woo-de"})).json()
            if len(more["windows"]) == 4:
                break
            await asyncio.sleep(0.1)
    app.state.watched.close()
    (hour,) = found["windows"]
    assert (hour["count"], hour["share"]) == (200, 0.9)
    assert len(more["windows"]) == 4
    assert page.status_code == 200
    for said in ("90.0 %", "Sold out now", "A &lt;b&gt;", "Was sold out", "2 min"):
        assert said in page.text, said
