"""How often a shop is asked what it runs on: ``[channels.versions]``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt


class ShopVersionsSettings(BaseModel):
    """Versions of what runs at the other end, and what a change of them brings about."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    every_s: NonNegativeInt = Field(
        default=86_400, description="Seconds from one question to the next; 0: only when asked."
    )
    halt: bool = Field(
        default=True,
        description="Whether a channel in mode canary or live halts when the checks after a change "
        "find that the shop cannot be read, written, or manages no stock any more.",
    )
