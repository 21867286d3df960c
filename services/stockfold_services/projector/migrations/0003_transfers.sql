-- What is in transit and when it is due: dated questions need it. in_transit: units by location,
-- signed, as the newest fact of the transfer has left them.
CREATE TABLE transfers (
    sku text COLLATE "C" NOT NULL,
    transfer text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    in_transit jsonb NOT NULL,
    eta timestamptz,
    recorded_at timestamptz NOT NULL,
    partition integer NOT NULL,
    PRIMARY KEY (sku, transfer)
) WITH (fillfactor = 80);

-- From the facts that are here already. A fact about a transfer holds it whole.
INSERT INTO transfers
SELECT DISTINCT ON (sku, t ->> 'id') sku, t ->> 'id', seq,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('location', p -> 0, 'quantity', p -> 1)), '[]')
     FROM jsonb_array_elements(coalesce(t -> 'posted', '[]')) AS p),
    timestamptz 'epoch' + (t ->> 'eta_us')::bigint * interval '1 microsecond',
    recorded_at, partition
FROM (
    -- PostgreSQL's JSON cannot hold NUL; the note of a fact, which is not read here, may.
    SELECT sku, seq, recorded_at, partition,
        replace(convert_from(body, 'UTF8'), '\u0000', '\u2400')::jsonb -> 'transfer' AS t
    FROM journal WHERE kind IN ('TransferDispatched', 'TransferReceived', 'TransferClosed')
) AS facts
WHERE t IS NOT NULL
ORDER BY sku, t ->> 'id', seq DESC;

-- The feed of changes reads each partition from where a client stopped.
CREATE INDEX availability_by_record ON availability (partition, record_offset);
