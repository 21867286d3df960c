-- Where orders stand, what they went through, and the parcels that have left.
CREATE TABLE orders (
    channel text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    revision bigint NOT NULL,
    status text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    told text NOT NULL,
    accepted boolean NOT NULL,
    expires_at timestamptz,
    ledger_order text COLLATE "C" NOT NULL,
    lines jsonb NOT NULL,
    recorded_at timestamptz NOT NULL,
    correlation_id text NOT NULL,
    caused_at timestamptz,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    PRIMARY KEY (channel, order_id)
) WITH (fillfactor = 80);
CREATE INDEX orders_by_time ON orders (recorded_at, channel, order_id);
CREATE INDEX orders_by_status ON orders (status, recorded_at, channel, order_id);

CREATE TABLE order_history (
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    channel text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    status text NOT NULL,
    reason text NOT NULL,
    told text NOT NULL,
    source text NOT NULL,
    event_id text NOT NULL,
    recorded_at timestamptz NOT NULL,
    correlation_id text NOT NULL,
    PRIMARY KEY (partition, record_offset)
);
CREATE INDEX order_history_by_order ON order_history (channel, order_id, version);
CREATE INDEX order_history_by_time ON order_history (recorded_at);

CREATE TABLE parcels (
    channel text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    shipment text COLLATE "C" NOT NULL,
    shipped_at timestamptz NOT NULL,
    carrier text NOT NULL,
    tracking_number text NOT NULL,
    tracking_url text NOT NULL,
    lines jsonb NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    PRIMARY KEY (channel, order_id, shipment)
);
CREATE INDEX parcels_by_time ON parcels (shipped_at);

CREATE INDEX order_cases_by_order ON order_cases (channel, order_id);
CREATE INDEX reservation_status_by_order ON reservation_status (order_id);

-- Pages of what is open read no line that is over.
CREATE INDEX demand_lines_open ON demand_lines (sku, order_id, line)
WHERE reserved <> 0 OR allocated <> 0 OR backordered <> 0;

-- What things are called. A record that the topic has withdrawn stays, inactive.
CREATE TABLE items (
    sku text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    category text NOT NULL,
    base_unit text NOT NULL,
    active boolean NOT NULL,
    kit boolean NOT NULL,
    revision bigint NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL
) WITH (fillfactor = 90);

CREATE TABLE aliases (
    scope text COLLATE "C" NOT NULL,
    code text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    active boolean NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    PRIMARY KEY (scope, code)
) WITH (fillfactor = 90);
CREATE INDEX aliases_by_code ON aliases (code);
CREATE INDEX aliases_by_sku ON aliases (sku);
