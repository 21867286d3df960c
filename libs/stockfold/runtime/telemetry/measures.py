"""Every metric of every service. ``infra/docs/metrics.md`` is written from here.

Services count where things happen; what is counted per event elsewhere is counted per batch in the
ledger. All of it is kept whether or not anybody asks (0.5 to 2 µs each); ``[metrics]`` opens the
port.
"""

from __future__ import annotations

from stockfold.runtime.telemetry.declare import PATIENT, counter, gauge, histogram

BUILD = gauge(
    "stockfold_build_info", "1; says what runs here.", "service", "version", "environment"
)
EXCEPTIONS = counter(
    "stockfold_exceptions_total",
    "Exceptions raised, by kind. A batch that is aborted raises its own once more.",
    "service",
    "kind",
    "folded",
)

# --- the exactly-once loop: ledger, availability, orders ------------------------------------------

LOOP_EVENTS = counter(
    "stockfold_loop_events_total", "Input records in committed batches.", "service"
)
LOOP_TRANSACTIONS = counter(
    "stockfold_loop_transactions_total", "Transactions: committed or aborted.", "service", "outcome"
)
LOOP_BATCH = histogram(
    "stockfold_loop_batch_seconds", "Deciding and folding one batch, ticks included.", "service"
)
LOOP_COMMIT = histogram(
    "stockfold_loop_commit_seconds", "Offsets and commit of one transaction.", "service"
)
LOOP_AGE = histogram(
    "stockfold_loop_event_age_seconds",
    "From the broker's time of a batch's oldest record to its commit: the lag in time.",
    "service",
    buckets=PATIENT,
)
LOOP_RECOVERY = histogram(
    "stockfold_loop_recovery_seconds",
    "Restoring one partition: snapshot and journal.",
    "service",
    buckets=PATIENT,
)
LOOP_RESTARTS = counter(
    "stockfold_loop_restarts_total", "Clients that were started anew after an error.", "service"
)
LOOP_PARTITIONS = gauge("stockfold_loop_partitions", "Partitions served now.", "service")
LOOP_LAG = gauge(
    "stockfold_loop_lag_records",
    "Committed offsets of the inputs behind which this service is; markers count.",
    "service",
    "topic",
)

# --- ledger ---------------------------------------------------------------------------------------

LEDGER_REPEATS = counter(
    "stockfold_ledger_repeats_total", "Events that were known already, and changed nothing."
)
LEDGER_SKUS = gauge("stockfold_ledger_skus", "SKUs in memory.")

# --- snapshotter ----------------------------------------------------------------------------------

SNAPSHOT_MADE = histogram(
    "stockfold_snapshot_write_seconds",
    "Writing one snapshot with its digest.",
    "journal",
    buckets=PATIENT,
)
SNAPSHOT_TAIL = gauge(
    "stockfold_snapshot_tail_records",
    "Journal records behind the newest snapshot, of the partition that has most.",
    "journal",
)
SNAPSHOT_AGE = gauge(
    "stockfold_snapshot_age_seconds",
    "Age of the newest snapshot and its digest, of the oldest among partitions with newer facts.",
    "journal",
)

# --- availability ---------------------------------------------------------------------------------

AVAILABILITY_TOLD = counter(
    "stockfold_availability_events_total", "Availability events told.", "channel"
)
AVAILABILITY_LEFT = gauge(
    "stockfold_availability_reevaluation_left",
    "Listings still to be looked at or told, as policies or time have changed.",
)
SOURCE_SILENT = gauge(
    "stockfold_source_silent_seconds", "Since a source with a rhythm was last heard.", "source"
)
SOURCE_RHYTHM = gauge(
    "stockfold_source_rhythm_seconds", "How often a source speaks, by the reference data.", "source"
)

# --- orders ---------------------------------------------------------------------------------------

ORDERS_OPEN = gauge("stockfold_orders_open", "Orders that are not over, by state.", "status")
ORDERS_STUCK = gauge(
    "stockfold_orders_stuck",
    "Orders that wait for the ledger, for time or for a mapping, ten minutes after their last "
    "fact.",
)
ORDERS_MOVES = counter(
    "stockfold_orders_moves_total", "Moves to a state of the order life cycle.", "status"
)
ORDERS_SETTLED = histogram(
    "stockfold_orders_settle_seconds",
    "From Kafka's time of what a shop told to the order's coming to rest.",
    "channel",
    buckets=PATIENT,
)
ORDERS_CASES = counter(
    "stockfold_orders_cases_total", "Cases of units sold that are not there.", "action"
)

# --- publisher ------------------------------------------------------------------------------------

PUBLISHER_BACKLOG = gauge(
    "stockfold_publisher_backlog_listings", "Listings that wait or are under way.", "channel"
)
PUBLISHER_ACCEPTED = gauge(
    "stockfold_publisher_accepted_listings",
    "Listings that the channel has taken, and is yet to show.",
    "channel",
)
PUBLISHER_OLDEST = gauge(
    "stockfold_publisher_oldest_seconds",
    "How long the ledger's decision behind the oldest listing that waits lies back.",
    "channel",
)
PUBLISHER_OUTCOMES = counter(
    "stockfold_publisher_outcomes_total",
    "What became of availabilities, retryable for each that will be tried again, accepted for each "
    "answer that the channel does it later.",
    "channel",
    "outcome",
)
PUBLISHER_PROPAGATION = histogram(
    "stockfold_publisher_propagation_seconds",
    "From the stock event to the shop's acknowledgement.",
    "channel",
    buckets=PATIENT,
)
PUBLISHER_REQUESTS = counter(
    "stockfold_publisher_requests_total",
    "Requests to the shop: served, or the kind of trouble.",
    "channel",
    "purpose",
    "outcome",
)
PUBLISHER_REQUEST = histogram(
    "stockfold_publisher_request_seconds",
    "One request to the shop.",
    "channel",
    "purpose",
    buckets=PATIENT,
)
PUBLISHER_WRITES = counter(
    "stockfold_publisher_written_listings_total", "Listings in writes that were sent.", "channel"
)
PUBLISHER_FLYING = gauge(
    "stockfold_publisher_in_flight", "Requests under way at the last look.", "channel"
)
PUBLISHER_PACE = gauge(
    "stockfold_publisher_in_flight_limit", "Requests that the pace allows at once.", "channel"
)
PUBLISHER_TROUBLE = gauge(
    "stockfold_publisher_trouble",
    "1 while the breaker is open, by the kind of trouble.",
    "channel",
    "kind",
)
PUBLISHER_FROZEN = gauge(
    "stockfold_publisher_frozen", "1 while a channel has work and gets none done.", "channel"
)
PUBLISHER_LEASE = gauge(
    "stockfold_publisher_owner", "1 while this process is the channel's proven owner.", "channel"
)
PUBLISHER_CONTROL = gauge(
    "stockfold_publisher_control", "1 for what the channel shall do now.", "channel", "state"
)
PUBLISHER_HALTS = counter(
    "stockfold_publisher_halts_total", "Halts by a guard.", "channel", "guard"
)

# --- projector ------------------------------------------------------------------------------------

PROJECTOR_RECORDS = counter(
    "stockfold_projector_records_total", "Records written to PostgreSQL.", "topic"
)
PROJECTOR_WRITE = histogram(
    "stockfold_projector_write_seconds", "One transaction with rows and offsets."
)
PROJECTOR_LAG = gauge(
    "stockfold_projector_lag_records", "Records that are still to be written.", "topic"
)
PROJECTOR_INTERRUPTIONS = counter(
    "stockfold_projector_interruptions_total", "Times that Kafka or PostgreSQL was lost."
)

# --- sweeper --------------------------------------------------------------------------------------

SWEEPER_TOLD = counter(
    "stockfold_sweeper_orders_total",
    "Changed orders that sweeps told. The webhooks should have told as many before.",
    "channel",
)
SWEEPER_MENDED = counter(
    "stockfold_sweeper_webhooks_mended_total",
    "Webhooks that were put right in the shop.",
    "channel",
)
SWEEPER_SWEPT = gauge(
    "stockfold_sweeper_swept_timestamp_seconds", "When the last sweep came to its end.", "channel"
)
SWEEPER_TROUBLES = counter(
    "stockfold_sweeper_troubles_total", "Rounds in which the shop did not serve.", "channel", "kind"
)
SWEEPER_PARCELS = counter(
    "stockfold_sweeper_parcels_total", "Parcels: written, known, refused.", "channel", "outcome"
)
SWEEPER_CONFIRM = histogram(
    "stockfold_sweeper_confirm_seconds",
    "From Kafka's time of a parcel to its being in the shop's order.",
    "channel",
    buckets=PATIENT,
)
CANARY_LATE = gauge(
    "stockfold_canary_late", "1 while the canary has not reached the shop in time.", "channel"
)
CANARY_TOOK = histogram(
    "stockfold_canary_seconds", "From the canary's count to the shop.", "channel", buckets=PATIENT
)

# --- erp ------------------------------------------------------------------------------------------

ERP_ORDERS = counter(
    "stockfold_erp_orders_total", "Orders handed on: done, retried, refused.", "outcome"
)

# --- gateway, checkout, api -----------------------------------------------------------------------

WEBHOOKS = counter(
    "stockfold_gateway_webhooks_total",
    "Webhooks of shops: taken, ignored, ping, forged, bad, lost.",
    "channel",
    "outcome",
)
HTTP_REQUESTS = counter(
    "stockfold_http_requests_total", "Requests answered.", "service", "route", "method", "status"
)
HTTP_SECONDS = histogram(
    "stockfold_http_request_seconds",
    "To the first byte of the answer.",
    "service",
    "route",
)

# --- what the api sees of the others, dead ones too -----------------------------------------------

GROUP_LAG = gauge(
    "stockfold_group_lag_records",
    "Records that a consumer group has not read, as Kafka says.",
    "group",
    "topic",
)
GROUPS_SEEN = gauge(
    "stockfold_group_lag_seen_timestamp_seconds", "When Kafka was last asked about the groups."
)
READ_MODEL_SEEN = gauge(
    "stockfold_read_model_seen_timestamp_seconds", "When PostgreSQL was last asked."
)
READ_MODEL_AGE = gauge(
    "stockfold_read_model_age_seconds", "What was committed so long ago is in the tables."
)
PROJECTOR_ALIVE = gauge("stockfold_projector_alive", "1 while a projector beats.")
STOCK_NEGATIVE = gauge(
    "stockfold_stock_negative_positions", "Places with less than nothing on hand."
)
STOCK_OVERSOLD = gauge(
    "stockfold_stock_oversold_positions", "Places with more promised than is on hand."
)
REBUILDS = gauge("stockfold_rebuilds_building", "Generations of the read model in the making.")
REBUILD_PART = gauge(
    "stockfold_rebuild_done_ratio", "What part is done of the one that is behind; 1 without any."
)
CASES_OPEN = gauge("stockfold_cases_open", "Open cases of orders, by kind.", "kind")
CASES_OLDEST = gauge("stockfold_cases_oldest_seconds", "Age of the oldest open case.")
LISTINGS_OPEN = gauge(
    "stockfold_listings_not_applied",
    "Listings that do not show what they shall.",
    "channel",
    "outcome",
)

# --- service level objectives ---------------------------------------------------------------------

SLO_EVENTS = counter(
    "stockfold_slo_events_total",
    "What was done that an objective is about.",
    "objective",
    "channel",
)
SLO_GOOD = counter(
    "stockfold_slo_good_total", "What of it was done well, and in time.", "objective", "channel"
)
SLO_OBJECTIVE = gauge(
    "stockfold_slo_objective_ratio", "What part of it shall be good, by the settings.", "objective"
)
SLO_WITHIN = gauge(
    "stockfold_slo_within_seconds", "How soon is in time, by the settings.", "objective"
)
