"""The settings of every service, validated once.

Sources, strongest first: environment variables (``STOCKFOLD_KAFKA__BOOTSTRAP`` sets
``kafka.bootstrap``), the file ``stockfold.toml``, the defaults here. ``Settings(...)`` itself reads
nothing but its arguments; ``load`` reads the sources, ``explain`` tells where each value is from.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from stockfold.runtime.secret import SecretRef, is_loopback_url
from stockfold.runtime.shop_guards_settings import ShopGuardsSettings
from stockfold.runtime.shop_monitor_settings import ShopMonitorSettings
from stockfold.runtime.shop_pace_settings import ShopPaceSettings
from stockfold.runtime.shop_publishing_settings import ShopPublishingSettings
from stockfold.runtime.shop_reading_settings import ShopReadingSettings
from stockfold.runtime.shop_reconciliation_settings import ShopReconciliationSettings
from stockfold.runtime.shop_settings import ShopOrdersSettings
from stockfold.runtime.shop_stock_settings import ShopStockSettings
from stockfold.runtime.shop_tracking_settings import ShopTrackingSettings

DAY_S = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PREFIX = re.compile(r"[A-Za-z0-9._-]{0,64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"{value!r} is not an IANA time zone; write one such as Europe/Berlin or UTC"
        ) from None
    return value


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(
            f"{value!r} is not a name: 1 to 64 letters, digits and . _ : - "
            "(the sign | separates names in keys)"
        )
    return value


def _prefix(value: str) -> str:
    if not _PREFIX.fullmatch(value):
        raise ValueError(f"{value!r} is not a prefix: at most 64 letters, digits and . _ -")
    return value


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{value!r} is not an http or https address")
    if parts.username or parts.password:
        raise ValueError("an address must not carry a user or password; use the secret settings")
    return value.rstrip("/")


def _absolute(value: Path) -> Path:
    return value.expanduser().absolute()


Zone = Annotated[str, AfterValidator(_zone)]
Name = Annotated[str, AfterValidator(_name)]
Prefix = Annotated[str, AfterValidator(_prefix)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
Port = Annotated[int, Field(ge=1, le=65_535)]


def is_secret_option(name: str) -> bool:
    """True for a librdkafka option that holds a secret."""
    return name.endswith((".password", ".pem", ".secret", ".jaas.config"))


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class EnvironmentSettings(_Section):
    """What separates this environment from others on the same servers."""

    prefix: Prefix = Field(
        default="",
        description="Prefix of topics, consumer groups, transactional ids and schema subjects.",
    )
    data_dir: Annotated[Path, AfterValidator(_absolute)] = Field(
        default=Path(".data"), description="Folder of the embedded servers' data, logs and ports."
    )
    stall_limit_s: PositiveFloat = Field(
        default=120.0,
        description="After so long in one call, or with records that wait and are not read, a "
        "service starts its clients or itself anew. Longer than restoring a snapshot takes.",
    )


class KafkaSettings(_Section):
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


class PostgresSettings(_Section):
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


class RegistrySettings(_Section):
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


class LedgerSettings(_Section):
    """The ledger's loop and how long it remembers."""

    instance: Name = Field(
        default="ledger-1",
        description="Name of this ledger: group instance id and transactional id.",
    )
    batch_events_max: PositiveInt = Field(default=2_000, description="Events in one transaction.")
    batch_ms_max: PositiveInt = Field(
        default=100, description="Time that one batch may gather, in ms."
    )
    merge_wait_ms: int = Field(
        default=100, ge=0, description="How long inputs wait for other topics' older ones, in ms."
    )
    dedupe_events_max: PositiveInt = Field(
        default=500_000, description="Event ids remembered per partition."
    )
    dedupe_horizon_s: PositiveInt = Field(
        default=7 * DAY_S,
        description="How long event ids are remembered, in seconds of journal time.",
    )
    movement_horizon_s: PositiveInt = Field(
        default=7 * DAY_S, description="How far back a count may lie, in seconds."
    )
    parking_limit_s: PositiveInt = Field(
        default=3_600,
        description="How long a command may wait for its reservation or allocation before the "
        "exception desk is told, in seconds.",
    )
    expiry_tick_ms: PositiveInt = Field(
        default=250, description="How often due reservations are looked for, in ms."
    )
    enforce_catalogue: bool = Field(
        default=False,
        description="Whether an event of a SKU that the catalogue does not know is an exception.",
    )


class SnapshotSettings(_Section):
    """Snapshots of the ledger's memory, from which it recovers."""

    url: str | None = Field(
        default=None,
        min_length=1,
        description="Folder or fsspec URL (such as s3://bucket/folder) that holds them; the ledger "
        "and the snapshotter must both reach it. Unset: snapshots in environment.data_dir.",
    )
    every_s: PositiveInt = Field(
        default=120, description="How old a partition's snapshot may be when it has new facts."
    )
    records_max: PositiveInt = Field(
        default=50_000,
        description="Journal records behind a partition's snapshot after which the next is made "
        "before its time.",
    )
    keep: PositiveInt = Field(default=3, description="Snapshots kept of each partition.")
    instance: Name = Field(
        default="snapshotter-1", description="Name of this snapshotter: group instance id."
    )


class AvailabilitySettings(_Section):
    """The availability service's loop."""

    instance: Name = Field(
        default="availability-1", description="Name of this instance: group and transactional id."
    )
    batch_events_max: PositiveInt = Field(default=2_000, description="Records in one transaction.")
    batch_ms_max: PositiveInt = Field(
        default=100, description="Time that one batch may gather, in ms."
    )


class OrdersSettings(_Section):
    """The orders service: how an order is reserved, and how often it is tried."""

    instance: Name = Field(
        default="orders-1", description="Name of this instance: group and transactional id."
    )
    batch_events_max: PositiveInt = Field(default=1_000, description="Records in one transaction.")
    batch_ms_max: PositiveInt = Field(
        default=50, description="Time that one batch may gather, in ms."
    )
    answer_s: PositiveInt = Field(
        default=60,
        description="How long an order waits for the ledger's answers; as long its lines are held "
        "until all of them are, in seconds.",
    )
    attempts_max: PositiveInt = Field(
        default=4, description="How often an order that must be reserved whole is tried."
    )
    retry_s: PositiveFloat = Field(
        default=2.0, description="Pause before the second attempt, in seconds; then it doubles."
    )
    hold_s: PositiveInt = Field(
        default=3_600, description="How long an unpaid order is held when its channel says nothing."
    )
    finished_s: PositiveInt = Field(
        default=60 * 86_400,
        description="How long an order that is over is remembered whole, in seconds. Later its "
        "revision alone is, and what is told of it that is new goes to the exceptions.",
    )
    case_owner: Name = Field(
        default="stock-desk", description="Who looks after a new case until someone else does."
    )


class ErpSettings(_Section):
    """The ERP that sold orders are handed on to."""

    kind: Literal["none", "file", "http"] = Field(
        default="none", description="How: not at all, as files in a folder, or over HTTP."
    )
    instance: Name = Field(default="erp-1", description="Name of this instance: group instance id.")
    folder: Annotated[Path, AfterValidator(_absolute)] | None = Field(
        default=None, description="Folder of the files, one an order."
    )
    url: HttpUrl | None = Field(default=None, description="Address of its interface for orders.")
    token: SecretRef | None = Field(default=None, description="Bearer token, by reference.")
    request_timeout_s: PositiveFloat = Field(
        default=15.0, description="Time of one request, in seconds."
    )
    parallel: int = Field(default=4, ge=1, le=64, description="Orders handed on at once.")
    verify_tls: bool = Field(default=True, description="Check its certificate.")

    @model_validator(mode="after")
    def _secret_by_reference(self) -> Self:
        here = self.url is None or is_loopback_url(self.url)
        if self.token is not None and self.token.is_plain and not here:
            raise ValueError("token is plain text; an ERP elsewhere needs a reference")
        return self


class ApiSettings(_Section):
    """The HTTP interface."""

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen on. Until an API key exists: only one of this machine.",
    )
    port: Port = Field(default=8080, description="Port to listen on.")


class GatewaySettings(_Section):
    """The HTTP interface for producers without Kafka."""

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen on. Until an API key exists: only one of this machine.",
    )
    port: Port = Field(default=8090, description="Port to listen on.")
    body_bytes_max: int = Field(
        default=4 * 1024 * 1024,
        ge=1024,
        le=64 * 1024 * 1024,
        description="Bytes of one request with events. Files are streamed and have no such limit.",
    )
    webhook_bytes_max: int = Field(
        default=1024 * 1024, ge=1024, le=8 * 1024 * 1024, description="Bytes of one webhook."
    )
    public_url: HttpUrl | None = Field(
        default=None,
        description="Address at which shops reach the gateway, such as https://stock.example.",
    )


class CheckoutSettings(_Section):
    """The HTTP interface for checkouts: reservations."""

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen on. Until an API key exists: only one of this machine.",
    )
    port: Port = Field(default=8100, description="Port to listen on.")
    connections_max: PositiveInt = Field(
        default=2_048, description="Connections at once; further ones are answered with 503."
    )
    body_bytes_max: int = Field(
        default=64 * 1024, ge=1024, le=1024 * 1024, description="Bytes of one request."
    )
    lines_max: int = Field(default=50, ge=1, le=500, description="Lines of one reservation.")
    locations_max: int = Field(
        default=100, ge=1, le=1000, description="Locations that one line may be served from."
    )
    quantity_max: int = Field(default=10_000, ge=1, le=10**12, description="Units of one line.")
    ttl_s: PositiveInt = Field(
        default=900, description="How long a reservation holds unless its request says, in seconds."
    )
    ttl_s_max: PositiveInt = Field(
        default=3_600, description="How long a request may ask it to hold, in seconds."
    )
    hold_s: PositiveInt = Field(
        default=45,
        description="How long a line holds until all lines of its basket are held, in seconds.",
    )
    decision_s_max: PositiveFloat = Field(
        default=30.0,
        description="After so long without the ledger's answer a basket of several lines is given "
        "up, in seconds.",
    )
    wait_ms: PositiveInt = Field(
        default=2_000, description="How long an answer waits for the ledger unless told, in ms."
    )
    wait_s_max: PositiveFloat = Field(
        default=25.0, description="How long a request may ask to wait, in seconds."
    )
    waiting_max: PositiveInt = Field(
        default=5_000, description="Reservations that may wait for the ledger at once."
    )
    reservations_max: PositiveInt = Field(
        default=200_000, description="Reservations remembered; the longest unheard of is forgotten."
    )
    history_s: PositiveInt = Field(
        default=7_200,
        description="How far back the ledger's answers are read at start, in seconds.",
    )


class ProjectorSettings(_Section):
    """The projector's loop."""

    instance: Name = Field(
        default="projector-1",
        description="Name of this projector: group instance id. Another one needs another name.",
    )
    batch_events_max: PositiveInt = Field(default=5_000, description="Records in one transaction.")
    batch_ms_max: PositiveInt = Field(
        default=200, description="Time that one batch may gather, in ms."
    )


class ChannelSettings(_Section):
    """One sales channel and the connection to it."""

    name: Name = Field(description="The channel's name; never changes, never holds |.")
    kind: Literal["woocommerce", "shopify"] = Field(
        description="Which adapter speaks to it. Of shopify orders are taken, nothing is published."
    )
    url: HttpUrl = Field(description="Address of the shop, http or https.")
    consumer_key: SecretRef | None = Field(default=None, description="API key, by reference.")
    consumer_secret: SecretRef | None = Field(default=None, description="API secret, by reference.")
    orders: ShopOrdersSettings = Field(
        default_factory=ShopOrdersSettings, description="How its orders reach us."
    )
    pace: ShopPaceSettings = Field(
        default_factory=ShopPaceSettings, description="How hard it is pressed."
    )
    stock: ShopStockSettings = Field(
        default_factory=ShopStockSettings, description="What is written beside a quantity."
    )
    monitor: ShopMonitorSettings = Field(
        default_factory=ShopMonitorSettings, description="Its canary, which proves the whole path."
    )
    tracking: ShopTrackingSettings = Field(
        default_factory=ShopTrackingSettings, description="What it is told of parcels."
    )
    publishing: ShopPublishingSettings = Field(
        default_factory=ShopPublishingSettings, description="Whether it is written to."
    )
    guards: ShopGuardsSettings = Field(
        default_factory=ShopGuardsSettings, description="When it halts by itself."
    )
    reconciliation: ShopReconciliationSettings = Field(
        default_factory=ShopReconciliationSettings,
        description="When it is read against what it shall show.",
    )
    reading: ShopReadingSettings = Field(
        default_factory=ShopReadingSettings, description="What is read of it before a write."
    )
    zone: Zone = Field(default="UTC", description="IANA zone of the channel's days and cut-offs.")
    locations: list[Name] | None = Field(
        default=None, description="Locations it may promise from. Unset: all."
    )
    safety_stock: int = Field(
        default=0, ge=0, description="Units held back from this channel, per SKU."
    )
    low_stock: int = Field(
        default=0, ge=0, description="At or below this many units, stock is low."
    )
    shipments: Literal["shop", "floor"] = Field(
        default="shop",
        description="Who tells that its orders have shipped, and that goods are back: the shop's "
        "own orders, or the warehouse alone. Both would take the units off the shelf twice.",
    )
    orders_since: AwareDatetime | None = Field(
        default=None,
        description="The cut-off of its first load, with an offset: an order placed before counts "
        "only when it was imported as an open order of that moment. Unset: every order counts.",
    )
    verify_tls: bool = Field(default=True, description="Check the shop's certificate.")
    connect_timeout_s: PositiveFloat = Field(
        default=10.0, description="Time to connect, in seconds."
    )
    request_timeout_s: PositiveFloat = Field(
        default=60.0, description="Time of one request, in seconds."
    )

    @property
    def orders_since_us(self) -> int:
        """The cut-off in UTC microseconds; 0 for none."""
        since = self.orders_since
        return 0 if since is None else (since - _EPOCH) // timedelta(microseconds=1)

    @property
    def holds_oversold(self) -> bool:
        """Whether its oversold orders are put on hold: in other modes it sells by other numbers."""
        return self.orders.hold_oversold and self.publishing.mode == "live"

    @property
    def secrets(self) -> dict[str, SecretRef]:
        """Its secrets by the names of their settings."""
        orders = self.orders
        found = {
            "consumer_key": self.consumer_key,
            "consumer_secret": self.consumer_secret,
            "orders.webhook_secret": orders.webhook_secret,
            "orders.old_webhook_secret": orders.old_webhook_secret,
            "orders.access_token": orders.access_token,
        }
        return {name: secret for name, secret in found.items() if secret is not None}

    @model_validator(mode="after")
    def _secrets_fit(self) -> Self:
        missing = {"consumer_key", "consumer_secret"} - self.secrets.keys()
        if self.kind == "woocommerce" and missing:
            raise ValueError(f"{' and '.join(sorted(missing))} must be set for {self.kind}")
        plain = [name for name, secret in self.secrets.items() if secret.is_plain]
        if plain and not is_loopback_url(self.url):
            raise ValueError(
                f"{' and '.join(plain)}: plain text; a shop elsewhere needs references: env:NAME "
                "or file:/path"
            )
        return self


class LocationSettings(_Section):
    """One place that holds stock."""

    name: Name = Field(description="The location's id; never changes, never holds |.")
    zone: Zone = Field(default="UTC", description="IANA zone of the location's days and cut-offs.")
    priority: int = Field(
        default=0, description="In sourcing advice, the higher comes first among equally near ones."
    )
    costs: dict[Name, NonNegativeInt] = Field(
        default_factory=dict,
        description="In sourcing advice, what a parcel to each region costs, in any one unit.",
    )


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
