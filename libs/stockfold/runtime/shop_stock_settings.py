"""How a channel shows what it may promise: ``[channels.stock]`` under its ``[[channels]]``."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

OWN_KEYS = frozenset(
    {
        "_backorders", "_low_stock_amount", "_manage_stock", "_sku", "_stock", "_stock_status",
    }
)  # fmt: skip
"""Metadata that WooCommerce keeps its own fields in, and ignores when it is written as metadata."""


def _key(value: str) -> str:
    if value in OWN_KEYS:
        raise ValueError(f"{value!r} is WooCommerce's own; choose another key")
    return value


Key = Annotated[str, Field(max_length=255, pattern=r"^[A-Za-z0-9_.-]*$"), AfterValidator(_key)]


class ShopStockSettings(BaseModel):
    """What is written beside the quantity of a product. Shopify: nothing is published."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    backorders: Literal["keep", "no", "notify", "yes"] = Field(
        default="keep",
        description="What WooCommerce's own field of products that may be sold on backorder says: "
        "notify tells the customer, yes does not; all others then get no. no: backorders go out as "
        "zero. keep: so too, and the field stays as the shop has it.",
    )
    preorders: Literal["zero", "backorder", "stock"] = Field(
        default="zero",
        description="What preorders go out as: nothing, like backorders, or as a quantity, for a "
        "shop whose plugin reads status_key or restock_key.",
    )
    status_key: Key = Field(
        default="",
        description="Metadata key of products for in_stock, low_stock, out_of_stock, backorder or "
        "preorder. Unset: not written; so too the others.",
    )
    units_key: Key = Field(
        default="", description="Metadata key for how many may be sold before they are there."
    )
    lead_time_key: Key = Field(
        default="", description="Metadata key for the days from order to dispatch."
    )
    restock_key: Key = Field(
        default="", description="Metadata key for the day of the next supply, YYYY-MM-DD."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        given = (self.status_key, self.units_key, self.lead_time_key, self.restock_key)
        keys = [key for key in given if key]
        if len(set(keys)) < len(keys):
            raise ValueError("every metadata key needs a name of its own")
        if self.preorders == "backorder" and self.backorders not in ("notify", "yes"):
            raise ValueError("preorders like backorders need backorders notify or yes")
        if self.preorders == "stock" and not (self.status_key or self.restock_key):
            raise ValueError(
                "preorders as stock need status_key or restock_key: nothing else tells them from "
                "what is on the shelf"
            )
        return self
