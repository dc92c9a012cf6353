"""The tables of feedback on advice, and of the blocks that a workspace refuses."""

FEEDBACK = """
-- One person's opinion of one piece of advice; the last one counts.
CREATE TABLE advice_feedback (
    advice_id INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    incident_id INTEGER NOT NULL REFERENCES incidents (id),
    helped INTEGER NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (advice_id, user_id)
) WITHOUT ROWID;
CREATE INDEX advice_feedback_of_incident ON advice_feedback (incident_id);
-- A kind of Slack's blocks that the workspace refused; it is tried again after `until`.
CREATE TABLE refused_blocks (
    kind TEXT PRIMARY KEY,
    until TEXT NOT NULL
) WITHOUT ROWID;
"""
