"""The tables of the first migration. Never edited: a change is a migration of its own."""

from __future__ import annotations

M001 = """
CREATE TABLE deliveries (
    key TEXT PRIMARY KEY,               -- one per thing an outsider handed us
    seen_at TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE incidents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,   -- people say INC-<id>; never used again
    incident_key TEXT NOT NULL,
    sop_id TEXT NOT NULL,
    scope_env TEXT NOT NULL,            -- normalised: these three decide who joins
    scope_service TEXT NOT NULL,
    scope_category TEXT NOT NULL,
    status TEXT NOT NULL,
    severity TEXT NOT NULL,
    title TEXT NOT NULL,
    env TEXT NOT NULL,
    region TEXT NOT NULL,
    service TEXT NOT NULL,
    category TEXT NOT NULL,
    channel TEXT NOT NULL,
    source TEXT NOT NULL,
    alert_count INTEGER NOT NULL,
    firing INTEGER NOT NULL,
    value TEXT NOT NULL,
    threshold TEXT NOT NULL,
    text TEXT NOT NULL,
    labels TEXT NOT NULL,
    links TEXT NOT NULL,
    tracking_id TEXT NOT NULL,
    opened_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    acknowledged_at TEXT,
    acknowledged_by TEXT NOT NULL DEFAULT '',
    resolved_at TEXT,
    resolved_by TEXT NOT NULL DEFAULT '',
    fixed_by TEXT NOT NULL DEFAULT '',
    revision INTEGER NOT NULL DEFAULT 1
);
-- The database itself promises one open incident for each SOP ID, env and service.
CREATE UNIQUE INDEX one_open_incident ON incidents (sop_id, scope_env, scope_service)
    WHERE status IN ('open', 'acknowledged');
CREATE INDEX open_incidents ON incidents (scope_env, scope_service)
    WHERE status IN ('open', 'acknowledged');

CREATE TABLE alerts (
    id INTEGER PRIMARY KEY,
    dedup_key TEXT NOT NULL UNIQUE,     -- the same alert told twice is stored once
    incident_id INTEGER REFERENCES incidents (id),
    source TEXT NOT NULL,
    status TEXT NOT NULL,
    name TEXT NOT NULL,
    severity TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    tracking_id TEXT NOT NULL,
    reason TEXT NOT NULL,               -- why it joined, or opened, or did neither
    told_at TEXT NOT NULL,              -- when its sender said it; '' where that is not known
    received_at TEXT NOT NULL,
    body TEXT NOT NULL                  -- the whole alert as JSON, with what arrived
);
CREATE INDEX alerts_of_incident ON alerts (incident_id);
CREATE INDEX alerts_by_tracking_id ON alerts (tracking_id);
CREATE INDEX resolves ON alerts (fingerprint, source) WHERE status = 'resolved' AND told_at != '';

CREATE TABLE firing (
    fingerprint TEXT NOT NULL,          -- source/fingerprint: it means nothing to another source
    incident_id INTEGER NOT NULL REFERENCES incidents (id),
    name TEXT NOT NULL,
    severity TEXT NOT NULL,             -- this and the start as told last: a reminder has the same
    starts_at TEXT NOT NULL,            -- '' when the sender named none
    told_at TEXT NOT NULL,
    PRIMARY KEY (fingerprint, incident_id)
) WITHOUT ROWID;
CREATE INDEX firing_of_incident ON firing (incident_id);

CREATE TABLE sop_map (
    incident_key TEXT PRIMARY KEY,
    sop_id TEXT NOT NULL,
    first_seen_at TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE turns (
    id INTEGER PRIMARY KEY,
    sop_id TEXT NOT NULL,
    incident_id INTEGER,
    role TEXT NOT NULL,                 -- person, alert or advisor
    text TEXT NOT NULL,
    at TEXT NOT NULL
);
CREATE INDEX turns_of_sop ON turns (sop_id, id);

CREATE TABLE advice (
    id INTEGER PRIMARY KEY,
    incident_id INTEGER NOT NULL REFERENCES incidents (id),
    question TEXT NOT NULL,             -- '' for the advice given unasked
    asked_by TEXT NOT NULL,
    rank INTEGER NOT NULL,              -- the gravest incident is advised first
    state TEXT NOT NULL,                -- wanted, running, done
    owner TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    body TEXT,
    at TEXT NOT NULL
);
CREATE INDEX advice_of_incident ON advice (incident_id);
CREATE INDEX advice_due ON advice (rank, id) WHERE state != 'done';

CREATE TABLE approvals (
    id TEXT PRIMARY KEY,                -- 128 random bits: all that a button carries
    incident_id INTEGER NOT NULL REFERENCES incidents (id),
    origin TEXT NOT NULL UNIQUE,        -- what made it: the same cause proposes once
    state TEXT NOT NULL,
    proposal TEXT NOT NULL,
    preview TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    requested_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    needed INTEGER NOT NULL,
    approvers TEXT NOT NULL,
    digest TEXT NOT NULL,
    decided_by TEXT NOT NULL DEFAULT '',
    decided_at TEXT,
    reason TEXT NOT NULL DEFAULT ''
);
CREATE INDEX approvals_of_incident ON approvals (incident_id);
CREATE INDEX approvals_waiting ON approvals (expires_at) WHERE state = 'awaiting approval';

CREATE TABLE votes (
    approval_id TEXT NOT NULL REFERENCES approvals (id),
    voter TEXT NOT NULL,
    choice TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (approval_id, voter)
) WITHOUT ROWID;

CREATE TABLE executions (
    id TEXT PRIMARY KEY,                -- the idempotency key at the gateway
    approval_id TEXT NOT NULL UNIQUE REFERENCES approvals (id),   -- one dispatch an approval
    incident_id INTEGER NOT NULL REFERENCES incidents (id),
    state TEXT NOT NULL,
    owner TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    started_at TEXT,
    finished_at TEXT,
    answer TEXT,
    error TEXT NOT NULL DEFAULT '',
    verify_until TEXT,
    verify_note TEXT NOT NULL DEFAULT '',
    good_probes INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX executions_moving ON executions (state)
    WHERE state IN ('approved', 'dispatching', 'succeeded', 'outcome unknown');

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,           -- the idempotency key in the message's metadata
    kind TEXT NOT NULL,
    incident_id INTEGER REFERENCES incidents (id),
    subject TEXT NOT NULL,              -- the id of what is shown
    channel TEXT NOT NULL,
    in_thread INTEGER NOT NULL,
    rank INTEGER NOT NULL,              -- 0 is the gravest
    wanted INTEGER NOT NULL DEFAULT 1,  -- what should be seen
    sent INTEGER NOT NULL DEFAULT 0,    -- what is seen
    ts TEXT,                            -- Slack's name of the message, once posted
    unsure INTEGER NOT NULL DEFAULT 0,  -- 1: a try ended so that it may be posted already
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before TEXT NOT NULL,
    failed INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL
);
CREATE INDEX outbox_waiting ON outbox (channel, rank, id) WHERE sent < wanted AND failed = 0;
CREATE INDEX outbox_of_incident ON outbox (incident_id);
CREATE INDEX outbox_by_ts ON outbox (channel, ts);

CREATE TABLE replicas (
    owner TEXT PRIMARY KEY,             -- one process, from its start to its end
    until TEXT NOT NULL,                -- its lease: what it claims is its own until then
    started_at TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE claims (
    name TEXT PRIMARY KEY,              -- lane/<channel>, job/<name>: one replica at a time
    owner TEXT NOT NULL,                -- holds while the lease of that replica does
    paced_until TEXT NOT NULL           -- a lane's pace, for whoever takes it over; '' at first
) WITHOUT ROWID;

CREATE TABLE timeline (
    id INTEGER PRIMARY KEY,
    incident_id INTEGER NOT NULL REFERENCES incidents (id),
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    actor TEXT NOT NULL DEFAULT ''
);
CREATE INDEX timeline_of_incident ON timeline (incident_id, id);
"""
