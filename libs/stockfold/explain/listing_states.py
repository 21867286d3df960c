"""How far a listing is behind what its channel shall show, and why."""

from __future__ import annotations

from datetime import datetime

from stockfold.explain.entry import answer

DIFFERENCES = ("shadow", "refused", "waiting", "unanswered", "not_shown", "drifted")


@answer
class ListingState:
    """Desired, sent, accepted, applied and observed; null is what nobody has seen yet."""

    channel: str
    """The channel."""
    sku: str
    """The SKU."""
    listing: str | None
    """The channel's own name of it."""
    differs: str
    """Empty when the channel shows what it shall; else one of shadow (it is not written, by the
    connection's mode), refused (by the channel, or given up), waiting (not sent yet), unanswered
    (sent, the answer is to come or unclear), not_shown (taken and not shown), drifted (somebody
    else has changed it since)."""
    desired_version: int
    """Version of the availability that it shall show."""
    desired_quantity: int
    """Its units, as availability has them: below zero goes out as zero."""
    sent_version: int | None
    """Newest version that a write was made with."""
    sent_at: datetime | None
    """When."""
    accepted_version: int | None
    """Newest version that the channel took without an error."""
    applied_version: int | None
    """Newest version that the channel was seen to show."""
    applied_quantity: int | None
    """Its units."""
    applied_at: datetime | None
    """When it was seen."""
    took_us: int | None
    """Microseconds from the stock event to there."""
    observed_version: int | None
    """Version whose units the channel showed last; 0 when they are none of ours."""
    observed_quantity: int | None
    """Units that it showed last."""
    observed_at: datetime | None
    """When."""
    outcome: str
    """What became of the newest version that the publisher took on; empty while it is open."""
    detail: str
    """What the channel said about it."""


def difference(
    desired: int,
    told: int,
    outcome: str,
    sent: int | None,
    accepted: int | None,
    applied: int | None,
    observed: int | None,
) -> str:
    """One of ``DIFFERENCES``, or empty, of versions; ``told`` is the one that ``outcome`` is of."""
    is_told = told == desired
    if is_told and outcome == "shadow":
        return "shadow"
    if is_told and outcome not in {"", "applied"}:
        return "refused"
    if (applied or 0) >= desired:
        return "drifted" if observed == 0 else ""
    if (sent or 0) < desired:
        return "waiting"
    return "not_shown" if (accepted or 0) >= desired else "unanswered"
