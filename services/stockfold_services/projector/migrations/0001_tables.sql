-- The read model. Every row names the record it came from: partition and record_offset are its
-- place in its own Kafka topic. Text is compared by bytes, so that pages have one order everywhere.

CREATE TABLE origin (
    kafka_cluster_id text PRIMARY KEY,
    prefix text NOT NULL,
    since timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE offsets (
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);

CREATE TABLE projectors (
    projector text PRIMARY KEY,
    started_at timestamptz NOT NULL,
    beat_at timestamptz NOT NULL,
    seen_at timestamptz
) WITH (fillfactor = 50);

CREATE TABLE progress (
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    projector text NOT NULL,
    lag bigint NOT NULL,
    record_at timestamptz,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);

-- complete_until: everything that was committed before it is in the tables.
CREATE VIEW freshness AS
SELECT topic, partition, next_offset, lag, beat_at,
       CASE WHEN lag = 0 THEN seen_at ELSE record_at END AS complete_until
FROM offsets JOIN progress USING (topic, partition) LEFT JOIN projectors USING (projector);

CREATE TABLE positions (
    sku text COLLATE "C" NOT NULL,
    location text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    on_hand bigint NOT NULL,
    quality_hold bigint NOT NULL,
    damaged bigint NOT NULL,
    in_transit bigint NOT NULL,
    reserved bigint NOT NULL,
    allocated bigint NOT NULL,
    atp bigint NOT NULL,
    claims jsonb NOT NULL,
    expected jsonb NOT NULL,
    recorded_at timestamptz NOT NULL,
    correlation_id text NOT NULL,
    caused_at timestamptz,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    PRIMARY KEY (sku, location)
) WITH (fillfactor = 80);
CREATE INDEX positions_by_location ON positions (location, sku);

CREATE TABLE sku_summaries (
    sku text COLLATE "C" PRIMARY KEY,
    seq bigint NOT NULL,
    backordered bigint NOT NULL,
    backordered_by_channel jsonb NOT NULL,
    fences jsonb NOT NULL,
    limits jsonb NOT NULL,
    recorded_at timestamptz NOT NULL,
    correlation_id text NOT NULL,
    caused_at timestamptz,
    partition integer NOT NULL,
    record_offset bigint NOT NULL
) WITH (fillfactor = 80);

CREATE TABLE availability (
    channel text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    quantity bigint NOT NULL,
    status text NOT NULL,
    next_available date,
    lead_time_days integer,
    locations jsonb NOT NULL,
    version bigint NOT NULL,
    policy_revision bigint NOT NULL,
    seq bigint NOT NULL,
    steps jsonb NOT NULL,
    recorded_at timestamptz NOT NULL,
    correlation_id text NOT NULL,
    caused_at timestamptz,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    PRIMARY KEY (channel, sku)
) WITH (fillfactor = 80);
CREATE INDEX availability_by_sku ON availability (sku);

-- places: locations whose position the fact changed; the empty one stands for the SKU's summary.
-- body: the JSON of the fact's entities, byte for byte; convert_from(body, 'UTF8')::jsonb reads it.
CREATE TABLE journal (
    sku text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    kind text NOT NULL,
    source text NOT NULL,
    event_id text NOT NULL,
    correlation_id text NOT NULL,
    cause_topic text NOT NULL,
    cause_partition integer NOT NULL,
    cause_offset bigint NOT NULL,
    schema_id integer NOT NULL,
    payload_hash bytea NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    caused_at timestamptz,
    deltas jsonb NOT NULL,
    flags text[] NOT NULL,
    places text[] NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (sku, seq)
);

CREATE TABLE demand_lines (
    sku text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    line text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    reservation text COLLATE "C" NOT NULL,
    channel text NOT NULL,
    ordered bigint NOT NULL,
    unordered bigint NOT NULL,
    reserved bigint NOT NULL,
    allocated bigint NOT NULL,
    backordered bigint NOT NULL,
    shipped bigint NOT NULL,
    cancelled bigint NOT NULL,
    expired bigint NOT NULL,
    rejected bigint NOT NULL,
    final boolean NOT NULL,
    priority integer NOT NULL,
    places jsonb NOT NULL,
    allocations jsonb NOT NULL,
    expires_at timestamptz,
    recorded_at timestamptz NOT NULL,
    partition integer NOT NULL,
    PRIMARY KEY (sku, order_id, line)
) WITH (fillfactor = 70);
CREATE INDEX demand_lines_by_order ON demand_lines (order_id, line);
CREATE INDEX demand_lines_by_reservation ON demand_lines (reservation) WHERE reservation <> '';

CREATE TABLE reservation_status (
    sku text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    reservation text COLLATE "C" NOT NULL,
    order_id text NOT NULL,
    line text NOT NULL,
    status text NOT NULL,
    command text NOT NULL,
    quantity bigint NOT NULL,
    reason text NOT NULL,
    available bigint NOT NULL,
    source text NOT NULL,
    event_id text NOT NULL,
    recorded_at timestamptz NOT NULL,
    partition integer NOT NULL,
    PRIMARY KEY (sku, seq)
);
CREATE INDEX reservation_status_by_reservation ON reservation_status (reservation, sku, seq);

CREATE TABLE exceptions (
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    exception text NOT NULL,
    kind text COLLATE "C" NOT NULL,
    folded boolean NOT NULL,
    reason text NOT NULL,
    remedy text NOT NULL,
    sku text COLLATE "C" NOT NULL,
    source text NOT NULL,
    event_id text NOT NULL,
    event_type text NOT NULL,
    cause_topic text NOT NULL,
    cause_partition integer NOT NULL,
    cause_offset bigint NOT NULL,
    key bytea,
    value bytea,
    headers jsonb NOT NULL,
    recorded_at timestamptz NOT NULL,
    correlation_id text NOT NULL,
    caused_at timestamptz,
    PRIMARY KEY (partition, record_offset)
);
CREATE INDEX exceptions_by_time ON exceptions (recorded_at, partition, record_offset);
CREATE INDEX exceptions_by_kind ON exceptions (kind, recorded_at, partition, record_offset);
CREATE INDEX exceptions_by_sku ON exceptions (sku, recorded_at);

CREATE TABLE deliveries (
    channel text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    quantity bigint NOT NULL,
    outcome text NOT NULL,
    attempts integer NOT NULL,
    detail text NOT NULL,
    sent_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    correlation_id text NOT NULL,
    caused_at timestamptz,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    PRIMARY KEY (channel, sku)
) WITH (fillfactor = 80);
CREATE INDEX deliveries_not_applied ON deliveries (channel, outcome, sku) WHERE outcome <> 'applied';

CREATE TABLE delivery_history (
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    channel text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    quantity bigint NOT NULL,
    outcome text NOT NULL,
    attempts integer NOT NULL,
    detail text NOT NULL,
    sent_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    correlation_id text NOT NULL,
    caused_at timestamptz,
    PRIMARY KEY (partition, record_offset)
);
CREATE INDEX delivery_history_by_listing ON delivery_history (channel, sku, version);
CREATE INDEX delivery_history_by_time ON delivery_history (finished_at);

CREATE TABLE unreadable (
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    reason text NOT NULL,
    key bytea,
    value bytea,
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, record_offset)
);
CREATE INDEX unreadable_by_time ON unreadable (seen_at);
CREATE INDEX reservation_status_by_time ON reservation_status (recorded_at);
