"""The gateway process: takes events over HTTP, and answers when Kafka has them."""

from __future__ import annotations

import asyncio

from stockfold.runtime.access import Access
from stockfold.runtime.http_server import serve_app
from stockfold.runtime.serve import serve_async
from stockfold.runtime.settings import Settings
from stockfold_services.gateway.app import create_app

FILE_S_MAX = 4 * 3_600.0
"""A long file over a slow line; its sender is hung up on much sooner when nothing comes."""


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until ``stop``. SettingsError when the address cannot be had.

    Kafka may come and go: while it is away, events are answered with 503. Without any API key it
    listens on this machine alone, whatever ``gateway.host`` says.
    """
    host, port = settings.gateway.host, settings.gateway.port
    async with Access(settings, "gateway") as access:
        host = await access.host(host, stop)
        if not stop.is_set():
            app = create_app(settings, access)
            await serve_app(app, "gateway", host, port, stop, answer_s_max=FILE_S_MAX)


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    serve_async("gateway", run)


if __name__ == "__main__":
    main()
