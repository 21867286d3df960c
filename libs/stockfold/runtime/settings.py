"""The settings of every service, validated once.

Sources, strongest first: environment variables (``STOCKFOLD_KAFKA__BOOTSTRAP`` sets
``kafka.bootstrap``), the file ``stockfold.toml``, the defaults here. ``Settings(...)`` itself reads
nothing but its arguments; ``load`` reads the sources, ``explain`` tells where each value is from.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self

from pydantic import (
    Field,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from stockfold.runtime.channel_settings import ChannelSettings, LocationSettings
from stockfold.runtime.http_settings import ApiSettings, CheckoutSettings, GatewaySettings
from stockfold.runtime.metrics_settings import MetricsSettings, ObjectivesSettings
from stockfold.runtime.server_settings import (
    EnvironmentSettings,
    KafkaSettings,
    PostgresSettings,
    RegistrySettings,
    is_secret_option,
)
from stockfold.runtime.service_settings import (
    AvailabilitySettings,
    ErpSettings,
    LedgerSettings,
    OrdersSettings,
    ProjectorSettings,
    SnapshotSettings,
)
from stockfold.runtime.sign_in_settings import OidcSettings, SignInSettings
from stockfold.runtime.telemetry_settings import TelemetrySettings

__all__ = [
    "ApiSettings",
    "AvailabilitySettings",
    "ChannelSettings",
    "CheckoutSettings",
    "EnvironmentSettings",
    "ErpSettings",
    "GatewaySettings",
    "KafkaSettings",
    "LedgerSettings",
    "LocationSettings",
    "MetricsSettings",
    "ObjectivesSettings",
    "OidcSettings",
    "OrdersSettings",
    "PostgresSettings",
    "ProjectorSettings",
    "RegistrySettings",
    "Settings",
    "SignInSettings",
    "SnapshotSettings",
    "TelemetrySettings",
    "is_secret_option",
    "load",
]


class Settings(BaseSettings):
    """All settings of stockfold."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        validate_default=True,
        env_prefix="STOCKFOLD_",
        env_nested_delimiter="__",
    )

    environment: EnvironmentSettings = Field(default_factory=EnvironmentSettings)
    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    postgres: PostgresSettings = Field(default_factory=PostgresSettings)
    registry: RegistrySettings = Field(default_factory=RegistrySettings)
    ledger: LedgerSettings = Field(default_factory=LedgerSettings)
    snapshots: SnapshotSettings = Field(default_factory=SnapshotSettings)
    availability: AvailabilitySettings = Field(default_factory=AvailabilitySettings)
    orders: OrdersSettings = Field(default_factory=OrdersSettings)
    erp: ErpSettings = Field(default_factory=ErpSettings)
    api: ApiSettings = Field(default_factory=ApiSettings)
    gateway: GatewaySettings = Field(default_factory=GatewaySettings)
    checkout: CheckoutSettings = Field(default_factory=CheckoutSettings)
    projector: ProjectorSettings = Field(default_factory=ProjectorSettings)
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings)
    metrics: MetricsSettings = Field(default_factory=MetricsSettings)
    objectives: ObjectivesSettings = Field(default_factory=ObjectivesSettings)
    sign_in: SignInSettings = Field(default_factory=SignInSettings)
    oidc: OidcSettings = Field(default_factory=OidcSettings)
    channels: list[ChannelSettings] = Field(
        default_factory=list, description="The sales channels, [[channels]] in the file."
    )
    locations: list[LocationSettings] = Field(
        default_factory=list, description="The locations, [[locations]] in the file."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only arguments: reading the surroundings is the business of ``load``."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for kind, names in (
            ("channels", [channel.name for channel in self.channels]),
            ("locations", [location.name for location in self.locations]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{kind}: {', '.join(twice)} is named more than once")
        return self

    @model_validator(mode="after")
    def _sign_in_is_whole(self) -> Self:
        if self.oidc.issuer is not None and self.sign_in.public_url is None:
            raise ValueError("oidc.issuer is set, so sign_in.public_url must be: it leads back")
        return self

    @property
    def prefix(self) -> str:
        """The environment's prefix."""
        return self.environment.prefix


def load(path: Path | None = None) -> Settings:
    """The settings from ``stockfold.toml`` and the environment.

    The file is ``path``, else the one STOCKFOLD_CONFIG names, else ``./stockfold.toml`` when it is
    there. SettingsError names the file, the setting and what it must be.
    """
    from stockfold.runtime.sources import read  # noqa: PLC0415 - sources needs Settings

    return read(path, os.environ).settings
