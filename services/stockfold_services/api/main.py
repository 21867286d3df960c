"""The api process: answers questions from the read model, and changes nothing."""

from __future__ import annotations

import asyncio

from stockfold.runtime.access import Access
from stockfold.runtime.http_server import serve_app
from stockfold.runtime.serve import serve_async
from stockfold.runtime.settings import Settings
from stockfold_services.api.app import create_app


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until ``stop``. SettingsError when the address cannot be had.

    PostgreSQL may come and go: while it is away, questions are answered with 503. So they are until
    the API keys were read from Kafka once. Without any key it listens on this machine alone,
    whatever ``api.host`` says.
    """
    by_oidc = settings.oidc.issuer is not None
    async with Access(settings, "api", browsers=True, always=by_oidc) as access:
        app = create_app(settings, access)
        host = await access.host(settings.api.host, stop)
        if not stop.is_set():

            def end_streams() -> None:
                app.state.changes.close()
                app.state.live.close()

            await serve_app(app, "api", host, settings.api.port, stop, end_streams)


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    serve_async("api", run)


if __name__ == "__main__":
    main()
