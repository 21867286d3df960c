"""A broker that is new, for one benchmark."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from stockfold.runtime.embedded.kafka import EmbeddedKafka
from stockfold.runtime.settings import (
    EnvironmentSettings,
    KafkaSettings,
    LedgerSettings,
    Settings,
)
from stockfold_services.cli.running import interrupt_once


class Broker(NamedTuple):
    """Its address, a folder that lasts as long as it does, and its process."""

    bootstrap: str
    folder: Path
    pid: int | None = None

    def as_installed(self, prefix: str) -> Settings:
        """An environment with the settings that everyone starts with."""
        return Settings(
            environment=EnvironmentSettings(prefix=prefix, data_dir=self.folder / "data"),
            kafka=KafkaSettings(bootstrap=self.bootstrap),
        )

    def for_backlog(self, prefix: str, batch_ms: int = 1_000) -> Settings:
        """An environment whose ledger takes batches as large as a backlog allows."""
        ledger = LedgerSettings(batch_events_max=25_000, batch_ms_max=batch_ms)
        return self.as_installed(prefix).model_copy(update={"ledger": ledger})


@contextmanager
def new_broker(heap_mb: int = 256) -> Iterator[Broker]:
    """Started, and stopped at the end with all that it held: by a SIGTERM as by a Ctrl-C, too.

    From the main thread only, since it is there that signals are heard.
    """
    interrupt_once()
    with tempfile.TemporaryDirectory() as temporary:
        kafka = EmbeddedKafka(Path(temporary) / "kafka", heap_mb=heap_mb)
        bootstrap = kafka.start()
        try:
            yield Broker(bootstrap, Path(temporary), kafka.pid)
        finally:
            kafka.stop()
