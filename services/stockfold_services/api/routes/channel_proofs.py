"""Whether the shops still follow: what the canary of each connection proved."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from stockfold.contracts.channel_proofs import Standing
from stockfold_services.api import inputs
from stockfold_services.api.routes.deps import Canaries

router = APIRouter(prefix="/v1/channel-proofs", tags=["channels"])


class ProofDay(BaseModel):
    """The day before its last record; times are from the count to the shop."""

    proved: int
    late: int
    p50_ms: int | None
    p99_ms: int | None


class ChannelProof(BaseModel):
    """Where the canary of a channel stands."""

    channel: str
    sku: str
    outcome: str = Field(description="waiting, proved, late or hindered.")
    up_to: str = Field(description="How far the path is watched: shop or shadow.")
    since: str = Field(description="When it was counted last.")
    age_s: int = Field(description="How old the last record is.")
    latency_ms: int | None = Field(description="From the count to the shop; null: not there yet.")
    sla_ms: int
    detail: str = Field(description="Why it is late or hindered.")
    day: ProofDay


class ChannelProofs(BaseModel):
    """Every channel that has, or had, a canary."""

    proofs: list[ChannelProof]


@router.get("")
async def channel_proofs(canaries: Canaries, channel: inputs.ChannelQuery = None) -> ChannelProofs:
    """Where the canary of each connection stands, and how it did in its last day."""
    found = [one for one in await canaries.all() if channel in (None, one.channel)]
    return ChannelProofs(proofs=[_told(one) for one in found])


def _told(one: Standing) -> ChannelProof:
    return ChannelProof.model_validate(one, from_attributes=True)
