"""What services tell about themselves: names, labels, and the port."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from stockfold.domain.errors import SettingsError
from stockfold.runtime.embedded import ports
from stockfold.runtime.settings import Settings
from stockfold.runtime.telemetry import measures
from stockfold.runtime.telemetry.declare import DECLARED, LABELS, REGISTRY, Told, gauge
from stockfold.runtime.telemetry.endpoint import PLACES, ports_of, telling
from stockfold.runtime.telemetry.http import Measured
from stockfold.runtime.telemetry.objectives import judge
from stockfold_services.cli.child import SERVICES


def _value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_names_follow_the_conventions_of_prometheus() -> None:
    for name, declared in DECLARED.items():
        assert re.fullmatch(r"stockfold_[a-z0-9_]+", name)
        assert name.endswith("_total") == (declared.kind == "counter"), name
        assert not name.endswith(("_bucket", "_sum", "_count")), name
        assert declared.doc.endswith("."), name


def test_a_label_that_nothing_bounds_cannot_be_declared() -> None:
    with pytest.raises(AssertionError, match="sku"):
        gauge("stockfold_by_sku", "No.", "sku")
    assert not {"sku", "order", "path", "url", "reason"} & set(LABELS)


def test_a_process_says_nothing_of_what_it_does_not_know(port: int) -> None:
    told = Told("unit_told", "Of this test.", registry=None)
    assert "unit_told" not in _scrape(port)
    told.set(0)
    told.set(7)
    assert _scrape(port)["unit_told"] == 7


def test_every_label_that_is_explained_is_used() -> None:
    used = {label for declared in DECLARED.values() for label in declared.labels}
    assert used == set(LABELS)


@pytest.fixture
def port() -> Iterator[int]:
    found = ports.free_port()
    with telling(Settings(), "unit", found):
        yield found


def _scrape(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_what_was_counted_is_told_at_the_port(port: int) -> None:
    before = _scrape(port)["stockfold_ledger_repeats_total"]
    measures.LEDGER_REPEATS.inc(3)
    found = _scrape(port)
    assert found["stockfold_ledger_repeats_total"] == before + 3
    assert found["process_resident_memory_bytes"] > 0
    assert not [name for name in found if name.endswith("_created")]


def test_without_a_port_nothing_listens_and_a_taken_one_is_told_of(port: int) -> None:
    assert Settings().metrics.port is None
    with telling(Settings(), "unit", None):
        pass
    with pytest.raises(SettingsError, match=rf"port {port}.*metrics\.port"):
        telling(Settings(), "unit", port).__enter__()


def test_the_processes_of_up_take_neighbouring_ports() -> None:
    assert ports_of(Settings()) == {}
    found = ports_of(Settings(metrics={"port": 9464}))
    assert found == {"ledger": 9464, "snapshotter": 9465, "services": 9466}
    assert tuple(SERVICES) == PLACES


async def test_a_request_is_counted_by_its_route_and_never_by_what_was_asked_for() -> None:
    app = FastAPI()
    app.add_middleware(Measured, service="unit")

    @app.get("/skus/{sku:path}")
    async def sku(sku: str) -> str:
        return sku

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://unit") as client:
        for path in ("/skus/a", "/skus/b/c", "/nowhere/4711", "/broken"):
            await client.get(path)
        await client.request("BREW", "/skus/a")

    def count(route: str, method: str, status: str) -> float:
        labels = {"service": "unit", "route": route, "method": method, "status": status}
        return _value("stockfold_http_requests_total", **labels)

    assert count("/skus/{sku:path}", "GET", "200") == 2
    assert count("none", "GET", "404") == 1
    assert count("/broken", "GET", "500") == 1
    assert count("/skus/{sku:path}", "other", "405") == 1
    assert _value("stockfold_http_request_seconds_count", service="unit", route="none") == 1


def test_an_objective_judges_each_thing_once() -> None:
    settings = Settings(objectives={"order_ingestion": {"within_s": 2, "percent": 99}})
    orders = judge(settings, "order_ingestion")
    orders.took("unit", 1.9)
    orders.took("unit", 2.1)
    orders.failed("unit")
    labels = {"objective": "order_ingestion", "channel": "unit"}
    assert _value("stockfold_slo_events_total", **labels) == 3
    assert _value("stockfold_slo_good_total", **labels) == 1


def test_the_objectives_of_the_settings_are_told(port: int) -> None:
    del port
    assert _value("stockfold_slo_objective_ratio", objective="inventory_propagation") == 0.99
    assert _value("stockfold_slo_within_seconds", objective="inventory_propagation") == 60
