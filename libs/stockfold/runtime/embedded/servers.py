"""The servers that the settings ask for: somebody else's by address, or embedded ones."""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType
from typing import Protocol, Self

import asyncpg
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from stockfold.domain.errors import UnavailableError
from stockfold.runtime.embedded.folder import DataFolder, is_held
from stockfold.runtime.embedded.kafka import EmbeddedKafka
from stockfold.runtime.embedded.postgres import EmbeddedPostgres
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.secret import SecretRef
from stockfold.runtime.settings import Settings

log = logging.getLogger(__name__)

ANSWER_S_MAX = 15.0


class Server(Protocol):
    """A server that may have to be started."""

    def start(self) -> str:
        """Make it serve; its address. UnavailableError when it does not."""
        ...

    def stop(self) -> None:
        """End what ``start`` started; repeating it changes nothing."""
        ...

    def is_running(self) -> bool:
        """False when it has ended by itself."""
        ...


class ExternalKafka:
    """A Kafka that somebody else runs: looked for, never stopped."""

    def __init__(self, settings: Settings) -> None:
        self._config = confluent_config(settings)

    def start(self) -> str:
        """See ``Server.start``: the servers, once they answer."""
        address = str(self._config["bootstrap.servers"])
        try:
            AdminClient({**self._config, "log_level": 0}).list_topics(timeout=ANSWER_S_MAX)
        except KafkaException as error:
            raise UnavailableError(
                f"Kafka did not answer: {error}",
                where=f"kafka.bootstrap {address}",
                remedy="Check the address and that the broker runs, or unset it for an embedded "
                "one.",
            ) from error
        return address

    def stop(self) -> None:
        """See ``Server.stop``: it is not ours."""

    def is_running(self) -> bool:
        """See ``Server.is_running``: its own people watch it."""
        return True


class ExternalPostgres:
    """A PostgreSQL that somebody else runs: looked for, never stopped."""

    def __init__(self, dsn: SecretRef) -> None:
        self._dsn = dsn

    def start(self) -> str:
        """See ``Server.start``: the DSN, once it answers."""
        dsn = self._dsn.resolve()
        try:
            asyncio.run(self._connect(dsn))
        except (OSError, asyncpg.PostgresError, TimeoutError, ValueError) as error:
            raise UnavailableError(
                f"PostgreSQL did not answer: {error}",
                where=f"postgres.dsn {self._dsn.reference}",
                remedy="Check the address and that the server runs, or unset it for an embedded "
                "one.",
            ) from error
        return dsn

    @staticmethod
    async def _connect(dsn: str) -> None:
        connection = await asyncpg.connect(dsn, timeout=ANSWER_S_MAX)
        await connection.close()

    def stop(self) -> None:
        """See ``Server.stop``: it is not ours."""

    def is_running(self) -> bool:
        """See ``Server.is_running``: its own people watch it."""
        return True


class Servers:
    """Both servers of an environment; a context that starts and stops them.

    ``settings`` inside the context has the addresses filled in. The data folder is held as long
    as an embedded server runs.
    """

    def __init__(self, settings: Settings) -> None:
        self._given = settings
        self.settings = settings
        folder = settings.environment.data_dir
        self._folder = DataFolder(folder)
        self.kafka: Server = (
            ExternalKafka(settings)
            if settings.kafka.bootstrap is not None
            else EmbeddedKafka(
                folder / "kafka",
                port=settings.kafka.embedded_port,
                heap_mb=settings.kafka.embedded_heap_mb,
            )
        )
        dsn = settings.postgres.dsn
        self.postgres: Server = (
            ExternalPostgres(dsn) if dsn is not None else EmbeddedPostgres(folder / "postgres")
        )

    def __enter__(self) -> Self:
        self._folder.acquire()
        try:
            bootstrap = self.kafka.start()
            dsn = self.postgres.start()
        except BaseException:
            self.stop()
            raise
        self.settings = with_addresses(self._given, bootstrap, dsn)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop both and give the data folder back."""
        try:
            self.postgres.stop()
        finally:
            try:
                self.kafka.stop()
            finally:
                self._folder.release()

    def failed(self) -> str:
        """The name of a server that has ended by itself, or nothing."""
        if not self.kafka.is_running():
            return "Kafka"
        return "" if self.postgres.is_running() else "PostgreSQL"


def with_addresses(settings: Settings, bootstrap: str | None, dsn: str | None) -> Settings:
    """The settings with the servers' addresses filled in where none were given."""
    kafka, postgres = settings.kafka, settings.postgres
    if kafka.bootstrap is None and bootstrap is not None:
        kafka = kafka.model_copy(update={"bootstrap": bootstrap})
    if postgres.dsn is None and dsn is not None:
        postgres = postgres.model_copy(update={"dsn": SecretRef(dsn)})
    return settings.model_copy(update={"kafka": kafka, "postgres": postgres})


def attach(settings: Settings) -> Settings:
    """The settings with the addresses of the embedded servers that run on their data folder.

    For commands beside a running ``stockfold up``. Without one, the settings come back unchanged.
    """
    folder = settings.environment.data_dir
    if not is_held(folder):
        return settings
    kafka = EmbeddedKafka(folder / "kafka").remembered()
    postgres = EmbeddedPostgres(folder / "postgres").remembered()
    return with_addresses(settings, kafka, postgres)


def end_left_overs(folder: DataFolder) -> None:
    """End the embedded servers that a killed run left on a data folder which we now hold."""
    EmbeddedKafka(folder.path / "kafka").end_left_over()
    EmbeddedPostgres(folder.path / "postgres").end_left_over()
