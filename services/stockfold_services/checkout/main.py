"""The reservation process: checkouts ask over HTTP, and get what the ledger has decided."""

from __future__ import annotations

import asyncio

from stockfold.runtime.access import Access
from stockfold.runtime.http_server import serve_app
from stockfold.runtime.serve import serve_async
from stockfold.runtime.settings import Settings
from stockfold_services.checkout.app import create_app


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until ``stop``. SettingsError when the address cannot be had.

    Kafka may come and go: while it is away, requests are answered with 503. Without any API key it
    listens on this machine alone, whatever ``checkout.host`` says.
    """
    async with Access(settings, "checkout") as access:
        host = await access.host(settings.checkout.host, stop)
        await serve_app(
            create_app(settings, access),
            "checkout",
            host,
            settings.checkout.port,
            stop,
            connections_max=settings.checkout.connections_max,
        )


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    serve_async("checkout", run)


if __name__ == "__main__":
    main()
