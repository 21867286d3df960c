"""Whether a channel may ask us at its checkout: ``[channels.inventory_check]``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from stockfold.runtime.secret import SecretRef


class ShopInventoryCheckSettings(BaseModel):
    """A user name and a password of the channel's own, and what it may ask for with them."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    user: str = Field(
        default="",
        max_length=100,
        pattern=r"^[^:\x00-\x1f]*$",
        description="The user name that it proves itself with. Empty: it may not ask.",
    )
    password: SecretRef | None = Field(default=None, description="Its password, by reference.")
    within_ms: int = Field(
        default=400,
        ge=10,
        le=5_000,
        description="Time for an answer; then it is told that there is none.",
    )
    age_s_max: int = Field(
        default=60,
        ge=1,
        description="What is older is no answer: the channel then goes by what it shows.",
    )
    skus_per_s: int = Field(
        default=500, ge=1, description="How many SKUs it may ask for in a second."
    )
