"""The tables of silences and of the alerts that they suppressed; the mutes of incidents."""

M028 = """
CREATE TABLE silences (
    id INTEGER PRIMARY KEY,
    matcher TEXT NOT NULL,              -- JSON: see bot/incidents/matchers.py
    reason TEXT NOT NULL,
    author TEXT NOT NULL,               -- a Slack user; '' where no person made it
    origin TEXT NOT NULL UNIQUE,        -- the command, window or source that made it, once
    channel TEXT NOT NULL,              -- that shows it
    made_at TEXT NOT NULL,
    ends_at TEXT NOT NULL,
    ended_at TEXT,                      -- NULL while it is in force
    ended_by TEXT NOT NULL,
    closed_at TEXT                      -- NULL until all that still fired has opened an incident
);
CREATE INDEX silences_in_force ON silences (ends_at) WHERE ended_at IS NULL;
CREATE INDEX silences_to_close ON silences (id) WHERE closed_at IS NULL;
-- The silence that suppressed the alert, or, with an incident, that had suppressed it before.
ALTER TABLE alerts ADD COLUMN silence_id INTEGER REFERENCES silences (id);
CREATE INDEX alerts_of_silence ON alerts (silence_id) WHERE silence_id IS NOT NULL;
CREATE TABLE suppressed (
    fingerprint TEXT PRIMARY KEY,       -- an alert that fires and opened nothing; as in firing
    sender TEXT NOT NULL,
    name TEXT NOT NULL,
    scope TEXT NOT NULL,                -- env, region, service: a resolve by name is of the same
    told_at TEXT NOT NULL,
    silence_id INTEGER NOT NULL REFERENCES silences (id),
    alert_id INTEGER NOT NULL REFERENCES alerts (id),
    channel TEXT NOT NULL,              -- where its incident would have had its card
    posted INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX suppressed_by_silence ON suppressed (silence_id, alert_id);
CREATE INDEX suppressed_by_alert ON suppressed (alert_id);
"""

M031 = """
-- '' while its thread is not muted; the time is '' until it clears.
ALTER TABLE incidents ADD COLUMN muted_by TEXT NOT NULL DEFAULT '';
ALTER TABLE incidents ADD COLUMN muted_until TEXT NOT NULL DEFAULT '';
CREATE INDEX muted_incidents ON incidents (muted_until) WHERE muted_by != '';
"""

M036 = """
ALTER TABLE silences ADD COLUMN remote_id TEXT NOT NULL DEFAULT '';  -- '' where a source lacks it
"""
