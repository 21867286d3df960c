"""What is known of goods and places, what time brings, and who did what."""

from __future__ import annotations

from stockfold.contracts.topics.topic import DAY_MS, KEPT_MS, Topic

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
