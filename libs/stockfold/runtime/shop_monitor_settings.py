"""The canary of a channel: ``[channels.monitor]`` under its ``[[channels]]``."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Place = Annotated[str, Field(max_length=64, pattern=r"^([A-Za-z0-9][A-Za-z0-9._:-]*)?$")]


class ShopMonitorSettings(BaseModel):
    """A SKU that nobody buys, counted anew on a schedule to see whether the shop follows.

    Shopify: nothing is published, so nothing is watched.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    sku: str = Field(
        default="",
        max_length=512,
        description="The canary: a product of the shop for this alone, hidden from customers. "
        "Empty: nothing is watched.",
    )
    location: Place = Field(
        default="",
        description="Where its units are counted: a location that the channel may promise from, "
        "best one of its own.",
    )
    units: int = Field(
        default=100,
        ge=1,
        le=1_000_000,
        description="Counted in turn with 0: more than safety stock and shares take away.",
    )
    every_s: int = Field(
        default=300, ge=15, le=86_400, description="How often it is counted, in seconds."
    )
    sla_s: int = Field(
        default=60,
        ge=1,
        le=3_600,
        description="How long the shop may take to show it before an alert is raised, in seconds.",
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.sku) != bool(self.location):
            raise ValueError("a canary needs both sku and location")
        return self
