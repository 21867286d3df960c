"""One channel's policy as people write it (infra/docs/policies.md)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt

from stockfold.availability import policy as model
from stockfold.availability.policy import ALL, UNITS_MAX, Policy
from stockfold.domain.times import to_us
from stockfold.runtime.settings_fields import Name, Zone

SUBJECTS_MAX = 10_000


def _percent(value: object) -> object:
    """Basis points of ``40%`` or ``12.25%``."""
    text = value.strip() if isinstance(value, str) else ""
    number = text.removesuffix("%").strip()
    if not text.endswith("%") or not number.replace(".", "", 1).isdecimal():
        raise ValueError("write a percentage such as 40% or 12.25%")
    basis_points = Decimal(number) * 100
    if basis_points != basis_points.to_integral_value():
        raise ValueError("a percentage has at most two decimals")
    if basis_points > ALL:
        raise ValueError("a percentage is between 0% and 100%")
    return int(basis_points)


def _whole_percent(value: object) -> object:
    if isinstance(value, int):
        return value
    basis_points = _percent(value)
    assert isinstance(basis_points, int)
    if basis_points % 100:
        raise ValueError("a confidence is a whole percentage")
    return basis_points // 100


def _amount(value: object) -> object:
    """A buffer: units, or a percentage of what is free."""
    if isinstance(value, str):
        return {"percent": value}
    return value if isinstance(value, dict) else {"units": value}


def _rules(value: object) -> object:
    """One amount, or a list of amounts and rules."""
    rows = value if isinstance(value, list) else [value]
    return [_amount(row) for row in rows]


def _caps(value: object) -> object:
    rows = value if isinstance(value, list) else [value]
    return [row if isinstance(row, dict) else {"units": row} for row in rows]


def _moment(value: object) -> object:
    if isinstance(value, str):
        with suppress(ValueError):
            value = datetime.fromisoformat(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    raise ValueError("write a time with its offset, such as 2026-11-27T00:00:00Z")


Units = Annotated[StrictInt, Field(ge=0, le=UNITS_MAX)]
Percent = Annotated[int, BeforeValidator(_percent)]
Confidence = Annotated[StrictInt, BeforeValidator(_whole_percent), Field(ge=0, le=100)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Sku = Annotated[str, Field(min_length=1, max_length=200)]
Category = Annotated[str, Field(min_length=1, max_length=500)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AmountEntry(_Entry):
    """Units, or a percentage of what is free."""

    units: Units = 0
    percent: Percent = 0


class SafetyEntry(AmountEntry):
    """A rule of safety stock."""

    sku: Sku | None = None
    category: Category | None = None
    location: Name | None = None


class FenceEntry(_Entry):
    """A ring-fence."""

    units: Units
    priority: StrictInt = 0
    sku: Sku | None = None
    category: Category | None = None


class BackorderEntry(_Entry):
    """A backorder limit."""

    units: Units
    sku: Sku | None = None
    category: Category | None = None


class PreorderEntry(_Entry):
    """What is sold before it is there."""

    confidence: Confidence = 0
    within_days: StrictInt | None = None


class PromotionEntry(_Entry):
    """A window with limits of its own."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    starts: Moment
    ends: Moment
    safety_stock: Annotated[AmountEntry, BeforeValidator(_amount)] | None = None
    ceiling: Units | None = None
    skus: Annotated[list[Sku], Field(max_length=SUBJECTS_MAX)] = []
    categories: Annotated[list[Category], Field(max_length=SUBJECTS_MAX)] = []


class ReservationEntry(_Entry):
    """Terms of reservations; backorder is allowed where something is promised that must wait."""

    ttl_s: StrictInt | None = None
    allow_partial: StrictBool = False
    allow_backorder: StrictBool | None = None
    priority: StrictInt = 0


class SilenceEntry(_Entry):
    """What becomes of a location whose source is silent."""

    then: Literal["keep", "buffer", "zero"] = "keep"
    after_s: StrictInt = 0
    safety_stock: Annotated[AmountEntry, BeforeValidator(_amount)] = AmountEntry()


class PolicyEntry(_Entry):
    """One channel's policy, without its revision: that is given when it is published."""

    channel: Name
    zone: Zone = "UTC"
    locations: Annotated[list[Name], Field(min_length=1)] | None = None
    tags: Annotated[list[Name], Field(min_length=1)] | None = None
    safety_stock: Annotated[list[SafetyEntry], BeforeValidator(_rules)] = []
    low_stock: Units = 0
    per_location: StrictBool = False
    share: Percent = ALL
    ring_fences: list[FenceEntry] | None = None
    ceiling: Units | None = None
    publish_zero_at: Units = 0
    backorders: Annotated[list[BackorderEntry], BeforeValidator(_caps)] | None = None
    preorder: PreorderEntry | None = None
    lead_time_days: StrictInt | None = None
    backorder_lead_time_days: StrictInt | None = None
    in_transit: StrictBool = False
    promotions: list[PromotionEntry] = []
    basis: Literal["net", "gross"] = "net"
    reservations: ReservationEntry = ReservationEntry()
    silence: SilenceEntry = SilenceEntry()

    def policy(self) -> Policy:
        """The policy, at revision 0: not published yet."""
        plain = len(self.safety_stock) == 1 and _is_plain(self.safety_stock[0])
        return Policy(
            channel=self.channel,
            revision=0,
            zone=self.zone,
            locations=None if self.locations is None else tuple(self.locations),
            tags=tuple(self.tags or ()),
            safety_stock=self.safety_stock[0].units if plain else 0,
            safety=() if plain else tuple(map(_safety, self.safety_stock)),
            low_stock=self.low_stock,
            per_location=self.per_location,
            share=self.share,
            ring_fences=_fences(self.ring_fences),
            ceiling=self.ceiling,
            publish_zero_at=self.publish_zero_at,
            backorders=_backorders(self.backorders),
            preorder=None
            if self.preorder is None
            else model.Preorder(self.preorder.confidence, self.preorder.within_days),
            lead_time_days=self.lead_time_days,
            backorder_lead_time_days=self.backorder_lead_time_days,
            in_transit=self.in_transit,
            promotions=tuple(map(_promotion, self.promotions)),
            basis=self.basis,
            reservations=self._terms(),
            silence=model.Silence(
                self.silence.then,
                self.silence.after_s,
                self.silence.safety_stock.units,
                self.silence.safety_stock.percent,
            ),
        )

    def _terms(self) -> model.ReservationTerms:
        entry = self.reservations
        ahead = self.preorder is not None or any(rule.units for rule in self.backorders or ())
        waits = ahead if entry.allow_backorder is None else entry.allow_backorder
        return model.ReservationTerms(entry.ttl_s, entry.allow_partial, waits, entry.priority)


def _is_plain(rule: SafetyEntry) -> bool:
    return not (rule.percent or rule.sku or rule.category or rule.location)


def _safety(rule: SafetyEntry) -> model.Safety:
    return model.Safety(
        rule.units, rule.percent, rule.sku or "", rule.category or "", rule.location or ""
    )


def _fences(entries: Sequence[FenceEntry] | None) -> tuple[model.RingFence, ...] | None:
    if entries is None:
        return None
    return tuple(
        model.RingFence(e.units, e.priority, e.sku or "", e.category or "") for e in entries
    )


def _backorders(entries: Sequence[BackorderEntry] | None) -> tuple[model.Backorder, ...] | None:
    if entries is None:
        return None
    return tuple(model.Backorder(e.units, e.sku or "", e.category or "") for e in entries)


def _promotion(entry: PromotionEntry) -> model.Promotion:
    buffer = entry.safety_stock
    percent = buffer is not None and bool(buffer.percent)
    return model.Promotion(
        entry.name,
        to_us(entry.starts),
        to_us(entry.ends),
        None if buffer is None or percent else buffer.units,
        buffer.percent if buffer is not None and percent else None,
        entry.ceiling,
        tuple(entry.skus),
        tuple(entry.categories),
    )
