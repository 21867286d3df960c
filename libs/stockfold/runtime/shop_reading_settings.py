"""What is read of a shop before a write: ``[channels.reading]`` under its ``[[channels]]``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ShopReadingSettings(BaseModel):
    """Units that the shop has sold and that are yet to reach us are kept off sale."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    orders: bool = Field(
        default=True,
        description="Whether the shop is asked before each write which orders changed; one "
        "question for all listings. Without it, what it sold in the last minutes may come back.",
    )
    recently_sold_s: int = Field(
        default=900, ge=0, description="A listing that sold within so many seconds is read first."
    )
    hot_sales: int = Field(
        default=3, ge=1, le=16, description="So many sales within hot_s make a listing hot."
    )
    hot_s: int = Field(default=3_600, ge=0, description="A hot listing is read first, too.")
    long_since_s: int = Field(
        default=3_600, ge=0, description="So is one that was not seen for so many seconds."
    )
    unexplained_s: int = Field(
        default=120,
        ge=0,
        description="How long units that a listing lacks, and no order explains, stay off sale.",
    )
    look_back_s: int = Field(
        default=3_600,
        ge=60,
        description="How far back changed orders are read when the publisher starts.",
    )
    known_days: int = Field(
        default=7,
        ge=1,
        le=30,
        description="How many days of the ledger's answers are read when the publisher starts.",
    )
    give_up_s: int = Field(
        default=86_400,
        ge=60,
        description="After so long, an order that never reached the ledger is counted no more.",
    )
