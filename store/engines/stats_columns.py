"""The migrations for statistics, traces and retention.

They are never edited.
"""

from __future__ import annotations

M027 = """
-- When the bot opened it; `opened_at` is when its first alert began by the sender's time.
ALTER TABLE incidents ADD COLUMN created_at TEXT NOT NULL DEFAULT '';
UPDATE incidents SET created_at = COALESCE(
    (SELECT t.at FROM timeline t WHERE t.incident_id = incidents.id ORDER BY t.id LIMIT 1),
    opened_at
);
-- When Slack first showed it. NULL: not yet, or posted by the bot before.
ALTER TABLE outbox ADD COLUMN posted_at TEXT;

-- When it was enqueued, and when it was given. NULL: not yet, or by the bot before.
ALTER TABLE advice ADD COLUMN asked_at TEXT;
ALTER TABLE advice ADD COLUMN given_at TEXT;

-- How often a sender repeated an alert that is stored, by hour: a row for each series and hour.
CREATE TABLE repeats (
    incident_id INTEGER NOT NULL,       -- 0 for a resolve that closed nothing
    alert TEXT NOT NULL,                -- the alert's key, as in firing
    hour TEXT NOT NULL,                 -- the beginning of it
    count INTEGER NOT NULL,
    last_at TEXT NOT NULL,
    PRIMARY KEY (incident_id, alert, hour)
) WITHOUT ROWID;
CREATE INDEX repeats_by_hour ON repeats (hour);

-- What happened in each hour that is over; it stays when the alerts of that hour are pruned.
CREATE TABLE stats_hours (
    hour TEXT PRIMARY KEY,              -- the beginning of it
    body TEXT NOT NULL                  -- JSON, see bot/incidents/stats.py: PeriodStats
) WITHOUT ROWID;
CREATE TABLE stats_progress (
    name TEXT PRIMARY KEY,              -- 'hours': the one there is
    until TEXT NOT NULL                 -- every hour before it is in stats_hours, or was empty
) WITHOUT ROWID;

-- Statistics read these indexes, never the rows, which are long.
CREATE INDEX alerts_by_time ON alerts (received_at, reason);
CREATE INDEX incidents_by_time ON incidents (created_at, severity, status, category);
CREATE INDEX incidents_acknowledged ON incidents (acknowledged_at, created_at)
    WHERE acknowledged_at IS NOT NULL;
CREATE INDEX incidents_resolved ON incidents (resolved_at, created_at)
    WHERE resolved_at IS NOT NULL;
CREATE INDEX cards_by_time ON outbox (posted_at, created_at, kind) WHERE kind = 'card';
CREATE INDEX advice_by_time ON advice (given_at, asked_at, question) WHERE given_at IS NOT NULL;
"""

M032 = """
-- When the first bytes of its delivery came, and when it was written. NULL: not known.
ALTER TABLE alerts ADD COLUMN arrived_at TEXT;
ALTER TABLE alerts ADD COLUMN written_at TEXT;
-- Of the last repeat of the hour: it leads to the alert that was repeated.
ALTER TABLE repeats ADD COLUMN tracking_id TEXT NOT NULL DEFAULT '';
CREATE INDEX repeats_by_tracking_id ON repeats (tracking_id);
"""

M034 = """
-- The end of the incident whose alerts, messages and advice were deleted; '' where they are stored.
ALTER TABLE incidents ADD COLUMN pruned_at TEXT NOT NULL DEFAULT '';
-- Retention finds what it deletes by these.
CREATE INDEX incidents_to_prune ON incidents (resolved_at)
    WHERE status = 'resolved' AND pruned_at < resolved_at;
CREATE INDEX alerts_of_no_incident ON alerts (received_at) WHERE incident_id IS NULL;
CREATE INDEX deliveries_by_time ON deliveries (seen_at);
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (seen_at);
CREATE INDEX shared_parts_by_time ON shared_parts (seen_at);
CREATE INDEX messages_of_no_incident ON outbox (created_at) WHERE incident_id IS NULL;
"""
