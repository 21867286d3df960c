"""The HTTP application of the gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from stockfold.contracts.intake import Intake
from stockfold.runtime import problems
from stockfold.runtime.access import Access
from stockfold.runtime.acknowledged import AcknowledgedProducer
from stockfold.runtime.aliases import SkuNames, follow_sku_names
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.http_bodies import Budget
from stockfold.runtime.registry import open_registry
from stockfold.runtime.settings import Settings
from stockfold.runtime.telemetry.http import Measured
from stockfold.runtime.telemetry.requests import TracedRequests
from stockfold.runtime.telemetry.tracing import traces_of
from stockfold.runtime.with_headers import WithHeaders
from stockfold_services.gateway import events, files, webhooks
from stockfold_services.gateway.sending import Sending
from stockfold_services.gateway.webhook_shops import Shops


def create_app(settings: Settings, access: Access) -> FastAPI:
    """The application; Kafka is connected when it starts, and may be away."""
    traces = traces_of(settings, "gateway")
    producer = AcknowledgedProducer(settings, traces=traces)
    names = SkuNames()
    followed = follow_sku_names(settings, "gateway", names)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with producer, followed:
            yield

    app = FastAPI(
        title="stockfold gateway",
        version=version("stockfold"),
        description="Takes events over HTTP. 2xx means that Kafka has them on every replica.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.sending = Sending(producer, settings.prefix)
    app.state.settings = settings
    app.state.access = access
    app.state.intake = Intake(open_registry(settings), names.resolve)
    app.state.names_known = followed.known
    app.state.budget = Budget()
    app.state.body_bytes_max = settings.gateway.body_bytes_max
    app.state.shops = Shops(settings, producer, SYSTEM_CLOCK)
    app.state.webhook_budget = Budget(webhooks.BODIES_BYTES_MAX)
    app.state.webhook_bytes_max = settings.gateway.webhook_bytes_max
    problems.install(app)
    app.add_middleware(Measured, service="gateway")
    app.add_middleware(WithHeaders)
    app.add_middleware(TracedRequests, traces=traces)
    app.include_router(events.router)
    app.include_router(files.router)
    app.include_router(webhooks.router)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """200 while this process lives; asks nobody else."""
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> dict[str, str]:
        """200 when it knows who may send, else 503."""
        if not access.is_known:
            raise problems.Problem(503, "Not ready", "The API keys were not read from Kafka yet.")
        if not followed.known.is_set():
            raise problems.Problem(503, "Not ready", "The aliases were not read from Kafka yet.")
        return {"status": "ready"}

    return app
