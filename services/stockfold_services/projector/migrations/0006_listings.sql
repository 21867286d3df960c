-- How far each listing of a channel is: desired, sent, accepted, applied, observed.
CREATE TABLE listings (
    channel text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    listing text,
    desired_version bigint NOT NULL,
    desired_quantity bigint NOT NULL,
    sent_version bigint,
    sent_at timestamptz,
    accepted_version bigint,
    applied_version bigint,
    applied_quantity bigint,
    applied_at timestamptz,
    took_us bigint,
    observed_version bigint,
    observed_quantity bigint,
    observed_at timestamptz,
    outcome text NOT NULL,
    detail text NOT NULL,
    told_at timestamptz NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    PRIMARY KEY (channel, sku)
) WITH (fillfactor = 80);
CREATE INDEX listings_not_applied ON listings (channel, outcome, sku) WHERE outcome <> 'applied';

ALTER TABLE deliveries ADD COLUMN recorded_at timestamptz, ADD COLUMN took_us bigint;
ALTER TABLE delivery_history ADD COLUMN recorded_at timestamptz, ADD COLUMN took_us bigint;
