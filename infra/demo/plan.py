"""What to run, and with which settings."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from infra.demo import expected
from infra.demo.dataset import LINES_ALL
from infra.demo.derivation import CENTRE, World
from infra.demo.messages import location
from tests.support.woo_shop import ShopServer

from stockfold.domain.errors import SettingsError
from stockfold.runtime.embedded import ports
from stockfold.runtime.settings import Settings
from stockfold.runtime.telemetry.endpoint import PLACES

API_PORT = 8080
METRICS_PORT = 9464
ZONE = "America/New_York"
REMEMBER_FROM_S = 1_467_331_200
"""1 July 2016: what occurred before is older than the ledger's horizon for repeats."""
CITY_STORES = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run."""

    lines: int | None = 20_000
    seed: int = 1
    data_dir: Path | None = None
    api_port: int | None = None
    sku_partitions: int = 8

    @property
    def lines_count(self) -> int:
        """The lines asked for, as a number."""
        return LINES_ALL if self.lines is None else min(self.lines, LINES_ALL)

    @property
    def folder(self) -> Path:
        """The data folder: one per demo, so that one never meets another's events."""
        if self.data_dir is not None:
            return self.data_dir.expanduser().absolute()
        return (Path(".data") / f"demo-{self.lines or 'all'}-seed{self.seed}").absolute()

    @property
    def marker(self) -> Path:
        """The file that says what was fed."""
        return self.folder / "demo" / "fed.json"


def channels_of(world: World) -> list[expected.Channel]:
    """Two channels: all locations, and the busiest stores with a unit of safety stock."""
    busiest = (
        world.lines.group_by("store")
        .len()
        .sort(["len", "store"], descending=[True, False])
        .head(CITY_STORES)["store"]
    )
    city = tuple(location(store) for store in [CENTRE, *busiest])
    return [expected.Channel("web", None, 0), expected.Channel("city", city, 1)]


def settings_of(
    plan: Plan,
    world: World,
    channels: list[expected.Channel],
    servers: dict[str, ShopServer],
) -> Settings:
    """The demo's settings. No file or environment is read, so that it never meets a real shop."""
    stores = sorted({CENTRE, *world.lines["store"], *world.moves["to"]})
    port = _port(plan)
    horizon_s = int(time.time()) - REMEMBER_FROM_S
    return Settings.model_validate(
        {
            "environment": {"data_dir": plan.folder},
            "kafka": {"sku_partitions": plan.sku_partitions},
            "ledger": {
                # The lines are of 2017: nothing of them may be too old, and nothing is forgotten.
                "dedupe_horizon_s": horizon_s,
                "movement_horizon_s": horizon_s,
                "dedupe_events_max": 5_000_000,
                # Order decides here; a machine under load may keep older inputs waiting for long.
                "merge_wait_ms": 2_000,
            },
            "api": {"port": port},
            "gateway": {"port": ports.free_port()},
            "checkout": {"port": ports.free_port()},
            "metrics": {"port": _metrics_port()},
            "channels": [
                {
                    "name": channel.name,
                    "kind": "woocommerce",
                    "url": servers[channel.name].url,
                    "consumer_key": servers[channel.name].shop.consumer_key,
                    "consumer_secret": servers[channel.name].shop.consumer_secret,
                    "zone": ZONE,
                    "locations": None if channel.locations is None else list(channel.locations),
                    "safety_stock": channel.safety_stock,
                    "low_stock": 2,
                    "publishing": {"mode": "live", "coverage": "reported"},
                    # A year of sales in minutes is no working day.
                    "guards": {"zeros_percent": 0, "changes_percent": 0},
                }
                for channel in channels
            ],
            "locations": [{"name": location(store), "zone": ZONE} for store in stores],
        }
    )


def _metrics_port() -> int:
    """The first of three free ports in a row: one for each process."""
    port = METRICS_PORT
    while not all(ports.is_free(port + place) for place in range(len(PLACES))):
        port = ports.free_port()
    return port


def _port(plan: Plan) -> int:
    """The API's port: the one asked for, else the usual one if it is free, else a free one."""
    if plan.api_port is None:
        return API_PORT if ports.is_free(API_PORT) else ports.free_port()
    if not ports.is_free(plan.api_port):
        raise SettingsError(
            f"port {plan.api_port} is in use by {ports.listener(plan.api_port)}",
            where="--api-port",
            remedy="Stop that process, or leave the option out: a free port is then taken.",
        )
    return plan.api_port
