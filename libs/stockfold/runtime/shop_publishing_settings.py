"""Whether a channel is written to: ``[channels.publishing]`` under its ``[[channels]]``."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

CANARY_SKUS_MAX = 1_000
Sku = Annotated[str, Field(min_length=1, max_length=512)]


class ShopPublishingSettings(BaseModel):
    """How far a connection is trusted. Shopify for its orders alone: nothing is published."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    mode: Literal["off", "shadow", "canary", "live"] = Field(
        default="shadow",
        description="off: nothing is read or sent. shadow: what would be written is recorded, "
        "nothing is sent. canary: only canary_skus are written. live: everything is.",
    )
    canary_skus: tuple[Sku, ...] = Field(
        default=(),
        max_length=CANARY_SKUS_MAX,
        description="The SKUs that are written in mode canary, as the catalogue names them.",
    )
    coverage: Literal["required", "reported"] = Field(
        default="required",
        description="Whether mode live begins in shadow until every listing is covered by the shop "
        "or waived by name. reported: it writes what it can; for shops of tests, and for channels "
        "whose catalogue cannot be read.",
    )
    report_every_s: int = Field(
        default=3_600,
        ge=60,
        le=86_400,
        description="How often the shop is compared with what would be written to it, in modes "
        "shadow and canary.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.mode == "canary" and not self.canary_skus:
            raise ValueError("mode canary needs canary_skus: the SKUs that may be written")
        twice = sorted({sku for sku in self.canary_skus if self.canary_skus.count(sku) > 1})
        if twice:
            raise ValueError(f"canary_skus: {', '.join(twice)} is named more than once")
        return self
