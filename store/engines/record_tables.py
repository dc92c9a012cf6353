"""The tables of what people keep of an incident: post-mortems, actions, handovers."""

M040 = """
CREATE TABLE postmortems (
    id INTEGER PRIMARY KEY,
    incident_id INTEGER NOT NULL REFERENCES incidents (id),
    version INTEGER NOT NULL,
    body TEXT NOT NULL,                 -- Markdown
    made_by TEXT NOT NULL,
    made_at TEXT NOT NULL,
    origin TEXT NOT NULL UNIQUE,        -- the command or press that made it, once
    export_at TEXT,                     -- when the webhook is called next; NULL for never
    export_tries INTEGER NOT NULL DEFAULT 0,
    exported_at TEXT,                   -- when the webhook took it
    UNIQUE (incident_id, version)
);
CREATE INDEX postmortems_to_export ON postmortems (export_at) WHERE export_at IS NOT NULL;
CREATE TABLE action_items (
    id INTEGER PRIMARY KEY,
    incident_id INTEGER NOT NULL REFERENCES incidents (id),
    text TEXT NOT NULL,
    owner TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at TEXT NOT NULL,
    origin TEXT NOT NULL UNIQUE,
    done_at TEXT,                       -- NULL while it is open
    done_by TEXT NOT NULL DEFAULT '',
    reminded_at TEXT NOT NULL           -- when its owner was mentioned last
);
CREATE INDEX action_items_of_incident ON action_items (incident_id, id);
CREATE INDEX action_items_open ON action_items (reminded_at) WHERE done_at IS NULL;
"""

M043 = """
CREATE TABLE handovers (
    id INTEGER PRIMARY KEY,
    giver TEXT NOT NULL,
    taker TEXT NOT NULL,
    incidents TEXT NOT NULL,            -- JSON: the ids that were offered
    moved TEXT NOT NULL DEFAULT '[]',   -- JSON: the ids that changed their owner
    state TEXT NOT NULL,                -- waiting, accepted or cancelled
    made_at TEXT NOT NULL,
    origin TEXT NOT NULL UNIQUE,
    giver_channel TEXT NOT NULL,        -- the direct messages with both; '' if Slack opens none
    taker_channel TEXT NOT NULL,
    ended_at TEXT,
    ended_by TEXT NOT NULL DEFAULT '',
    late_at TEXT                        -- when its giver was told that nobody accepted it
);
CREATE INDEX handovers_waiting ON handovers (made_at) WHERE state = 'waiting';
"""

M047 = """
CREATE TABLE stakeholder_updates (
    incident_id INTEGER PRIMARY KEY REFERENCES incidents (id),
    channel TEXT NOT NULL,              -- where the first one was posted; the others change it
    body TEXT NOT NULL,
    version INTEGER NOT NULL,
    posted_by TEXT NOT NULL,
    posted_at TEXT NOT NULL
);
"""

SPOKEN_TIMELINE = """
-- {"message": its sentence, "parts": the values in it}; '' for what a person or an old bot wrote.
ALTER TABLE timeline ADD COLUMN message TEXT NOT NULL DEFAULT '';
"""
