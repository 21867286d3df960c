-- What a person must settle about orders: lines that were sold and cannot be served.
CREATE TABLE order_cases (
    case_id text COLLATE "C" PRIMARY KEY,
    channel text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    line text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    owner text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    missing bigint NOT NULL,
    reason text NOT NULL,
    changed_by text NOT NULL,
    opened_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL
);
CREATE INDEX order_cases_open ON order_cases (opened_at, case_id) WHERE state = 'open';
