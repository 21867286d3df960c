"""What a scenario works in: the servers of the run, and an environment of the scenario's own."""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stockfold.contracts.topics import JOURNAL
from stockfold.runtime.embedded.kafka import EmbeddedKafka
from stockfold.runtime.embedded.postgres import EmbeddedPostgres
from stockfold.runtime.kafka import ensure_topics
from stockfold.runtime.settings import Settings
from stockfold.runtime.steps import TRACE
from stockfold_services.cli.policy_publish import publish_policies
from tests.faults.feeder import Feeder
from tests.faults.observer import Observer
from tests.faults.processes import SERVICES, Service
from tests.faults.workload import CHANNEL, PARTITIONS, SAFETY_STOCK, Workload
from tests.support.servers import server_folder
from tests.support.woo_shop import Shop, ShopServer

LOGS = Path("build/faults")
STEPS_PASSED = LOGS / "steps"


@dataclass
class Servers:
    """The Kafka and the PostgreSQL of a run, which scenarios may kill and start again."""

    folder: Path
    kafka: EmbeddedKafka
    postgres: EmbeddedPostgres
    bootstrap: str = ""
    dsn: str = ""

    def start(self) -> None:
        """Start both, where they are not running."""
        if not self.kafka.is_running():
            self.bootstrap = self.kafka.start()
        if not self.postgres.is_running():
            self.dsn = self.postgres.start()

    def stop(self) -> None:
        """Stop both."""
        try:
            self.postgres.stop()
        finally:
            self.kafka.stop()


@contextmanager
def servers(folder: Path | None = None) -> Iterator[Servers]:
    """Both servers, started, and stopped whatever happens; in a folder of their own."""
    with ExitStack() as stack:
        place = folder or stack.enter_context(server_folder())
        both = Servers(place, EmbeddedKafka(place / "kafka"), EmbeddedPostgres(place / "postgres"))
        stack.callback(both.stop)
        both.start()
        yield both


class Site:
    """One environment: settings, topics, shop, service processes, feeder and observer."""

    def __init__(
        self, both: Servers, name: str, seed: int, shop: ShopServer, sections: dict[str, Any]
    ) -> None:
        self.servers = both
        self.name = name
        self.seed = seed
        self.shop = shop.shop
        self.workload = Workload(seed)
        self.shop.add_products(self.workload.skus, 999)
        self.folder = LOGS / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.document = {
            "environment": {
                "prefix": f"f{uuid.uuid4().hex[:10]}.",
                "data_dir": str((self.folder / "data").absolute()),
            },
            "kafka": {"bootstrap": both.bootstrap, "sku_partitions": PARTITIONS},
            "postgres": {"dsn": both.dsn},
            "snapshots": {"every_s": 2},
            "channels": [
                {
                    "name": CHANNEL,
                    "kind": "woocommerce",
                    "url": shop.url,
                    "consumer_key": self.shop.consumer_key,
                    "consumer_secret": self.shop.consumer_secret,
                    "safety_stock": SAFETY_STOCK,
                    "publishing": {"mode": "live", "coverage": "reported"},
                    "guards": {"zeros_percent": 0, "changes_percent": 0},
                }
            ],
        }
        for section, values in sections.items():
            known = self.document.get(section, {})
            self.document[section] = values if isinstance(values, list) else {**known, **values}
        self.settings = Settings.model_validate(self.document)
        self.services: dict[str, Service] = {}
        ensure_topics(self.settings)
        publish_policies(self.settings)
        self.feeder = Feeder(self.settings, self.workload)
        self.observer = Observer(self.settings)

    def service(self, name: str, instance: str = "", **sections: dict[str, Any]) -> Service:
        """A service that is not started yet; ``instance`` names one more of its kind."""
        label = instance or name
        document = {**self.document}
        if instance:
            sections.setdefault(name, {})["instance"] = instance
        for section, values in sections.items():
            document[section] = {**document.get(section, {}), **values}
        config = self.folder / f"{label}.toml"
        config.write_text(toml(document), "utf-8")
        service = Service(name, config, self.folder / f"{label}.log")
        service.environment[TRACE] = str(STEPS_PASSED.absolute())
        self.services[label] = service
        return service

    def snapshots(self, partition: int) -> list[Path]:
        """The partition's snapshot files, oldest first."""
        folder = self.settings.environment.data_dir / "snapshots"
        topic = JOURNAL.full_name(self.settings.prefix)
        return sorted((folder / topic / str(partition)).glob("*.snapshot"))

    def start(self, *names: str) -> None:
        """Start services, all of them unless named."""
        for name in names or SERVICES:
            (self.services.get(name) or self.service(name)).start()

    def stop(self) -> None:
        """Stop everything of the environment."""
        try:
            for service in self.services.values():
                service.close()
        finally:
            self.observer.stop()
            self.feeder.abandon()


@contextmanager
def site(both: Servers, name: str, seed: int, **sections: Any) -> Iterator[Site]:
    """A new environment on the servers; everything in it stops whatever happens."""
    with ExitStack() as stack:
        shop = stack.enter_context(ShopServer(Shop()))
        made = Site(both, name, seed, shop, sections)
        stack.callback(made.stop)
        made.observer.start()
        yield made


def toml(document: dict[str, Any]) -> str:
    """The settings as TOML: sections of plain values, and lists of them."""
    lines: list[str] = []
    for section, values in document.items():
        for table in values if isinstance(values, list) else [values]:
            lines.append(f"[[{section}]]" if isinstance(values, list) else f"[{section}]")
            for name, value in table.items():
                if isinstance(value, dict):
                    inner = ", ".join(
                        f"{json.dumps(k)} = {json.dumps(v)}" for k, v in value.items()
                    )
                    lines.append(f"{name} = {{{inner}}}")
                else:
                    lines.append(f"{name} = {json.dumps(value)}")
    return "\n".join(lines) + "\n"


def changed(value: Callable[[], object]) -> Callable[[], bool]:
    """Whether the value is another one than it is now."""
    before = value()
    return lambda: value() != before


def until(holds: Callable[[], object], seconds: float) -> float | None:
    """Seconds until ``holds()`` is true; None when it is not in time."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > seconds:
            return None
        time.sleep(0.05)
    return time.monotonic() - began
