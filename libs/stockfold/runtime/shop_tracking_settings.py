"""What a shop is told of parcels: ``[channels.tracking]`` under its ``[[channels]]``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Key = Annotated[str, Field(max_length=255, pattern=r"^[A-Za-z0-9_.-]*$")]


class ShopTrackingSettings(BaseModel):
    """Carrier and tracking, written to the shop's order once. Shopify: never."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    write: bool = Field(
        default=False,
        description="Whether parcels told on stockfold.shipments.v1 are written to their orders.",
    )
    carrier_key: Key = Field(
        default="stockfold_carrier",
        description="Metadata key of orders for the carriers of its parcels. Empty: not written; "
        "so too the others.",
    )
    number_key: Key = Field(
        default="stockfold_tracking_number", description="Metadata key for tracking numbers."
    )
    url_key: Key = Field(
        default="stockfold_tracking_url", description="Metadata key for tracking addresses."
    )
    items_key: Key = Field(
        default="",
        description="Metadata key for a list as the Shipment Tracking plugins keep it: "
        "_wc_shipment_tracking_items.",
    )
    note: Literal["none", "private", "customer"] = Field(
        default="none",
        description="Whether the order gets a note of each parcel; the shop mails a customer's.",
    )
    complete: bool = Field(
        default=False,
        description="Whether an order in processing is completed when every unit has left.",
    )
    since: datetime | None = Field(
        default=None, description="Parcels that left before this are not written. Unset: all."
    )

    @field_validator("since")
    @classmethod
    def _aware(cls, value: datetime | None) -> datetime | None:
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        given = (self.carrier_key, self.number_key, self.url_key, self.items_key)
        keys = [key for key in given if key]
        if len(set(keys)) < len(keys):
            raise ValueError("every metadata key needs a name of its own")
        return self
