"""One trace from a shop's webhook, or an ERP's event, to the shop's response, on a real Kafka."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from tests.conftest import NewEnvironment
from tests.support import webhook_shop
from tests.support.collector import Collector, SeenSpan
from tests.support.command_line import stockfold, stockfold_json
from tests.support.console import HOSTILE, Page, page
from tests.support.gateway import STRUCTURED, event, gateway, in_thread
from tests.support.kafka_io import committed, wait_for
from tests.support.running_ledger import ledger, running
from tests.support.serving import availability, projector
from tests.support.webhook_shop import CHANNEL, SECRET
from tests.support.woo_orders import PERSONAL
from tests.support.woo_shop import Shop, ShopServer

from stockfold.channels.woocommerce.webhooks import TOPICS
from stockfold.contracts.topics import DELIVERIES, JOURNAL
from stockfold.domain.errors import SettingsError
from stockfold.runtime.settings import Settings
from stockfold.runtime.shop_publishing_settings import ShopPublishingSettings
from stockfold.runtime.telemetry.spans import pipeline
from stockfold_services.api.app import create_app
from stockfold_services.cli.policy import publish_policies
from stockfold_services.erp.main import run as erp
from stockfold_services.orders.main import run as orders
from stockfold_services.publisher.main import run as publisher

pytestmark = pytest.mark.integration

TRACE = "0af7651916cd43dd8448eb211c80319c"
SENT = f"00-{TRACE}-b7ad6b7169203331-01"
UNSAMPLED = SENT[:-1] + "0"
SKU = "A"


@contextmanager
def everything(settings: Settings) -> Iterator[httpx.Client]:
    """Every service between a webhook and the shop's response; a client of the gateway."""
    with ExitStack() as running_:
        for service in (
            ledger(settings),
            running(orders, settings),
            availability(settings),
            projector(settings),
            running(erp, settings),
            running(in_thread(publisher), settings),
        ):
            running_.enter_context(service)
        yield running_.enter_context(gateway(settings))


def settings_of(
    new_environment: NewEnvironment, server: ShopServer, dsn: str, folder: Path, **telemetry: object
) -> Settings:
    settings = new_environment(
        kafka={"order_partitions": 1, "sku_partitions": 1},
        telemetry={"export_every_s": 0.2, **telemetry},
        erp={"kind": "file", "folder": folder},
        postgres={"dsn": dsn},
    )
    update = {
        "locations": ["DC"],
        "publishing": ShopPublishingSettings(mode="live", coverage="reported"),
    }
    channel = webhook_shop.channel(server.url).model_copy(update=update)
    return webhook_shop.with_channels(settings, channel)


def ways_up(spans: list[SeenSpan], of: SeenSpan) -> list[str]:
    """The services and names of a span and of all that it is under, the span itself first."""
    by_id = {span.span_id: span for span in spans}
    found = []
    here: SeenSpan | None = of
    while here is not None:
        found.append(f"{here.service}: {here.name}")
        here = by_id.get(here.parent_id)
    return found


def received(client: httpx.Client, quantity: int, trace: str, correlation: str) -> None:
    """The ERP tells of goods that came."""
    told = event(
        SKU,
        id=correlation,
        data={"quantity": quantity},
        correlationid=correlation,
        traceparent=trace,
    )
    headers = {"content-type": STRUCTURED}

    def taken() -> bool:
        """503 says: send it again, under the same id."""
        answer = client.post("/v1/events", content=json.dumps(told), headers=headers)
        assert answer.status_code in (202, 503), answer.text
        return answer.status_code == 202

    wait_for("its acknowledgement", taken)


def sold(client: httpx.Client, shop: Shop) -> str:
    """Sell two, and let the webhook tell; the order's correlation id."""
    for topic in TOPICS:
        url = f"{client.base_url}/v1/webhooks/{CHANNEL}"
        shop.webhooks.add({"topic": topic, "delivery_url": url, "secret": SECRET})
    order = shop.sell(SKU, 2)
    assert set(shop.webhooks.deliver(lambda one: webhook_shop.post(client, one))) == {200}
    return f"{CHANNEL}|{order.id}"


def stages(settings: Settings, correlation: str) -> set[str]:
    """The stages that a journey has reached in the read model."""
    try:
        return {step["stage"] for step in stockfold_json(settings, "trace", correlation)["steps"]}
    except SettingsError:
        return set()


async def pages_of(settings: Settings, correlation: str) -> Page:
    """The console's page of a journey; others say what they are asked, or that there is none."""
    app = create_app(settings, None)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://testserver") as client,
    ):
        await page(client, "/console/trace")
        asked = await client.get("/console/trace", params={"q": correlation})
        assert asked.headers["location"] == f"/console/trace/{quote(correlation, safe='')}"
        await page(client, f"/console/trace/{quote(HOSTILE, safe='')}", 404)
        return await page(client, f"/console/trace/{quote(correlation, safe='')}")


def correlations(spans: list[SeenSpan]) -> set[str]:
    """Every correlation id that spans tell."""
    told = "stockfold.correlation_id"
    return {span.attributes[told] for span in spans if told in span.attributes}


def said(caplog: pytest.LogCaptureFixture, correlation: str) -> dict[str, set[str]]:
    """What each service has logged of a correlation id."""
    found: dict[str, set[str]] = {}
    for record in caplog.records:
        if getattr(record, "correlation_id", "") == correlation:
            found.setdefault(record.name.split(".")[1], set()).add(record.getMessage())
    return found


def test_a_webhook_and_an_erps_event_are_one_trace_each_to_the_shops_response(
    new_environment: NewEnvironment,
    postgres: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "stockfold_services")
    shop = Shop()
    shop.add_products([SKU], 0)
    with Collector() as collector, ShopServer(shop) as server:
        settings = settings_of(
            new_environment, server, postgres, tmp_path, endpoint=collector.url, sample_ratio=1.0
        )
        publish_policies(settings)
        prefix = settings.prefix

        def shows(quantity: int) -> None:
            wait_for(f"{quantity} for sale", lambda: shop.stock([SKU])[SKU] == quantity)

        with everything(settings) as client:
            # The first is told by whatever comes first, it or the policy.
            received(client, 1, UNSAMPLED, "po-6")
            shows(1)
            received(client, 10, SENT, "po-7")
            shows(11)
            correlation = sold(client, shop)
            shows(9)
            wait_for("the ERP's copy", lambda: list(tmp_path.rglob("*.json")))
            wait_for(
                "every delivery",
                lambda: (
                    {r.record["correlation_id"] for r in committed(settings, DELIVERIES)}
                    >= {"po-7", correlation}
                ),
            )
            journal = committed(settings, JOURNAL)
            wait_for("its journey", lambda: "delivery" in stages(settings, correlation))
            found = stockfold_json(settings, "trace", correlation)
            printed = stockfold(settings, "trace", correlation)
            pages = asyncio.run(pages_of(settings, correlation))
        pipeline(settings.telemetry).flush()

    receipt = collector.of_trace(TRACE)
    assert receipt[0].parent_id == "b7ad6b7169203331", "it goes on with the ERP's own span"
    assert correlations(receipt) == {"po-7"}
    there = next(span for span in receipt if (span.service, span.name) == ("publisher", "POST"))
    assert there.attributes["http.response.status_code"] == 200
    way = [
        "publisher: POST",
        f"publisher: process {prefix}stockfold.availability.v1",
        f"availability: process {prefix}stockfold.positions.v1",
    ]
    assert ways_up(receipt, there) == [
        *way,
        "ledger: process stockfold.receipts.v1",
        f"gateway: send {prefix}stockfold.receipts.v1",
    ]

    webhook = next(
        span.trace_id
        for span in collector.spans
        if correlations([span]) == {correlation} and span.service == "gateway"
    )
    whole = collector.of_trace(webhook)
    assert correlations(whole) == {correlation}
    assert {span.service for span in whole} == {
        "gateway",
        "orders",
        "ledger",
        "availability",
        "publisher",
        "projector",
        "erp",
    }
    there = next(span for span in whole if (span.service, span.name) == ("publisher", "POST"))
    assert ways_up(whole, there) == [
        *way,
        "ledger: process stockfold.reservations.v1",
        "orders: process stockfold.orders.v1",
        f"gateway: send {prefix}stockfold.orders.v1",
        "gateway: POST /v1/webhooks/{channel}",
    ]
    assert not [span for span in collector.spans if "po-6" in correlations([span])]
    told = [read.record["correlation_id"] for read in journal if read.name != "InputsRead"]
    assert told == ["po-6", "po-7", correlation]
    steps = found["steps"]
    order = ["input", "order", "journal", "answer", "availability", "delivery"]
    assert [stage for stage in order if stage in {step["stage"] for step in steps}] == order
    assert [step["at"] for step in steps] == sorted(step["at"] for step in steps)
    assert found["took_us"] > 0
    assert f"{CHANNEL}: {SKU} applied, 9 shown" in printed
    assert f"{CHANNEL}: {SKU} applied, 9 shown" in pages.text
    assert f"/console/skus/{SKU}" in pages.links
    assert stages(settings, "no-such-thing") == set()
    order_number = correlation.partition("|")[2]
    logged = said(caplog, correlation)
    assert logged["gateway"] == {
        f"order {order_number} of channel {CHANNEL} is taken from its webhook"
    }
    assert logged["orders"] >= {
        f"order {correlation} is reserving (told)",
        f"order {correlation} is confirmed (complete)",
    }
    assert logged["availability"] == {f"{CHANNEL} may show 9 of {SKU}, version 3"}
    assert logged["publisher"] == {f"channel {CHANNEL}, {SKU}: version 3 applied, 9 shown"}
    assert any("the ERP has it (created)" in message for message in logged["erp"])
    assert said(caplog, "po-7").keys() == {"gateway", "availability", "publisher"}
    ours = b"".join(collector.bodies)
    assert not [word for word in PERSONAL.values() if word.encode() in ours]
    assert SECRET.encode() not in ours


def test_services_serve_as_ever_while_the_collector_is_away(
    new_environment: NewEnvironment, postgres: str, tmp_path: Path
) -> None:
    shop = Shop()
    shop.add_products([SKU], 0)
    with ShopServer(shop) as server:
        settings = settings_of(
            new_environment,
            server,
            postgres,
            tmp_path,
            endpoint="http://127.0.0.1:9",
            sample_ratio=1.0,
            queue_spans_max=4,
        )
        publish_policies(settings)
        with everything(settings) as client:
            received(client, 3, SENT, "po-8")
            wait_for("three for sale", lambda: shop.stock([SKU])[SKU] == 3)
