"""The scripts of the migrations after the first. None is ever edited.

M019 is in `outbox_columns`, M025, M033 and M060 are in `scope_columns`.
"""

from __future__ import annotations

M002 = """
CREATE TABLE read_marks (
    channel TEXT PRIMARY KEY,
    began TEXT NOT NULL,                -- what was posted before is not ours to read
    ts TEXT NOT NULL,                   -- up to here Slack's history of it was read back
    edits_ts TEXT NOT NULL              -- … with what was edited, or answered in old threads
) WITHOUT ROWID;

CREATE TABLE notices (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,                 -- storm, stuck: the kind of the message that shows it
    channel TEXT NOT NULL,
    body TEXT NOT NULL,                 -- JSON, by kind
    began_at TEXT NOT NULL,
    ended_at TEXT
);
-- One at a time of each kind in a channel: it is changed while it lasts, not said again.
CREATE UNIQUE INDEX one_notice ON notices (kind, channel) WHERE ended_at IS NULL;

-- Since when a wish is due, which no retry moves; and 1 for what was shown, or given up, before.
ALTER TABLE outbox ADD COLUMN due_since TEXT;
ALTER TABLE outbox ADD COLUMN revived INTEGER NOT NULL DEFAULT 0;
-- Whether the sender's own message stands in the channel, so that the card need not repeat it.
ALTER TABLE incidents ADD COLUMN posted INTEGER NOT NULL DEFAULT 1;
-- Of one rank the one that waits longest: what changes again and again lets the others pass.
CREATE INDEX outbox_in_turn ON outbox (channel, rank, not_before, id)
    WHERE sent < wanted AND failed = 0;
DROP INDEX outbox_waiting;
"""

M003 = """
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,            -- without gaps
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    incident_id INTEGER,
    subject TEXT NOT NULL,              -- the id of what it is about
    actor TEXT NOT NULL,                -- a Slack user id; '' is the bot itself
    detail TEXT NOT NULL,               -- canonical JSON
    prev TEXT NOT NULL,                 -- the mac of the row before; '' for the first
    mac TEXT NOT NULL                   -- see store/audit/proof.py
);
CREATE INDEX audit_of_incident ON audit (incident_id, seq);
CREATE INDEX audit_by_time ON audit (at);

CREATE TABLE audit_anchors (
    name TEXT PRIMARY KEY,              -- head, checkpoint, day/<date>
    seq INTEGER NOT NULL,
    mac TEXT NOT NULL,                  -- of that row
    at TEXT NOT NULL,
    note TEXT NOT NULL,
    seal TEXT NOT NULL
) WITHOUT ROWID;
"""

M004 = """
ALTER TABLE approvals ADD COLUMN terms TEXT NOT NULL DEFAULT '';
ALTER TABLE approvals ADD COLUMN undoes TEXT NOT NULL DEFAULT '';
ALTER TABLE approvals ADD COLUMN action_id TEXT NOT NULL DEFAULT '';
ALTER TABLE approvals ADD COLUMN target TEXT NOT NULL DEFAULT '';
CREATE INDEX approvals_of_target ON approvals (target, action_id);
ALTER TABLE votes ADD COLUMN reason TEXT NOT NULL DEFAULT '';
ALTER TABLE executions ADD COLUMN by_hand TEXT NOT NULL DEFAULT '';
ALTER TABLE executions ADD COLUMN concluded_at TEXT;
CREATE INDEX executions_started ON executions (started_at);
CREATE INDEX executions_of_incident ON executions (incident_id);
CREATE INDEX incidents_of_sop ON incidents (sop_id, id);
CREATE TABLE freezes (
    name TEXT PRIMARY KEY,              -- 'all': the one there is
    actor TEXT NOT NULL,                -- who froze
    at TEXT NOT NULL,
    reason TEXT NOT NULL
) WITHOUT ROWID;
"""

M005 = """
CREATE TABLE store_identity (
    name TEXT PRIMARY KEY,              -- 'store': the one there is
    id TEXT NOT NULL                    -- random, made by the first bot that runs on the store
) WITHOUT ROWID;
"""

M006 = """
-- Compared with what blocks it now: the card is drawn again when that differs.
ALTER TABLE approvals ADD COLUMN drawn TEXT NOT NULL DEFAULT '';
"""

M007 = """
-- Of a firing alert: as it was stored first in this incident, and last.
ALTER TABLE firing ADD COLUMN first_alert INTEGER;
ALTER TABLE firing ADD COLUMN last_alert INTEGER;
UPDATE firing SET
    first_alert = (SELECT MIN(a.id) FROM alerts a WHERE a.incident_id = firing.incident_id
        AND a.status = 'firing' AND a.source || '/' || a.fingerprint = firing.fingerprint),
    last_alert = (SELECT MAX(a.id) FROM alerts a WHERE a.incident_id = firing.incident_id
        AND a.status = 'firing' AND a.source || '/' || a.fingerprint = firing.fingerprint);
-- The stored alert that the incident shows: title, text, value, threshold, labels, links, source,
-- and these are all of that one. NULL: as it was opened.
ALTER TABLE incidents ADD COLUMN shown_alert INTEGER;
ALTER TABLE incidents ADD COLUMN shown_env TEXT;
ALTER TABLE incidents ADD COLUMN shown_region TEXT;
ALTER TABLE incidents ADD COLUMN shown_service TEXT;
ALTER TABLE incidents ADD COLUMN shown_since TEXT;
"""

M008 = """
CREATE TABLE proposing (
    id INTEGER PRIMARY KEY,
    incident_id INTEGER NOT NULL REFERENCES incidents (id),
    origin TEXT NOT NULL UNIQUE,        -- what made it: the same cause proposes once
    approval_id TEXT NOT NULL DEFAULT '',   -- to be proposed again; '' is what the SOP offers
    rank INTEGER NOT NULL,              -- the most severe incident comes first
    state TEXT NOT NULL,                -- wanted, running, done
    owner TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    deferrals INTEGER NOT NULL DEFAULT 0,   -- how often the gateway could not plan
    not_before TEXT NOT NULL,
    at TEXT NOT NULL
);
CREATE INDEX proposing_due ON proposing (rank, id) WHERE state != 'done';
CREATE INDEX proposing_of_incident ON proposing (incident_id);
-- What the bot of before would have proposed once it had given its advice.
INSERT INTO proposing (incident_id, origin, rank, state, not_before, at)
    SELECT a.incident_id, 'sop:' || a.incident_id, a.rank, 'wanted', a.at, a.at FROM advice a
    JOIN incidents i ON i.id = a.incident_id
    WHERE a.question = '' AND a.state != 'done' AND i.status IN ('open', 'acknowledged');
"""

M009 = """
CREATE TABLE news (
    id INTEGER PRIMARY KEY,
    incident_id INTEGER NOT NULL REFERENCES incidents (id),
    kind TEXT NOT NULL,                 -- worse, failed, expired, …
    subject TEXT NOT NULL,              -- the execution, approval, severity or time of opening
    facts TEXT NOT NULL,                -- JSON, by kind
    mentions TEXT NOT NULL,             -- JSON: the users and user groups whom it concerns
    at TEXT NOT NULL,
    UNIQUE (incident_id, kind, subject) -- the same is said once
);
"""

M010 = """
CREATE TABLE shared_parts (
    digest TEXT PRIMARY KEY,            -- SHA-256 of the body
    body TEXT NOT NULL,                 -- JSON, as it arrived beside the alerts
    seen_at TEXT NOT NULL
);
-- '' where an alert shares nothing. Alerts of before have the shared part in their own body.
ALTER TABLE alerts ADD COLUMN shared TEXT NOT NULL DEFAULT '';
CREATE INDEX alerts_shared ON alerts (shared) WHERE shared != '';
"""

M011 = """
-- 'slack:<bot id>' or 'http:<source>'; '' is of before this: any sender may clear it.
ALTER TABLE alerts ADD COLUMN sender TEXT NOT NULL DEFAULT '';
ALTER TABLE firing ADD COLUMN sender TEXT NOT NULL DEFAULT '';
"""

M012 = """
-- Of whom the alerts are that it is about ('' for the bot's own words), and its turn in its rank.
ALTER TABLE outbox ADD COLUMN sender TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
CREATE INDEX outbox_by_turn ON outbox (channel, rank, turn, not_before, id)
    WHERE sent < wanted AND failed = 0;
CREATE INDEX outbox_of_sender ON outbox (channel, rank, sender, turn)
    WHERE sent < wanted AND failed = 0 AND ts IS NULL;
DROP INDEX outbox_in_turn;
"""

M013 = """
ALTER TABLE executions ADD COLUMN attempt INTEGER NOT NULL DEFAULT 1;
-- Until when it can be tried again; NULL where it ran, may have run, or its approval is too old.
ALTER TABLE executions ADD COLUMN retry_until TEXT;
CREATE INDEX executions_retried ON executions (retry_until) WHERE retry_until IS NOT NULL;
"""

M014 = """
CREATE TABLE http_questions (
    tracking_id TEXT PRIMARY KEY,
    incident_key TEXT NOT NULL,
    sop_id TEXT NOT NULL,
    source TEXT NOT NULL DEFAULT '',    -- who answered; '' while nobody has
    asked_at TEXT NOT NULL,
    answered_at TEXT
);
CREATE INDEX http_questions_asked ON http_questions (asked_at);
"""

M015 = """
-- When another process took it over; NULL once that one sends it. `started_at` stays as it was.
ALTER TABLE executions ADD COLUMN taken_over_at TEXT;
-- When the gateway first said that it still runs; NULL before, and for another attempt.
ALTER TABLE executions ADD COLUMN running_at TEXT;
"""

M016 = """
CREATE TABLE watched (
    execution_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,          -- as in firing
    sender TEXT NOT NULL,
    cleared_at TEXT,                    -- when its own sender cleared it
    PRIMARY KEY (execution_id, fingerprint)
) WITHOUT ROWID;
CREATE INDEX watched_alert ON watched (fingerprint);
"""

M017 = """
-- When its first alert came to this incident: it fires since then where the sender says no start.
ALTER TABLE firing ADD COLUMN came_at TEXT NOT NULL DEFAULT '';
UPDATE firing SET came_at = COALESCE(
    (SELECT a.received_at FROM alerts a WHERE a.id = firing.first_alert), told_at
);
-- The order in which an incident shows its alerts: see operations/grouping.py.
CREATE INDEX firing_by_severity ON firing (
    incident_id,
    (CASE severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2
        WHEN 'low' THEN 3 ELSE 4 END),
    (COALESCE(NULLIF(starts_at, ''), came_at)),
    (COALESCE(first_alert, 0)),
    fingerprint
);
DROP INDEX firing_of_incident;
"""

M018 = """
CREATE INDEX audit_requests ON audit (at) WHERE kind = 'request';
"""

M020 = """
CREATE TABLE idempotency_keys (
    key TEXT PRIMARY KEY,               -- of a question: Slack redelivers its event
    seen_at TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO idempotency_keys (key, seen_at) SELECT key, seen_at FROM deliveries
    WHERE key >= 'mention/' AND key < 'mention0';
"""

M021 = """
CREATE TABLE publishing (
    subject TEXT PRIMARY KEY,           -- of NATS
    after_id INTEGER NOT NULL           -- rows up to this id need no message
) WITHOUT ROWID;
CREATE TABLE published (
    subject TEXT NOT NULL,
    source_id INTEGER NOT NULL,         -- an incident or advice, as the subject says
    at TEXT NOT NULL,                   -- the server has acknowledged it
    PRIMARY KEY (subject, source_id)
) WITHOUT ROWID;
"""

M022 = """
-- Written at most once a minute; '' in a row of the bot before, whose updated_at counts then.
ALTER TABLE incidents ADD COLUMN last_active_at TEXT NOT NULL DEFAULT '';
UPDATE incidents SET last_active_at = updated_at WHERE status IN ('open', 'acknowledged');
"""

M023 = """
CREATE TABLE log_positions (
    poller TEXT NOT NULL,
    host TEXT NOT NULL,
    file_id TEXT NOT NULL,              -- device and inode; '' while there is no file
    head TEXT NOT NULL,                 -- of its first bytes: an inode is used again
    generation INTEGER NOT NULL,        -- how many files it has read
    position INTEGER NOT NULL,
    planned_end INTEGER NOT NULL,       -- more than position while a reading is not done
    PRIMARY KEY (poller, host)
) WITHOUT ROWID;
"""

M024 = """
CREATE TABLE activities (
    id INTEGER PRIMARY KEY,
    dedup_key TEXT NOT NULL UNIQUE,     -- of the delivery, and its place in it
    incident_id INTEGER REFERENCES incidents (id),  -- NULL: it matched none
    source TEXT NOT NULL,
    sender TEXT NOT NULL,               -- as of an alert
    kind TEXT NOT NULL,                 -- acknowledged, assigned, commented, ...
    actor TEXT NOT NULL,                -- a person's name there, '' if the sender does not say
    text TEXT NOT NULL,
    fingerprint TEXT NOT NULL,          -- of the alert that it is about
    acknowledges INTEGER NOT NULL DEFAULT 0,
    received_at TEXT NOT NULL
);
CREATE INDEX activities_of_incident ON activities (incident_id);
CREATE INDEX activities_by_fingerprint ON activities (fingerprint, source);
"""

M026 = """
-- The root of the cascade that it is a part of; NULL for a root.
ALTER TABLE incidents ADD COLUMN parent_id INTEGER;
ALTER TABLE incidents ADD COLUMN cause_id INTEGER;
-- What the rules of cascades read; the times are '' in a row that the bot before wrote.
ALTER TABLE incidents ADD COLUMN trouble TEXT NOT NULL DEFAULT 'acute';
ALTER TABLE incidents ADD COLUMN happened_at TEXT NOT NULL DEFAULT '';
ALTER TABLE incidents ADD COLUMN grew_at TEXT NOT NULL DEFAULT '';
ALTER TABLE incidents ADD COLUMN namespace TEXT NOT NULL DEFAULT '';
CREATE INDEX children ON incidents (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX open_incidents_in_namespace ON incidents (namespace, happened_at)
    WHERE status IN ('open', 'acknowledged') AND namespace != '';
ALTER TABLE alerts ADD COLUMN decision TEXT NOT NULL DEFAULT '';
"""

M030 = """
-- An open incident of the same namespace at the same time: offered, never merged by itself.
ALTER TABLE incidents ADD COLUMN related_id INTEGER;
CREATE TABLE cascade_corrections (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,                 -- split or merge
    incident_id INTEGER NOT NULL REFERENCES incidents (id),
    root_id INTEGER NOT NULL REFERENCES incidents (id),
    decision TEXT NOT NULL,             -- of the alert that opened it: the rule that was wrong
    actor TEXT NOT NULL,
    at TEXT NOT NULL
);
CREATE INDEX corrections_of_incident ON cascade_corrections (incident_id);
CREATE INDEX corrections_of_root ON cascade_corrections (root_id);
"""

M035 = """
CREATE TABLE reading_cases (
    id INTEGER PRIMARY KEY,
    place TEXT NOT NULL UNIQUE,         -- of the message in Slack: channel/ts
    user_id TEXT NOT NULL,              -- the person who says that it was read wrongly
    at TEXT NOT NULL,
    intake TEXT NOT NULL,               -- slack or http
    source TEXT NOT NULL,
    payload TEXT NOT NULL               -- JSON without secrets
);
"""
