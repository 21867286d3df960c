-- What each channel was told and when, for as-of and oversell. It begins with this release: the
-- availability topic is compacted, and keeps only the latest of each channel and SKU.
CREATE TABLE availability_history (
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    channel text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    quantity bigint NOT NULL,
    status text NOT NULL,
    policy_revision bigint NOT NULL,
    seq bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    correlation_id text NOT NULL,
    PRIMARY KEY (partition, record_offset)
);
CREATE INDEX availability_history_by_sku ON availability_history (sku, channel, version);
CREATE INDEX availability_history_by_time ON availability_history (recorded_at);
INSERT INTO availability_history
SELECT partition, record_offset, channel, sku, version, quantity, status, policy_revision, seq,
       recorded_at, correlation_id
FROM availability;

-- The same rows are asked for by SKU over all channels.
DROP INDEX delivery_history_by_listing;
CREATE INDEX delivery_history_by_listing ON delivery_history (sku, channel, version);

-- SKUs whose transfers, returns or inbound documents may never have ended.
CREATE INDEX journal_of_what_must_end ON journal (sku, recorded_at)
WHERE kind IN ('TransferDispatched', 'TransferReceived', 'ReturnAuthorized', 'ReturnReceived',
               'InboundExpected');
