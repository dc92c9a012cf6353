"""The tables of Home tabs and digests. Never edited."""

from __future__ import annotations

M038 = """
-- A person's Home tab while it counts as open; the row goes half an hour after it was opened.
CREATE TABLE home_tabs (
    user_id TEXT PRIMARY KEY,
    opened_at TEXT NOT NULL,
    checked_at TEXT NOT NULL,           -- when it was last compared with the store; '' for never
    digest TEXT NOT NULL,               -- of what Slack shows there; '' for nothing yet
    notice TEXT NOT NULL,               -- the answer to the last press there, '' for none
    notice_at TEXT NOT NULL
) WITHOUT ROWID;
-- The most severe open incidents, and those of one owner, among thousands.
CREATE INDEX open_by_severity ON incidents (severity, id)
    WHERE status IN ('open', 'acknowledged');
CREATE INDEX incidents_of_owner ON incidents (acknowledged_by, id) WHERE status = 'acknowledged';
"""

DIGESTS = """
-- A digest that was due: claimed once, and posted unless there was nothing to say.
CREATE TABLE digests (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,                 -- in the policy
    kind TEXT NOT NULL,                 -- digest or review
    channel TEXT NOT NULL,
    person TEXT NOT NULL,               -- its reader in a direct conversation; '' in a channel
    due_at TEXT NOT NULL,
    since TEXT NOT NULL,                -- how far back it looks
    UNIQUE (name, due_at, channel)
);
"""
