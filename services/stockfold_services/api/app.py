"""The HTTP application: read-only, every answer says how old it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse

from stockfold.domain.errors import StockfoldError
from stockfold.runtime.settings import Settings
from stockfold_services.api import pages, problems
from stockfold_services.api.database import Database
from stockfold_services.api.freshness import Waiting
from stockfold_services.api.overview import counts, projector_state
from stockfold_services.api.routes import (
    availability,
    batch,
    contracts,
    dated,
    deliveries,
    exceptions,
    findings,
    health,
    journal,
    positions,
    promises,
    questions,
    reservations,
    skus,
)
from stockfold_services.api.terms import ChannelTerms

_ROUTERS = (
    positions,
    questions,  # Before skus, whose path takes everything.
    dated,
    promises,
    skus,
    findings,
    batch,
    availability,
    journal,
    reservations,
    exceptions,
    deliveries,
    contracts,
    health,
)
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
}


def create_app(settings: Settings) -> FastAPI:
    """The application over the read model of ``settings``. Nothing is connected yet."""
    database = Database(settings)
    terms = ChannelTerms(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        terms.close()
        await database.close()

    app = FastAPI(
        title="stockfold",
        version=version("stockfold"),
        description="Inventory availability, read from the event log. Every answer carries its "
        "journal position and its age.",
        lifespan=lifespan,
        # The usual pages load scripts from elsewhere; /docs is rendered here instead.
        docs_url=None,
        redoc_url=None,
    )
    app.state.prefix = settings.prefix
    app.state.database = database
    app.state.waiting = Waiting(database)
    app.state.terms = terms
    app.state.zones = {place.name: place.zone for place in settings.locations}
    problems.install(app)
    app.middleware("http")(_with_headers)
    for module in _ROUTERS:
        app.include_router(module.router)
    _add_pages(app, database)
    return app


async def _with_headers(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await call_next(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _add_pages(app: FastAPI, database: Database) -> None:
    @app.get("/", include_in_schema=False)
    async def index() -> HTMLResponse:
        """Counts, freshness and links, for people."""
        try:
            async with database.reading() as connection:
                page = pages.index(await projector_state(connection), await counts(connection))
        except StockfoldError as error:
            return HTMLResponse(pages.index(None, [], f"{error.what}. {error.remedy}"), 503)
        return HTMLResponse(page)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        """The interface, for people."""
        return HTMLResponse(pages.interface(app.openapi()))
