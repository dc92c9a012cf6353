"""The table of what went out by e-mail and webhook while Slack was unreachable."""

OUTSIDE_NOTICES = """
CREATE TABLE outside_notices (
    message TEXT NOT NULL,              -- key of the outbox message that Slack did not show in time
    target TEXT NOT NULL,               -- email, ntfy, pagerduty or webhook
    incident_id INTEGER NOT NULL REFERENCES incidents (id),
    state TEXT NOT NULL,                -- claimed, sent, refused (it may be tried again) or unknown
    attempts INTEGER NOT NULL,
    changed_at TEXT NOT NULL,
    not_before TEXT NOT NULL,           -- of the next attempt after a refusal
    returned_at TEXT,                   -- when the notice that Slack shows it was claimed
    PRIMARY KEY (message, target)
) WITHOUT ROWID;
CREATE INDEX outside_notices_of_incident ON outside_notices (incident_id);
"""
