"""How hard a shop is pressed: ``[channels.pace]`` under its ``[[channels]]``."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, model_validator

IN_FLIGHT_MAX = 16


class ShopPaceSettings(BaseModel):
    """Limits of one connection; what is measured moves within them."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    in_flight_start: int = Field(
        default=2, ge=1, le=IN_FLIGHT_MAX, description="Requests at once to begin with."
    )
    in_flight_max: int = Field(
        default=2,
        ge=1,
        le=IN_FLIGHT_MAX,
        description="Requests at once at most. Of a shop of two cores more than two gain nothing.",
    )
    requests_per_s: PositiveFloat | None = Field(
        default=None, description="Requests a second at most. Unset: as the shop answers."
    )
    batch_s: PositiveFloat = Field(
        default=4.0,
        description="How long a batch may take the shop, in seconds: of a slow one fewer items go "
        "into each.",
    )
    retry_window_s: PositiveFloat = Field(
        default=900.0,
        description="How long a version that the shop fails on is tried, in seconds; then it is an "
        "exception. A shop that serves nobody is waited for without end.",
    )
    frozen_after_s: PositiveFloat = Field(
        default=300.0,
        description="An alert is raised when the channel has had work for so long, in seconds, and "
        "got nothing done.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.in_flight_start > self.in_flight_max:
            raise ValueError("in_flight_start is more than in_flight_max")
        return self
