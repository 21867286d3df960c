"""How a channel's orders reach us: ``[channels.orders]`` under its ``[[channels]]``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from stockfold.runtime.secret import SecretRef

Status = Literal[
    "draft",
    "pending",
    "on_hold",
    "processing",
    "completed",
    "cancelled",
    "failed",
    "refunded",
    "deleted",
]


class ShopOrdersSettings(BaseModel):
    """Webhooks of a shop, and the sweep that finds what they missed."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    webhook_secret: SecretRef | None = Field(
        default=None,
        description="What the shop signs its webhooks with, by reference; of Shopify, the app's "
        "client secret. Letters and digits. Unset: none are taken.",
    )
    old_webhook_secret: SecretRef | None = Field(
        default=None, description="The secret before, while it is being replaced."
    )
    access_token: SecretRef | None = Field(
        default=None,
        description="Shopify: the app's Admin API access token, by reference, with the scope "
        "read_orders. Unset: its orders come by webhooks alone, without a sweep.",
    )
    keep_webhooks: bool = Field(
        default=True,
        description="Whether missing webhooks are made in the shop and disabled ones activated; "
        "needs gateway.public_url. Shopify: never.",
    )
    hold_oversold: bool = Field(
        default=False,
        description="Whether an order that the shop sold and nobody can serve is put on hold "
        "there, with a note for its staff. Only while publishing.mode is live. Shopify: never.",
    )
    hold_minutes: int | None = Field(
        default=60,
        ge=1,
        le=10_080,
        description="How long the shop holds the units of an unpaid order: its own setting.",
    )
    statuses: dict[str, Status] = Field(
        default_factory=dict, description="What statuses of the shop's plugins mean."
    )
    sweep_every_s: int = Field(
        default=300, ge=10, le=86_400, description="How often changed orders are asked for."
    )
    sweep_overlap_s: int = Field(
        default=600,
        ge=120,
        le=86_400,
        description="How far before the newest change seen a sweep begins.",
    )
    sweep_from: datetime | None = Field(
        default=None,
        description="The first sweep begins with what changed after this. Unset: a day back.",
    )

    @field_validator("sweep_from")
    @classmethod
    def _aware(cls, value: datetime | None) -> datetime | None:
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)

    @property
    def secrets(self) -> list[str]:
        """Every secret that holds; SettingsError when one is missing where it is referred to."""
        given = (self.webhook_secret, self.old_webhook_secret)
        return [secret.resolve() for secret in given if secret is not None]
