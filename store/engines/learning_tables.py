"""The tables of what people keep for the next incident."""

LESSONS = """
-- A person's lesson from an incident, for the next one of its kind.
CREATE TABLE lessons (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    incident_id INTEGER NOT NULL REFERENCES incidents (id),
    sop_id TEXT NOT NULL,
    alert_name TEXT NOT NULL,           -- '' if the incident has no alert any more
    service TEXT NOT NULL,
    text TEXT NOT NULL,
    user_id TEXT NOT NULL,
    at TEXT NOT NULL,
    origin TEXT NOT NULL UNIQUE         -- the command or press that made it
);
CREATE INDEX lessons_of_sop ON lessons (sop_id, id);
CREATE INDEX lessons_of_alert ON lessons (alert_name, id);
"""

REMOVED_LESSONS = """
-- Who removed a wrong lesson; '' for one that holds. The row stays, so that no redelivery adds it
-- again.
ALTER TABLE lessons ADD COLUMN removed_by TEXT NOT NULL DEFAULT '';
"""
