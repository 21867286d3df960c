"""What runs at the other end of each channel, and whether it still holds to its contract."""

from __future__ import annotations

from datetime import date, datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from stockfold.domain.days import as_date
from stockfold.domain.times import from_us
from stockfold.runtime.remote_versions import RemoteVersions
from stockfold_services.api import inputs
from stockfold_services.api.routes.deps import Shops

router = APIRouter(prefix="/v1/channel-versions", tags=["channels"])


class RemotePart(BaseModel):
    """One thing that has a version."""

    part: str
    version: str
    ends_on: date | None = Field(description="From when it may be gone; null: nobody says.")


class RemoteChange(BaseModel):
    """One version and the one after it."""

    part: str
    before: str
    now: str


class RemoteFinding(BaseModel):
    """What the channel's checks found after the change."""

    level: str
    code: str
    subject: str
    detail: str
    to_do: str


class ChannelVersions(BaseModel):
    """What a channel was last seen to run on."""

    channel: str
    kind: str
    parts: list[RemotePart]
    detail: str = Field(description="Why it does not say; empty when it does.")
    seen_at: datetime
    changed_at: datetime | None = Field(description="When the last change was seen.")
    changes: list[RemoteChange]
    check: str = Field(description="none, not_done, fit or unfit.")
    checked_at: datetime | None
    findings: list[RemoteFinding]
    halted: bool = Field(description="Whether the channel was halted for it.")
    by: str


class AllVersions(BaseModel):
    """Every channel that was asked."""

    channels: list[ChannelVersions]


@router.get("")
async def channel_versions(shops: Shops, channel: inputs.ChannelQuery = None) -> AllVersions:
    """What each channel runs on, as it was last seen; asked daily by the sweeper."""
    found = [one for one in await shops.all() if channel in (None, one.channel)]
    return AllVersions(channels=[told(one) for one in found])


def told(one: RemoteVersions) -> ChannelVersions:
    """As programs and pages read it."""
    return ChannelVersions(
        channel=one.channel,
        kind=one.kind,
        parts=[
            RemotePart(
                part=part.part,
                version=part.version,
                ends_on=None if part.ends_on is None else as_date(part.ends_on),
            )
            for part in one.parts
        ],
        detail=one.detail,
        seen_at=from_us(one.seen_at),
        changed_at=None if one.changed_at is None else from_us(one.changed_at),
        changes=[
            RemoteChange(part=change.part, before=change.before, now=change.now)
            for change in one.changes
        ],
        check=one.check,
        checked_at=None if one.checked_at is None else from_us(one.checked_at),
        findings=[
            RemoteFinding(
                level=finding.level,
                code=finding.code,
                subject=finding.subject,
                detail=finding.detail,
                to_do=finding.to_do,
            )
            for finding in one.findings
        ],
        halted=one.halted,
        by=one.by,
    )
