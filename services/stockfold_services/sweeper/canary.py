"""When a canary is counted, and what it proves. Pure: no clock, no I/O.

    rests ──due──▶ waiting ──shown──▶ proved ──▶ rests
                      │                 ▲
                      └─SLA──▶ late ────┘ (counted again now and then)
    any ──hindered──▶ hindered ──free──▶ waiting

One count is outstanding at most. It says how many units there are, not how many more, so that
counting again changes nothing: whatever was lost on the way, the shop ends with the last one.
"""

from __future__ import annotations

import enum
from typing import Literal

import msgspec

from stockfold.domain.times import SECOND_US

Outcome = Literal["waiting", "proved", "late", "hindered"]
UpTo = Literal["shop", "shadow"]
SOURCE = "stockfold/monitor"


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a connection's canary; times are UTC microseconds, 0 for never.

    ``counted`` was told at ``told_us``, for the first time at ``since_us``. ``shown_us`` is when
    the shop was seen to follow. ``up_to`` is how far the path is proved: to the shop, or to what
    would have been sent.
    """

    sku: str
    counted: int = 0
    since_us: int = 0
    told_us: int = 0
    shown_us: int = 0
    outcome: Outcome = "hindered"
    up_to: UpTo = "shop"
    detail: str = ""

    @property
    def latency_us(self) -> int:
        """From the count to the shop; how long it has taken by now is not told here."""
        return self.shown_us - self.since_us if self.outcome == "proved" else 0

    @property
    def correlation(self) -> str:
        """What the count is followed by through our systems."""
        return f"{SOURCE}/{self.sku}/{self.since_us}"


class Schedule(msgspec.Struct, frozen=True):
    """How often, and how long the shop may take."""

    every_us: int
    sla_us: int


class Step(enum.Enum):
    """What to do now."""

    REST = "rest"
    COUNT = "count"
    COUNT_AGAIN = "count_again"
    LOOK = "look"
    HINDERED = "hindered"


def next_step(proof: Proof, schedule: Schedule, hindered: str, now_us: int) -> Step:
    """What to do now; ``hindered`` says why the shop cannot be expected to follow, or is empty."""
    if hindered:
        same = (proof.outcome, proof.detail) == ("hindered", hindered)
        return Step.REST if same else Step.HINDERED
    if proof.outcome == "hindered":
        return Step.COUNT
    if proof.outcome == "proved":
        # A clock that was set back must not silence the canary.
        return Step.REST if 0 <= now_us - proof.told_us < schedule.every_us else Step.COUNT
    again_us = max(schedule.every_us, schedule.sla_us)
    if proof.outcome == "late" and not 0 <= now_us - proof.told_us < again_us:
        return Step.COUNT_AGAIN
    return Step.LOOK


def next_count(shown: int | None, units: int) -> int:
    """What to count so that the shop must change what it shows; None when it shows no number."""
    return 0 if shown is not None and shown > 0 else units


def follows(counted: int, shown: int | None) -> bool:
    """Whether the shop shows what was counted: policies may hold some of it back, but not all."""
    return shown is not None and (shown > 0) == (counted > 0)


def counted(proof: Proof, units: int, now_us: int) -> Proof:
    """A new count is told now."""
    return Proof(
        sku=proof.sku,
        counted=units,
        since_us=now_us,
        told_us=now_us,
        outcome="waiting",
        up_to=proof.up_to,
    )


def told_again(proof: Proof, now_us: int) -> Proof:
    """The outstanding count is told anew; it is late as before."""
    return msgspec.structs.replace(proof, told_us=now_us)


def judged(proof: Proof, now_us: int, schedule: Schedule, *, seen: bool, detail: str = "") -> Proof:
    """After a look: proved when it was seen; late when its time is over. ``detail`` says why."""
    if seen:
        return msgspec.structs.replace(proof, shown_us=now_us, outcome="proved", detail="")
    if proof.outcome == "waiting" and now_us - proof.since_us > schedule.sla_us:
        return msgspec.structs.replace(proof, outcome="late", detail=detail)
    return proof


def hindered_by(proof: Proof, why: str) -> Proof:
    """The shop is not expected to follow; what was outstanding proves nothing any more."""
    return msgspec.structs.replace(proof, outcome="hindered", detail=why)


def schedule_of(every_s: int, sla_s: int) -> Schedule:
    """A schedule in seconds."""
    return Schedule(every_s * SECOND_US, sla_s * SECOND_US)
