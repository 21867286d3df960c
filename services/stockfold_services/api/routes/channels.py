"""The connections to shops, and in which mode each is."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from stockfold_services.api import inputs
from stockfold_services.api.routes.deps import Modes

router = APIRouter(prefix="/v1/channels", tags=["channels"])


class Channel(BaseModel):
    """One connection."""

    channel: str
    kind: str
    mode: str = Field(description="As its settings ask: off, shadow, canary or live.")
    canary_skus: int = Field(description="How many SKUs are written in mode canary.")
    in_force: str | None = Field(
        description="As its publisher has last committed, or changing; null before the first time."
    )
    is_served: bool = Field(description="Whether a publisher is there for it.")
    note: str = Field(description="Why the two differ, for people.")
    state: str = Field(
        description="What it shall do: running, paused, halted by a guard, zeroed or restored."
    )
    reason: str = Field(description="Why, as a person or the guard has said.")


class ChannelsPage(BaseModel):
    """Every channel of the settings."""

    channels: list[Channel]


@router.get("")
async def channels(modes: Modes, channel: inputs.ChannelQuery = None) -> ChannelsPage:
    """The connections to shops: the mode that each is in, and whether it is served."""
    found = [one for one in await modes.all() if channel in (None, one.channel)]
    return ChannelsPage(
        channels=[Channel.model_validate(one, from_attributes=True) for one in found]
    )
