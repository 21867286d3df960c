"""The HTTP application: questions with answers that say how old they are, and the console."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import Depends, FastAPI

from stockfold.runtime.access import Access
from stockfold.runtime.desk.following import FollowedDesk
from stockfold.runtime.followed_audit import FollowedAudit
from stockfold.runtime.settings import Settings
from stockfold.runtime.telemetry.http import Measured
from stockfold.runtime.with_headers import WithHeaders
from stockfold_services.api import problems
from stockfold_services.api.changes import Changes
from stockfold_services.api.channels import Channels
from stockfold_services.api.console import (
    assets,
    audit_page,
    channel_acts,
    channels_page,
    exception_acts,
    exceptions_page,
    live,
    monitor_page,
    order_acts_page,
    orders_page,
    overview_page,
    rebuild_page,
    reference_page,
    reservations_page,
    runbooks_page,
    sku_page,
    topology_page,
    trace_page,
    versions_page,
)
from stockfold_services.api.console.bounded import Bounded
from stockfold_services.api.console.frame import problem_page
from stockfold_services.api.console.queues import Queues
from stockfold_services.api.database import Database
from stockfold_services.api.freshness import Waiting
from stockfold_services.api.guard import Guard
from stockfold_services.api.inventory_checks import InventoryChecks
from stockfold_services.api.kits import Kits
from stockfold_services.api.look_ups import LookUps
from stockfold_services.api.monitor_windows import Windows
from stockfold_services.api.observing import observing
from stockfold_services.api.proofs import Proofs
from stockfold_services.api.remote_versions import Remotes
from stockfold_services.api.routes import (
    availability,
    batch,
    changes,
    channel_proofs,
    channel_versions,
    channels,
    contracts,
    dated,
    deliveries,
    exceptions,
    findings,
    health,
    inventory_check,
    journal,
    listings,
    monitor,
    order_cases,
    positions,
    promises,
    questions,
    reservations,
    runbooks,
    skus,
    sourcing,
)
from stockfold_services.api.scope import within_scope
from stockfold_services.api.sign_in import sign_in_page
from stockfold_services.api.sign_in.callers import Callers
from stockfold_services.api.terms import ChannelTerms

_ROUTERS = (
    positions,
    questions,  # Before skus, whose path takes everything.
    dated,
    promises,
    skus,
    findings,
    sourcing,
    batch,
    changes,
    availability,
    journal,
    reservations,
    exceptions,
    runbooks,
    deliveries,
    channel_proofs,
    channel_versions,
    channels,
    inventory_check,
    listings,
    monitor,
    order_cases,
    contracts,
    health,
)
_PAGES = (
    assets,
    live,
    overview_page,
    rebuild_page,
    topology_page,
    reference_page,
    sku_page,
    order_acts_page,
    orders_page,
    reservations_page,
    sign_in_page,
    exceptions_page,
    exception_acts,
    channels_page,
    channel_acts,
    audit_page,
    versions_page,
    monitor_page,
    trace_page,
    runbooks_page,
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
}


def create_app(settings: Settings, access: Access | None) -> FastAPI:
    """The application over the read model of ``settings``. Nothing is connected yet.

    ``access`` knows who may ask; None where nobody else can reach it.
    """
    database = Database(settings)
    terms = ChannelTerms(settings)
    proofs = Proofs(settings)
    watched = Windows(settings)
    modes = Channels(settings)
    bounded = Bounded()
    queues = Queues(settings)
    callers = Callers(settings, access)
    checks = InventoryChecks(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        queues.start()
        async with observing(settings, database, queues), checks:
            yield
        await queues.close()
        bounded.close()
        terms.close()
        proofs.close()
        watched.close()
        await callers.close()
        await database.close()

    app = FastAPI(
        title="stockfold",
        version=version("stockfold"),
        description="Inventory availability, read from the event log. Every answer carries its "
        "journal position and its age.",
        lifespan=lifespan,
        responses=problems.RESPONSES,
        dependencies=[Depends(within_scope)],
        # The usual pages load scripts from elsewhere; /docs is rendered here instead.
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.prefix = settings.prefix
    app.state.callers = callers
    app.state.form_secret = callers.form_secret
    app.state.database = database
    app.state.waiting = Waiting(database)
    app.state.terms = terms
    app.state.proofs = proofs
    app.state.modes = modes
    app.state.checks = checks
    app.state.remotes = Remotes(settings)
    app.state.watched = watched
    app.state.kits = Kits(settings)
    app.state.changes = Changes(database)
    app.state.places = {place.name: place for place in settings.locations}
    app.state.bounded = bounded
    app.state.desk = FollowedDesk(settings)
    app.state.audit = FollowedAudit(settings)
    app.state.live = live.Live()
    app.state.queues = queues
    problems.install(app, problem_page)
    app.add_middleware(LookUps, database=database)
    app.add_middleware(Guard, callers=callers, checks=checks)
    app.add_middleware(WithHeaders, headers=_HEADERS)
    app.add_middleware(Measured, service="api")
    routers = [module.router for module in (*_ROUTERS, *_PAGES)]
    for router in routers:
        app.include_router(router)
    app.state.pages = {route.path for router in routers for route in router.routes}
    return app
