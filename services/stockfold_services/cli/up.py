"""``stockfold up``: everything, supervised, until Ctrl-C."""

from __future__ import annotations

from urllib.parse import urlsplit

from rich.console import Console

from stockfold.runtime import logs
from stockfold.runtime.settings import Settings, load
from stockfold.runtime.telemetry.endpoint import ports_of
from stockfold_services.cli.output import AsJson, ConfigFile, print_json
from stockfold_services.cli.running import Stockfold, interrupt_once


def up(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Start the servers that are not set, the topics and all services; Ctrl-C stops them."""
    settings = load(config)
    logs.configure("stockfold")
    interrupt_once()
    try:
        with Stockfold(settings) as running:
            _announce(running.settings, as_json=as_json)
            running.wait()
    except KeyboardInterrupt:
        Console(stderr=True).print("stopped")


def _announce(settings: Settings, *, as_json: bool) -> None:
    addresses = {
        "api": f"http://{settings.api.host}:{settings.api.port}",
        "docs": f"http://{settings.api.host}:{settings.api.port}/docs",
        "gateway": f"http://{settings.gateway.host}:{settings.gateway.port}",
        "checkout": f"http://{settings.checkout.host}:{settings.checkout.port}",
        **{
            f"metrics of {name}": f"http://{settings.metrics.host}:{port}/metrics"
            for name, port in ports_of(settings).items()
        },
        "kafka": settings.kafka.bootstrap,
        "postgres": _shown_dsn(settings),
        "data": str(settings.environment.data_dir),
    }
    if as_json:
        print_json(addresses)
        return
    console = Console(stderr=True, highlight=False)
    for name, address in addresses.items():
        console.print(f"{name:<22} {address}", markup=False)
    console.print("Ctrl-C stops everything")


def _shown_dsn(settings: Settings) -> str | None:
    """The DSN itself when it holds no password, such as the embedded server's."""
    dsn = settings.postgres.dsn
    if dsn is None or not dsn.is_plain or urlsplit(dsn.resolve()).password:
        return dsn.reference if dsn else None
    return dsn.resolve()
