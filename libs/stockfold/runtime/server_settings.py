"""The environment, and the servers that every service uses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    Field,
    PositiveFloat,
    model_validator,
)

from stockfold.runtime.secret import SecretRef, is_loopback_url
from stockfold.runtime.settings_fields import HttpUrl, Port, Prefix, Section, absolute


def is_secret_option(name: str) -> bool:
    """True for a librdkafka option that holds a secret."""
    return name.endswith((".password", ".pem", ".secret", ".jaas.config"))


class EnvironmentSettings(Section):
    """What separates this environment from others on the same servers."""

    prefix: Prefix = Field(
        default="",
        description="Prefix of topics, consumer groups, transactional ids and schema subjects.",
    )
    data_dir: Annotated[Path, AfterValidator(absolute)] = Field(
        default=Path(".data"), description="Folder of the embedded servers' data, logs and ports."
    )
    stall_limit_s: PositiveFloat = Field(
        default=120.0,
        description="After so long in one call, or with records that wait and are not read, a "
        "service starts its clients or itself anew. Longer than restoring a snapshot takes.",
    )


class KafkaSettings(Section):
    """The Kafka to use."""

    bootstrap: str | None = Field(
        default=None,
        min_length=3,
        description="Servers as host:port,host:port. Unset: an embedded broker.",
    )
    sku_partitions: int = Field(
        default=8, ge=1, le=10_000, description="Partitions of every topic that is keyed by SKU."
    )
    order_partitions: int = Field(
        default=8, ge=1, le=10_000, description="Partitions of every topic that is keyed by order."
    )
    replication: int = Field(
        default=1, ge=1, le=10, description="Replication factor of created topics."
    )
    options: dict[str, str] = Field(
        default_factory=dict,
        description="Further librdkafka options, such as security.protocol. A value may be a "
        "secret reference: env:NAME or file:/path.",
    )
    embedded_port: Port | None = Field(
        default=None, description="Port of the embedded broker. Unset: a free one, remembered."
    )
    embedded_heap_mb: int = Field(
        default=256, ge=128, le=65_536, description="Java heap of the embedded broker, in MiB."
    )

    @model_validator(mode="after")
    def _secrets_by_reference(self) -> Self:
        here = all(is_loopback_url(f"//{server}") for server in (self.bootstrap or "").split(","))
        for name, value in self.options.items():
            if name == "bootstrap.servers":
                raise ValueError("options: bootstrap.servers is the setting kafka.bootstrap")
            if is_secret_option(name) and SecretRef(value).is_plain and not here:
                raise ValueError(
                    f"options: {name} is plain text; write a reference: env:NAME or file:/path"
                )
        return self


class PostgresSettings(Section):
    """The PostgreSQL to use."""

    dsn: SecretRef | None = Field(
        default=None,
        description="Connection URI by reference (env:NAME, file:/path). Plain text is taken only "
        "for a server on this machine. Unset: an embedded server.",
    )

    @model_validator(mode="after")
    def _plain_only_here(self) -> Self:
        dsn = self.dsn
        if dsn is not None and dsn.is_plain and not is_loopback_url(dsn.resolve()):
            raise ValueError(
                "dsn is plain text; a server elsewhere needs a reference: env:NAME or file:/path"
            )
        return self


class RegistrySettings(Section):
    """The schema registry to use beside the schemas that ship with stockfold."""

    url: HttpUrl | None = Field(
        default=None,
        description="A Confluent-compatible registry, for producers with ids of its own. Unset: "
        "the ids of the lock file alone.",
    )
    user: str | None = Field(default=None, min_length=1, description="User, when it wants one.")
    password: SecretRef | None = Field(default=None, description="Password, by reference.")
    connect_timeout_s: PositiveFloat = Field(
        default=1.0, description="Time to connect, in seconds."
    )
    request_timeout_s: PositiveFloat = Field(
        default=3.0, description="Time of one request, in seconds."
    )
    verify_tls: bool = Field(default=True, description="Check the registry's certificate.")

    @model_validator(mode="after")
    def _secret_by_reference(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together: set both or none")
        here = self.url is None or is_loopback_url(self.url)
        if self.password is not None and self.password.is_plain and not here:
            raise ValueError(
                "password is plain text; a registry elsewhere needs a reference: env:NAME or "
                "file:/path"
            )
        return self
