"""The HTTP application of the reservation service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI, Request
from fastapi.responses import Response

from stockfold.runtime import problems
from stockfold.runtime.access import Access
from stockfold.runtime.acknowledged import AcknowledgedProducer
from stockfold.runtime.http_bodies import Budget
from stockfold.runtime.settings import Settings
from stockfold.runtime.telemetry.http import Measured
from stockfold.runtime.telemetry.requests import TracedRequests
from stockfold.runtime.telemetry.tracing import traces_of
from stockfold.runtime.with_headers import WithHeaders
from stockfold_services.checkout import routes
from stockfold_services.checkout.book import Book
from stockfold_services.checkout.commands import Commands
from stockfold_services.checkout.following import Following
from stockfold_services.checkout.running import Gone, Running

CLIENT_CLOSED = 499
"""nginx's number for a caller who has left; nobody reads it."""


async def _nobody(_: Request, __: Exception) -> Response:
    return Response(status_code=CLIENT_CLOSED)


def create_app(settings: Settings, access: Access) -> FastAPI:
    """The application; Kafka is connected when it starts, and may be away."""
    traces = traces_of(settings, "checkout")
    producer = AcknowledgedProducer(settings, traces=traces)
    book = Book(settings.checkout.reservations_max)
    following = Following(settings, book)
    running = Running(Commands(producer, settings.prefix, book), settings.checkout)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with producer, following:
            yield
            await running.close()

    app = FastAPI(
        title="stockfold reservations",
        version=version("stockfold"),
        description="Reserves for checkouts, and answers with what the ledger has decided.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.parts = routes.Parts(settings, access, book, following, running, Budget())
    problems.install(app)
    app.add_middleware(Measured, service="checkout")
    app.add_middleware(TracedRequests, traces=traces)
    app.add_exception_handler(Gone, _nobody)
    app.add_middleware(WithHeaders)
    app.include_router(routes.router)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """200 while this process lives; asks nobody else."""
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> dict[str, str]:
        """200 when it knows who may ask and what was decided lately, else 503."""
        if not access.is_known:
            raise problems.Problem(503, "Not ready", "The API keys were not read from Kafka yet.")
        if not following.is_caught_up:
            raise problems.Problem(503, "Not ready", "Decisions of late are still being read.")
        return {"status": "ready"}

    return app
