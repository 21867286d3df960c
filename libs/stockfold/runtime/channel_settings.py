"""Sales channels and locations: ``[[channels]]`` and ``[[locations]]``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal, Self

from pydantic import (
    AwareDatetime,
    Field,
    NonNegativeInt,
    PositiveFloat,
    model_validator,
)

from stockfold.domain.errors import SettingsError
from stockfold.runtime import channel_kinds
from stockfold.runtime.channel_kinds import ORDER_KINDS, SHOPIFY, WOOCOMMERCE
from stockfold.runtime.secret import SecretRef, is_loopback_url
from stockfold.runtime.settings_fields import EPOCH, HttpUrl, Name, Section, Zone
from stockfold.runtime.shop_guards_settings import ShopGuardsSettings
from stockfold.runtime.shop_inventory_check_settings import ShopInventoryCheckSettings
from stockfold.runtime.shop_monitor_settings import ShopMonitorSettings
from stockfold.runtime.shop_pace_settings import ShopPaceSettings
from stockfold.runtime.shop_publishing_settings import ShopPublishingSettings
from stockfold.runtime.shop_reading_settings import ShopReadingSettings
from stockfold.runtime.shop_reconciliation_settings import ShopReconciliationSettings
from stockfold.runtime.shop_settings import ShopOrdersSettings
from stockfold.runtime.shop_stock_settings import ShopStockSettings
from stockfold.runtime.shop_tracking_settings import ShopTrackingSettings
from stockfold.runtime.shop_versions_settings import ShopVersionsSettings


class ChannelSettings(Section):
    """One sales channel and the connection to it."""

    name: Name = Field(description="The channel's name; never changes, never holds |.")
    kind: Name = Field(
        description="Which adapter speaks to it: a kind of channel that an installed package "
        "offers. Of shopify without credentials orders are taken, and nothing is published."
    )
    url: HttpUrl = Field(description="Address of the shop, http or https.")
    consumer_key: SecretRef | None = Field(
        default=None, description="WooCommerce: the API key, by reference."
    )
    consumer_secret: SecretRef | None = Field(
        default=None, description="WooCommerce: the API secret, by reference."
    )
    credentials: dict[str, SecretRef] = Field(
        default_factory=dict,
        description="Its secrets by the names that its kind has for them, each by reference.",
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="What is special to its kind: see the page of the kind."
    )
    location_names: dict[Name, str] = Field(
        default_factory=dict,
        description="The channel's own name of each location, where it is told them apart.",
    )
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
    versions: ShopVersionsSettings = Field(
        default_factory=ShopVersionsSettings, description="How often it is asked what it runs on."
    )
    inventory_check: ShopInventoryCheckSettings = Field(
        default_factory=ShopInventoryCheckSettings,
        description="Whether it may ask at its checkout what there is.",
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
    private_network: bool = Field(
        default=False,
        description="Whether the name in url may lead to an address of a private network, such as "
        "10.0.0.7. An address itself may be written as it is.",
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
        return 0 if since is None else (since - EPOCH) // timedelta(microseconds=1)

    @property
    def holds_oversold(self) -> bool:
        """Whether its oversold orders are put on hold: in other modes it sells by other numbers."""
        return self.orders.hold_oversold and self.publishing.mode == "live"

    @property
    def is_published(self) -> bool:
        """Whether stock is published to it. Of Shopify, orders alone may be taken."""
        return self.kind != SHOPIFY or bool(self.credentials)

    @property
    def has_catalogue(self) -> bool:
        """Whether all that it lists can be read: to compare, to reconcile, to find it covered."""
        return self.kind == WOOCOMMERCE

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
            "inventory_check.password": self.inventory_check.password,
        }
        found |= {f"credentials.{name}": secret for name, secret in self.credentials.items()}
        return {name: secret for name, secret in found.items() if secret is not None}

    def credential(self, name: str) -> str:
        """A secret that its kind asks for, read anew. SettingsError when it is not there."""
        found = self._given_credentials.get(name)
        if found is None:
            raise SettingsError(
                f"channel {self.name} has no credential {name}",
                where="[[channels]]",
                remedy="Set it under credentials, by reference: env:NAME or file:/path.",
            )
        return found.resolve()

    @property
    def _given_credentials(self) -> dict[str, SecretRef]:
        own = {"consumer_key": self.consumer_key, "consumer_secret": self.consumer_secret}
        return {name: secret for name, secret in own.items() if secret} | self.credentials

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind not in ORDER_KINDS:
            self._takes_no_orders()
        if not self.is_published:
            return self
        kind = channel_kinds.known_kind(self.kind)
        channel_kinds.options_of(kind, self.options)
        channel_kinds.check_credentials(kind, self._given_credentials)
        channel_kinds.check_location_names(kind, self.location_names)
        if not self.has_catalogue:
            self._is_sent_to_with_care()
        return self

    def _takes_no_orders(self) -> None:
        given = [name for name in self.secrets if name.startswith("orders.")]
        if given:
            raise ValueError(f"{given[0]}: orders of {self.kind} are not read")

    def _is_sent_to_with_care(self) -> None:
        if self.credentials and not self.url.startswith("https:") and not is_loopback_url(self.url):
            raise ValueError("url: credentials are sent over https alone")
        if self.publishing.mode == "live" and self.publishing.coverage == "required":
            raise ValueError(
                f"publishing.coverage: all that {self.kind} lists cannot be read, so nobody can "
                'tell whether every listing is covered; write coverage = "reported" to go live '
                "without"
            )

    @model_validator(mode="after")
    def _may_ask_with_a_password(self) -> Self:
        check = self.inventory_check
        if bool(check.user) != (check.password is not None):
            raise ValueError("inventory_check: user and password belong together")
        if check.user and not self.is_published:
            raise ValueError(f"inventory_check: nothing is published to {self.kind} here")
        return self

    @model_validator(mode="after")
    def _secrets_are_references(self) -> Self:
        plain = [name for name, secret in self.secrets.items() if secret.is_plain]
        if plain and not is_loopback_url(self.url):
            raise ValueError(
                f"{' and '.join(plain)}: plain text; a shop elsewhere needs references: env:NAME "
                "or file:/path"
            )
        return self


class LocationSettings(Section):
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
