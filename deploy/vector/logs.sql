CREATE TABLE IF NOT EXISTS logs.raw (
    timestamp DateTime64(3),
    tracking_id String,
    service LowCardinality(String),
    level LowCardinality(String),
    message String
) ENGINE = MergeTree ORDER BY (service, timestamp) TTL toDateTime(timestamp) + INTERVAL 30 DAY;
