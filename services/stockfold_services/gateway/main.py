"""The gateway process: takes events over HTTP, and answers when Kafka has them."""

from __future__ import annotations

import asyncio
import logging

from stockfold.runtime.http_server import serve_app
from stockfold.runtime.serve import serve_async
from stockfold.runtime.settings import Settings
from stockfold_services.gateway.access import HERE, Access
from stockfold_services.gateway.app import create_app

log = logging.getLogger(__name__)


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until ``stop``. SettingsError when the address cannot be had.

    Kafka may come and go: while it is away, events are answered with 503. Without any API key it
    listens on this machine alone, whatever ``gateway.host`` says.
    """
    host, port = settings.gateway.host, settings.gateway.port
    async with Access(settings) as access:
        if host not in HERE and not await access.a_key_exists(stop):
            if stop.is_set():
                return
            log.warning(
                "there is no API key: listening on %s, not on %s. Make one with `stockfold keys "
                "create`, then start the gateway again",
                HERE[0],
                host,
            )
            host = HERE[0]
        await serve_app(create_app(settings, access), "gateway", host, port, stop)


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    serve_async("gateway", run)


if __name__ == "__main__":
    main()
