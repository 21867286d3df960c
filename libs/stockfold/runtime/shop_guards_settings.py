"""When a channel halts by itself: ``[channels.guards]`` under its ``[[channels]]``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ShopGuardsSettings(BaseModel):
    """What no working day brings about, but a broken feed does. 0 turns a guard off."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    zeros_percent: int = Field(
        default=25,
        ge=0,
        le=100,
        description="More of the channel's listings than this going to zero within zeros_minutes "
        "halt it.",
    )
    zeros_minutes: int = Field(
        default=60, ge=1, le=1_440, description="The window in which zeros are counted."
    )
    changes_percent: int = Field(
        default=90,
        ge=0,
        le=100,
        description="More of the channel's listings than this changing within changes_minutes "
        "halt it. What the shop showed before we wrote it is no change.",
    )
    changes_minutes: int = Field(
        default=10, ge=1, le=1_440, description="The window in which changes are counted."
    )
    upstream_minutes: int = Field(
        default=15,
        ge=0,
        le=1_440,
        description="Work that the ledger or availability leaves undone for so long halts it.",
    )
    listings_min: int = Field(
        default=20,
        ge=1,
        le=1_000_000,
        description="As many may go to zero, or change, whatever the percentages say; and so many "
        "zeros pass a halted channel within zeros_minutes.",
    )
