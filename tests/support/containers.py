"""The same servers in Docker, through testcontainers, for machines that have it."""

from __future__ import annotations

from typing import Any

KAFKA_IMAGE = "confluentinc/cp-kafka:8.1.0"
POSTGRES_IMAGE = "postgres:18-alpine"

# What the embedded broker is given too.
BROKER_SETTINGS = {
    "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
    "KAFKA_TRANSACTION_ABORT_TIMED_OUT_TRANSACTION_CLEANUP_INTERVAL_MS": "1000",
    "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "8",
    "KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS": "8",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
}


class ContainerKafka:
    """Kafka in a container; see ``stockfold.runtime.embedded.servers.Server``."""

    def __init__(self) -> None:
        from testcontainers.community.kafka import KafkaContainer  # noqa: PLC0415 - an extra

        self._container: Any = KafkaContainer(KAFKA_IMAGE).with_kraft()
        for name, value in BROKER_SETTINGS.items():
            self._container.with_env(name, value)
        self._running = False

    def start(self) -> str:
        """See ``Server.start``."""
        self._container.start()
        self._running = True
        return str(self._container.get_bootstrap_server())

    def stop(self) -> None:
        """See ``Server.stop``."""
        if self._running:
            self._container.stop()
            self._running = False

    def is_running(self) -> bool:
        """See ``Server.is_running``."""
        return self._running


class ContainerPostgres:
    """PostgreSQL in a container; see ``stockfold.runtime.embedded.servers.Server``."""

    def __init__(self) -> None:
        from testcontainers.community.postgres import PostgresContainer  # noqa: PLC0415 - an extra

        self._container: Any = PostgresContainer(POSTGRES_IMAGE, driver=None)
        self._running = False

    def start(self) -> str:
        """See ``Server.start``."""
        self._container.start()
        self._running = True
        return str(self._container.get_connection_url())

    def stop(self) -> None:
        """See ``Server.stop``."""
        if self._running:
            self._container.stop()
            self._running = False

    def is_running(self) -> bool:
        """See ``Server.is_running``."""
        return self._running
