"""What channels are told, what they show, and how they are steered."""

from __future__ import annotations

from stockfold.contracts.topics.topic import DAY_MS, KEPT_MS, Topic

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
