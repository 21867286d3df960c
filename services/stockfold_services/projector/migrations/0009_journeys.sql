-- What happened under one correlation id is asked for by it. What names none is asked for by nobody.
CREATE INDEX journal_by_correlation ON journal (correlation_id) WHERE correlation_id <> '';
CREATE INDEX availability_history_by_correlation ON availability_history (correlation_id)
WHERE correlation_id <> '';
CREATE INDEX delivery_history_by_correlation ON delivery_history (correlation_id)
WHERE correlation_id <> '';
CREATE INDEX order_history_by_correlation ON order_history (correlation_id)
WHERE correlation_id <> '';
CREATE INDEX exceptions_by_correlation ON exceptions (correlation_id) WHERE correlation_id <> '';

-- When the broker took it; recorded_at is when the ledger decided what it came of.
ALTER TABLE availability_history ADD COLUMN told_at timestamptz;
