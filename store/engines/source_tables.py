"""The table of what the bot does at the senders of alerts."""

M039 = """
CREATE TABLE source_acknowledgements (
    fingerprint TEXT NOT NULL,          -- the alert, as in firing
    incident_id INTEGER NOT NULL REFERENCES incidents (id),
    acknowledged_at TEXT NOT NULL,      -- of the incident: a later acknowledgement is another one
    attempts INTEGER NOT NULL,
    not_before TEXT NOT NULL,           -- of the next attempt
    done INTEGER NOT NULL,              -- 1 once the sender took it, or refused it for good
    PRIMARY KEY (fingerprint, incident_id, acknowledged_at)
) WITHOUT ROWID;
CREATE INDEX source_acknowledgements_of_incident ON source_acknowledgements (incident_id);
"""
