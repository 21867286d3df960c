"""The demo with everything that the console shows: real order lines, and orders of its shops."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import httpx
from infra.demo.messages import CENTRE_NAME
from infra.demo.plan import Plan
from infra.demo.run import Demo, started
from infra.demo.screen import Screen

from stockfold.runtime.embedded.ports import free_port

WAIT_S_MAX = 60.0
ORDER = "1001"
OVERSOLD = "1002"


@dataclass(frozen=True)
class Shown:
    """A running console, and what is in it."""

    url: str
    gateway: str
    sku: str
    exception: str
    demo: Demo

    def pages(self) -> dict[str, str]:
        """Every page by its name."""
        return {
            "overview": "/console/",
            "channels": "/console/channels",
            "channel": "/console/channels/web",
            "exceptions": "/console/exceptions",
            "exception": f"/console/exceptions/{self.exception}",
            "sku": f"/console/skus/{quote(self.sku, safe='')}",
            "skus": "/console/skus",
            "orders": "/console/orders",
            "order": f"/console/orders/web/{ORDER}",
            "reservations": "/console/reservations",
            "rebuild": "/console/rebuild",
            "topology": "/console/topology",
            "topology-ledger": "/console/topology?of=ledger",
            "versions": "/console/versions",
            "monitor": "/console/monitor",
            "traces": "/console/trace",
            "trace": f"/console/trace/web-{ORDER}-1",
            "runbooks": "/console/runbooks",
            "runbook": "/console/runbooks/channel-halted",
            "sign-in": "/console/sign-in",
            "audit": "/console/audit",
            "tables": "/console/tables",
            "interface": "/docs",
            "contracts": "/contracts",
            "contract": "/contracts/GoodsReceived",
        }

    def tell(self, kind: str, identity: str, data: dict[str, object]) -> None:
        """Send an event, as a producer over HTTP does."""
        event = {
            "specversion": "1.0",
            "id": identity,
            "source": "/console-demo",
            "type": f"stockfold.{kind}",
            "time": _now(),
            "data": data,
        }
        answer = httpx.post(
            f"{self.gateway}/v1/events",
            json=event,
            headers={"content-type": "application/cloudevents+json"},
            timeout=20,
        )
        assert answer.status_code == 202, answer.text

    def receive(self, sku: str, quantity: int, identity: str) -> None:
        """Goods of a SKU come in."""
        body = {
            "sku": sku,
            "location": CENTRE_NAME,
            "quantity": quantity,
            "document": identity,
        }
        self.tell("GoodsReceived", identity, body)


@contextmanager
def shown(lines: int, folder: Path) -> Iterator[Shown]:
    """The demo, fed and compared, with two orders of the shop "web": one can be served."""
    plan = Plan(lines, 1, folder, free_port())
    with started(plan, Screen()) as demo:
        report = demo.report()
        assert report.holds, "the demo's own comparison differs"
        settings = demo.running.settings
        url = f"http://127.0.0.1:{settings.api.port}"
        raised = httpx.get(f"{url}/v1/exceptions?limit=1", timeout=20).json()["exceptions"][0]
        found = Shown(
            url,
            f"http://127.0.0.1:{settings.gateway.port}",
            _busiest(url),
            raised["id"],
            demo,
        )
        _sell(found)
        yield found


def _sell(console: Shown) -> None:
    """Two orders, one of them beyond all stock; until the read model has both."""
    for order, quantity in ((ORDER, 1), (OVERSOLD, 1_000_000)):
        body: dict[str, object] = {
            "channel": "web",
            "order": order,
            "revision": 1,
            "occurred_at": _now(),
            "status": "processing",
            "accepted": True,
            "lines": [{"line": "1", "code": console.sku, "quantity": quantity}],
        }
        console.tell("OrderChanged", f"web-{order}-1", body)
    until = time.monotonic() + WAIT_S_MAX
    for order in (ORDER, OVERSOLD):
        while httpx.get(f"{console.url}/console/orders/web/{order}", timeout=20).status_code != 200:
            assert time.monotonic() < until, f"order {order} is not in the read model"
            time.sleep(0.3)


def _busiest(url: str) -> str:
    """A SKU that has stock in several places."""
    rows = httpx.get(f"{url}/v1/positions?limit=1000", timeout=20).json()["positions"]
    places: dict[str, int] = {}
    for row in rows:
        places[row["sku"]] = places.get(row["sku"], 0) + (row["atp"] > 0)
    return max(places, key=lambda sku: (places[sku], sku))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
