"""What the ledger decides, and what availability makes of it."""

from __future__ import annotations

from stockfold.contracts.topics.topic import DAY_MS, KEPT_MS, Topic

JOURNAL = Topic(
    "stockfold.journal.v1",
    "ledger",
    "The truth: every fact of every SKU, in order, and the marks of the inputs it covers.",
    "SKU; none for marks",
    ("stockfold.JournalFact", "stockfold.InputsRead"),
)

POSITIONS = Topic(
    "stockfold.positions.v1",
    "ledger",
    "Numbers by SKU and location, and by SKU; the latest wins.",
    "location|SKU, or |SKU",
    ("stockfold.Position", "stockfold.SkuSummary"),
    compacted=True,
)

RESERVATION_STATUS = Topic(
    "stockfold.reservation-status.v1",
    "ledger",
    "Answers to reservation commands and what became of reservations.",
    "SKU",
    ("stockfold.ReservationStatus",),
    retention_ms=30 * DAY_MS,
)

EXCEPTIONS = Topic(
    "stockfold.exceptions.v1",
    "ledger",
    "Inputs that were not folded, with their bytes, and findings about those that were.",
    "key of the input",
    ("stockfold.ExceptionRaised",),
)

EXCEPTION_RESOLUTIONS = Topic(
    "stockfold.exception-resolutions.v1",
    "exception desk",
    "What people did about exceptions. Kept whole, not compacted: it is also the audit.",
    "exception id",
    ("stockfold.ExceptionResolution",),
    keyed_by_sku=False,
    partitions=1,
)

POLICIES = Topic(
    "stockfold.channel-policies.v1",
    "planners",
    "What each channel may promise from; read whole by every availability process.",
    "channel",
    ("stockfold.ChannelPolicy",),
    keyed_by_sku=False,
    partitions=1,
    compacted=True,
    superseded_kept_ms=KEPT_MS,
)

AVAILABILITY = Topic(
    "stockfold.availability.v1",
    "availability",
    "What each channel may promise of each SKU; the latest version wins.",
    "channel|SKU",
    ("stockfold.Availability",),
    compacted=True,
)

KIT_COMPONENTS = Topic(
    "stockfold.kit-components.v1",
    "availability",
    "Which kits need a component, told to whoever has the component's partition.",
    "kit|component; the kit with % and | as %25 and %7C",
    ("stockfold.KitComponent",),
    compacted=True,
)

COMPONENT_AVAILABILITY = Topic(
    "stockfold.component-availability.v1",
    "availability",
    "What channels may promise of the components of a kit; the latest version wins.",
    "component|kit, or |component; the component with % and | as %25 and %7C",
    ("stockfold.ComponentAvailability",),
    compacted=True,
)
