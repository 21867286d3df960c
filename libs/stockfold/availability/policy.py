"""A channel's policy: what it may promise from, what is kept back, and on which terms.

Shares and percentages are in basis points, hundredths of a percent, so that they are exact. What
may be promised is rounded down, what is kept back is rounded up.
"""

from __future__ import annotations

from typing import Literal

import msgspec

UNITS_MAX = 10**12
"""More than this is nonsense in any quantity (rulings.md, 27)."""
ALL = 10_000
"""All of something, in basis points."""

Basis = Literal["net", "gross"]
WhenSilent = Literal["keep", "buffer", "zero"]


class Safety(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units, or a share of what is free, kept back.

    The most specific rule wins: of a SKU before of the deepest category before of none, and among
    these of a location before of none. What is empty is not restricted.
    """

    units: int = 0
    basis_points: int = 0
    sku: str = ""
    category: str = ""
    location: str = ""


class RingFence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units per SKU that no other channel may take; a higher ``priority`` is granted first.

    Of one SKU, or of every SKU of a category; a SKU's own rule comes before its category's.
    """

    units: int
    priority: int = 0
    sku: str = ""
    category: str = ""


class Backorder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units per SKU that may wait; of one SKU, of a category, or of every SKU."""

    units: int
    sku: str = ""
    category: str = ""


class Preorder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sale against dated inbound of at least this confidence, due within so many days."""

    confidence: int = 0
    within_days: int | None = None


class Promotion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A window with a buffer and a ceiling of its own, from ``starts_at`` to before ``ends_at``.

    Times are UTC microseconds. Within it the buffer stands in for the safety stock, and the ceiling
    for the policy's, for the SKUs and categories named, or for all. The first that fits counts.
    """

    name: str
    starts_at: int
    ends_at: int
    units: int | None = None
    basis_points: int | None = None
    ceiling: int | None = None
    skus: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


class Silence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of a location whose source has been silent for ``after_s`` seconds.

    ``keep`` trusts its last numbers, ``buffer`` keeps units or a share of what is free there back,
    ``zero`` counts none of it.
    """

    then: WhenSilent = "keep"
    after_s: int = 0
    units: int = 0
    basis_points: int = 0


class ReservationTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """On which terms the channel's orders are reserved. ``ttl_s`` of None: they do not expire."""

    ttl_s: int | None = None
    allow_partial: bool = False
    allow_backorder: bool = False
    priority: int = 0


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one channel may promise from. The newest ``revision`` rules.

    Eligible are the ``locations`` and those with one of the ``tags``; with neither, all.
    ``safety_stock`` is in units per SKU; ``safety`` has finer rules, and one of them without sku,
    category and location stands in for it. ``share`` is the part of the pool that no fence holds,
    in basis points. ``ring_fences`` and ``backorders`` of None leave what the ledger knows as it
    is; else the ledger is told. At or below ``publish_zero_at`` units the channel is told 0. At or
    below ``low_stock`` units the status is low; 0 means never. ``zone`` is the IANA zone of the
    channel's days. ``per_location`` asks for the breakdown. ``basis`` of ``gross`` adds what the
    channel itself still counts as open (channels.md, section 0).
    """

    channel: str
    revision: int
    zone: str = "UTC"
    locations: tuple[str, ...] | None = None
    safety_stock: int = 0
    low_stock: int = 0
    per_location: bool = False
    tags: tuple[str, ...] = ()
    safety: tuple[Safety, ...] = ()
    share: int = ALL
    ring_fences: tuple[RingFence, ...] | None = None
    ceiling: int | None = None
    publish_zero_at: int = 0
    backorders: tuple[Backorder, ...] | None = None
    preorder: Preorder | None = None
    lead_time_days: int | None = None
    backorder_lead_time_days: int | None = None
    in_transit: bool = False
    promotions: tuple[Promotion, ...] = ()
    basis: Basis = "net"
    reservations: ReservationTerms = ReservationTerms()
    silence: Silence = Silence()

    @property
    def everywhere(self) -> bool:
        """Whether every location is eligible."""
        return self.locations is None and not self.tags


def same_rules(one: Policy, other: Policy) -> bool:
    """Whether two policies differ in nothing but their revision and the order of locations."""
    return _normal(one) == _normal(other)


def _normal(policy: Policy) -> Policy:
    places = policy.locations
    ordered = None if places is None else tuple(sorted(places))
    return msgspec.structs.replace(
        policy, revision=0, locations=ordered, tags=tuple(sorted(policy.tags))
    )
