"""Every topic of stockfold, declared once: partitions, retention, compaction, owner, schemas.

Names are without the environment prefix; ``Topic.full_name`` adds it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

DAY_MS = 86_400_000
KEPT_MS = 30 * DAY_MS
"""How long what was in force and what was told can be looked up (decision record 0004)."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it must exist on the broker.

    ``keyed_by_sku`` topics share one partition count and one partitioner (murmur2 of the SKU),
    so that a SKU's inputs, journal and outputs share a partition number; ``keyed_by_order`` topics
    share another count (murmur2 of channel|order). ``partitions`` of the others is fixed here.
    ``retention_ms`` of -1 keeps for ever.
    """

    name: str
    owner: str
    doc: str
    key: str
    schemas: tuple[str, ...]
    keyed_by_sku: bool = True
    partitions: int = 1
    compacted: bool = False
    # Compaction leaves what has been superseded alone for so long.
    superseded_kept_ms: int = 0
    retention_ms: int = -1
    # Inputs are ordered across topics by the broker's own clock, never by a producer's.
    log_append_time: bool = field(default=False)
    keyed_by_order: bool = False

    def full_name(self, prefix: str) -> str:
        """The name on the broker, in the environment of ``prefix``."""
        return prefix + self.name


def _input(name: str, owner: str, doc: str, schemas: tuple[str, ...]) -> Topic:
    return Topic(name, owner, doc, "SKU", schemas, log_append_time=True)


RECEIPTS = _input(
    "stockfold.receipts.v1",
    "ERP and WMS",
    "Inbound documents and goods received.",
    ("stockfold.InboundExpected", "stockfold.InboundClosed", "stockfold.GoodsReceived"),
)
TRANSFERS = _input(
    "stockfold.transfers.v1",
    "WMS",
    "Movements between locations.",
    ("stockfold.TransferDispatched", "stockfold.TransferReceived", "stockfold.TransferClosed"),
)
RETURNS = _input(
    "stockfold.returns.v1",
    "WMS and stores",
    "Goods that come back from customers.",
    ("stockfold.ReturnAuthorized", "stockfold.ReturnReceived", "stockfold.ReturnDispositioned"),
)
ADJUSTMENTS = _input(
    "stockfold.adjustments.v1",
    "ERP and WMS",
    "Corrections, status changes, counts and reported snapshots.",
    (
        "stockfold.StockAdjusted",
        "stockfold.StockStatusChanged",
        "stockfold.StockCounted",
        "stockfold.StockSnapshotReported",
    ),
)
RESERVATIONS = _input(
    "stockfold.reservations.v1",
    "orders and the policy compiler",
    "Commands about promises, ring-fences and backorder limits.",
    (
        "stockfold.ReserveStock",
        "stockfold.ExtendReservation",
        "stockfold.MoveReservation",
        "stockfold.ReleaseReservation",
        "stockfold.RingFenceSet",
        "stockfold.BackorderLimitSet",
    ),
)
ALLOCATIONS = _input(
    "stockfold.allocations.v1",
    "ERP and WMS",
    "Commitments, shipments and cancellations of order lines.",
    (
        "stockfold.StockAllocated",
        "stockfold.StockDeallocated",
        "stockfold.StockShipped",
        "stockfold.OrderLineCancelled",
    ),
)


def _by_order(
    name: str,
    owner: str,
    doc: str,
    schemas: tuple[str, ...],
    *,
    key: str = "channel|order",
    compacted: bool = False,
    log_append_time: bool = False,
) -> Topic:
    return Topic(
        name,
        owner,
        doc,
        key,
        schemas,
        keyed_by_sku=False,
        keyed_by_order=True,
        compacted=compacted,
        log_append_time=log_append_time,
    )


ORDERS = _by_order(
    "stockfold.orders.v1",
    "shops, through the gateway",
    "What orders are now like, what reviews say of them, and what people did about their cases.",
    ("stockfold.OrderChanged", "stockfold.OrderReviewed", "stockfold.OrderCaseChanged"),
    log_append_time=True,
)
SHIPMENTS = Topic(
    "stockfold.shipments.v1",
    "WMS and ERP",
    "Parcels that have left, with carrier and tracking, for the shops that sold what is in them.",
    "channel|order",
    ("stockfold.OrderShipped",),
    keyed_by_sku=False,
    keyed_by_order=True,
    retention_ms=30 * DAY_MS,
)
ORDER_ANSWERS = _by_order(
    "stockfold.order-answers.v1",
    "orders",
    "The ledger's answers about order lines, handed on to whoever has the order's partition.",
    ("stockfold.ReservationStatus",),
    log_append_time=True,
)
ORDER_JOURNAL = _by_order(
    "stockfold.order-journal.v1",
    "orders",
    "Every decision about every order, and the marks of the inputs it covers.",
    ("stockfold.OrderFact", "stockfold.InputsRead"),
    key="channel|order; none for marks",
)
ORDER_STATUS = _by_order(
    "stockfold.order-status.v1",
    "orders",
    "Where each order stands, line by line; the latest wins.",
    ("stockfold.OrderStatus",),
    compacted=True,
)
ORDER_CASES = _by_order(
    "stockfold.order-cases.v1",
    "orders",
    "What a person must settle about an order, such as an oversold line; the latest wins.",
    ("stockfold.OrderCase",),
    key="case",
    compacted=True,
)
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
DELIVERIES = Topic(
    "stockfold.deliveries.v1",
    "publisher",
    "What each channel acknowledged or refused.",
    "channel|SKU",
    ("stockfold.Delivery",),
    retention_ms=30 * DAY_MS,
)
LISTINGS = Topic(
    "stockfold.listings.v1",
    "publisher",
    "How far each listing is: desired, sent, accepted, applied and observed; the latest wins.",
    "channel|SKU",
    ("stockfold.ListingState",),
    compacted=True,
)
RESENDS = Topic(
    "stockfold.channel-resends.v1",
    "command line and reconciliation",
    "Listings that a publisher shall send once more; it carries out those of the last hour.",
    "channel|SKU",
    ("stockfold.ListingResend",),
    keyed_by_sku=False,
    partitions=1,
    retention_ms=DAY_MS,
)
RECONCILIATIONS = Topic(
    "stockfold.channel-reconciliations.v1",
    "publisher and command line",
    "How each shop's listings compared with what they shall show, when last read whole.",
    "channel",
    ("stockfold.ChannelReconciled",),
    keyed_by_sku=False,
    partitions=1,
    compacted=True,
    superseded_kept_ms=KEPT_MS,
)
CHANNEL_CHECKS = Topic(
    "stockfold.channel-checks.v1",
    "publisher, sweeper and command line",
    "What the last check of each shop has found.",
    "channel",
    ("stockfold.ChannelChecked",),
    keyed_by_sku=False,
    partitions=1,
    compacted=True,
    superseded_kept_ms=KEPT_MS,
)
CHANNEL_CONTROL = Topic(
    "stockfold.channel-control.v1",
    "command line and publisher",
    "What each channel shall do: run, pause, halt, show zero, or what it showed before us.",
    "channel",
    ("stockfold.ChannelControl",),
    keyed_by_sku=False,
    partitions=1,
    compacted=True,
)
CONNECTIONS = Topic(
    "stockfold.connections.v1",
    "publisher",
    "How the publisher of each channel stands: backlog, pace, trouble, guards.",
    "channel",
    ("stockfold.ConnectionState",),
    keyed_by_sku=False,
    partitions=1,
    retention_ms=DAY_MS,
)
CHANNEL_BASELINES = Topic(
    "stockfold.channel-baselines.v1",
    "publisher",
    "What each channel showed of each listing before we first wrote it.",
    "channel|SKU",
    ("stockfold.ListingBaseline",),
    compacted=True,
)
CATALOG = Topic(
    "stockfold.catalog.v1",
    "ERP or PIM",
    "SKUs: units, bill of materials, whether they are sold; the latest revision wins.",
    "SKU",
    ("stockfold.CatalogItem",),
    compacted=True,
    # The ledger merges it with its inputs by the broker's clock.
    log_append_time=True,
)
REFERENCE = Topic(
    "stockfold.reference.v1",
    "stock control",
    "Locations, authorities and aliases; read whole by whoever needs them.",
    "kind|id",
    ("stockfold.Location", "stockfold.Authority", "stockfold.Alias"),
    keyed_by_sku=False,
    partitions=1,
    compacted=True,
)
SCHEDULE = Topic(
    "stockfold.schedule.v1",
    "availability and ledger",
    "What time brings: moments at which promises can change, and when sources were heard from.",
    "moment|time, or source|source",
    ("stockfold.MomentReached", "stockfold.SourceHeard"),
    keyed_by_sku=False,
    partitions=1,
    compacted=True,
    superseded_kept_ms=KEPT_MS,
)
REEVALUATION = Topic(
    "stockfold.reevaluation-progress.v1",
    "availability",
    "How far each instance of availability is with what policies and time have it look at again.",
    "instance",
    ("stockfold.ReevaluationProgress",),
    keyed_by_sku=False,
    partitions=1,
    compacted=True,
)
AUDIT = Topic(
    "stockfold.audit.v1",
    "command line",
    "What people changed by commands, written before the change is made. Kept for ever.",
    "audit id",
    ("stockfold.AuditRecord",),
    keyed_by_sku=False,
    partitions=1,
)
API_KEYS = Topic(
    "stockfold.api-keys.v1",
    "command line",
    "Who may send what over HTTP; read whole by every gateway. Hashes, never secrets.",
    "key id",
    ("stockfold.ApiKey",),
    keyed_by_sku=False,
    partitions=1,
    compacted=True,
)
ORDER_SWEEPS = Topic(
    "stockfold.order-sweeps.v1",
    "sweeper and gateway",
    "Up to when each shop's changed orders were read, and orders that are to be looked up there.",
    "cursor|channel, or question|channel|order|asked at",
    ("stockfold.SweepReached", "stockfold.OrderToLookUp"),
    keyed_by_sku=False,
    partitions=1,
    compacted=True,
)
CHANNEL_COVERAGE = Topic(
    "stockfold.channel-coverage.v1",
    "command line and publisher",
    "SKUs that a channel may go without, and which channels went live with all others covered.",
    "waiver|channel|SKU, or admission|channel",
    ("stockfold.ChannelWaiver", "stockfold.ChannelAdmission"),
    keyed_by_sku=False,
    partitions=1,
    compacted=True,
)
CHANNEL_PROOFS = Topic(
    "stockfold.channel-proofs.v1",
    "sweeper",
    "What the canary of each connection proved; the latest of a channel is where it stands.",
    "channel",
    ("stockfold.ChannelProof",),
    keyed_by_sku=False,
    partitions=1,
    retention_ms=30 * DAY_MS,
)
SHADOW_REPORTS = Topic(
    "stockfold.shadow-reports.v1",
    "publisher",
    "How each channel in shadow or canary compares with what would be written, hour by hour.",
    "channel",
    ("stockfold.ShadowReport",),
    keyed_by_sku=False,
    partitions=1,
    retention_ms=90 * DAY_MS,
)
REMOTE_VERSIONS = Topic(
    "stockfold.remote-versions.v1",
    "sweeper and command line",
    "What runs at the other end of each channel, what changed last, and what its checks found.",
    "channel",
    ("stockfold.RemoteVersions",),
    keyed_by_sku=False,
    partitions=1,
    compacted=True,
    superseded_kept_ms=KEPT_MS,
)
MONITOR = Topic(
    "stockfold.monitor.v1",
    "monitor",
    "How many promises were kept by channel and window, and how long SKUs were sold out. Derived.",
    "what|channel|SKU|window",
    ("stockfold.MonitorWindow",),
    keyed_by_sku=False,
    partitions=1,
    retention_ms=7 * DAY_MS,
)

INPUTS: tuple[Topic, ...] = (
    RECEIPTS,
    TRANSFERS,
    RETURNS,
    ADJUSTMENTS,
    RESERVATIONS,
    ALLOCATIONS,
)
TOPICS: tuple[Topic, ...] = (
    *INPUTS,
    JOURNAL,
    POSITIONS,
    RESERVATION_STATUS,
    EXCEPTIONS,
    EXCEPTION_RESOLUTIONS,
    POLICIES,
    AVAILABILITY,
    KIT_COMPONENTS,
    COMPONENT_AVAILABILITY,
    DELIVERIES,
    LISTINGS,
    RESENDS,
    CHANNEL_CONTROL,
    CHANNEL_BASELINES,
    CONNECTIONS,
    RECONCILIATIONS,
    CHANNEL_CHECKS,
    CATALOG,
    REFERENCE,
    SCHEDULE,
    REEVALUATION,
    AUDIT,
    API_KEYS,
    ORDER_SWEEPS,
    CHANNEL_COVERAGE,
    CHANNEL_PROOFS,
    SHADOW_REPORTS,
    REMOTE_VERSIONS,
    MONITOR,
    ORDERS,
    SHIPMENTS,
    ORDER_ANSWERS,
    ORDER_JOURNAL,
    ORDER_STATUS,
    ORDER_CASES,
)
INPUT_OF: dict[str, Topic] = {schema: topic for topic in INPUTS for schema in topic.schemas}
"""The input topic of each input event type."""
TAKEN_ON: dict[str, Topic] = {**INPUT_OF, **dict.fromkeys(ORDERS.schemas, ORDERS)}
"""The topic of each event type that is told us: the ledger's inputs, and events about orders."""
