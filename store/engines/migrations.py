"""The schema, as numbered steps that are never edited: a change is a new function at the end.

Each is a script in SQLite's SQL; `store.engines.dialects` has the other engine's. During a rolling
upgrade the old and the new bot run on one schema, so a change comes in two releases: a step named
`mNNN_expand_…` adds what the older code can overlook; a later one, `mNNN_contract_…`, takes away
what no running code uses any more. Code meets steps that it does not know: it runs on when all of
them expand, and refuses otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from bot.errors import StoreError

Migration = Callable[[], str]


def m001_initial() -> str:
    """Alerts, incidents, SOP map, turns, advice, approvals, executions, outbox, timeline."""
    return _M001


def m002_expand_storm() -> str:
    """How far each channel was read back, and what the bot says of itself while it lasts."""
    return _M002


def m003_expand_audit() -> str:
    """The audit trail: every decision in a keyed hash chain, and where the chain stood."""
    return _M003


def m004_expand_approvals() -> str:
    """Terms, targets and reasons of approvals; what people did by hand; the global freeze."""
    return _M004


def m005_expand_identity() -> str:
    """The store's own id, which the metadata of its Slack messages carries."""
    return _M005


def m006_expand_blockers() -> str:
    """With which blocker the card of a waiting approval was drawn."""
    return _M006


def m007_expand_shown_alert() -> str:
    """Which alert an incident shows, and what of it; which stored alert each firing one is."""
    return _M007


def m008_expand_proposing() -> str:
    """What is to be proposed, queued beside the advice."""
    return _M008


def m009_expand_news() -> str:
    """Bad news: posted in an incident's thread, once, for the people concerned."""
    return _M009


def m010_expand_shared_parts() -> str:
    """What all alerts of one webhook delivery share, kept once."""
    return _M010


def m011_expand_senders() -> str:
    """Who sent an alert, by Slack or the endpoint: only that sender may clear it."""
    return _M011


def m012_expand_turns() -> str:
    """Whose alerts a message is about, and its turn among those of other senders."""
    return _M012


def m013_expand_attempts() -> str:
    """What provably did not run can be tried again while its approval holds."""
    return _M013


def m014_expand_questions() -> str:
    """Questions by HTTP without an alert, by the tracking id that their answer carries."""
    return _M014


def m015_expand_takeovers() -> str:
    """When a dispatch was taken over, beside its own start; and what still runs at the gateway."""
    return _M015


def m016_expand_watched() -> str:
    """The alerts that fired when a request was sent: by them it is verified."""
    return _M016


def m017_expand_firing_order() -> str:
    """Since when an alert fires in its incident, and the order in which its incident shows it."""
    return _M017


def m018_expand_recorded_requests() -> str:
    """The requests on record by their time: every click asks for those of the last day."""
    return _M018


MIGRATIONS: tuple[Migration, ...] = (
    m001_initial,
    m002_expand_storm,
    m003_expand_audit,
    m004_expand_approvals,
    m005_expand_identity,
    m006_expand_blockers,
    m007_expand_shown_alert,
    m008_expand_proposing,
    m009_expand_news,
    m010_expand_shared_parts,
    m011_expand_senders,
    m012_expand_turns,
    m013_expand_attempts,
    m014_expand_questions,
    m015_expand_takeovers,
    m016_expand_watched,
    m017_expand_firing_order,
    m018_expand_recorded_requests,
)


def name_of(migration: Migration) -> str:
    """Its name, as it is recorded in the database."""
    return migration.__name__


def statements_of(migration: Migration) -> Iterator[str]:
    """Each statement of its script."""
    for statement in migration().split(";\n"):
        if statement.strip():
            yield statement


def refuse_newer(applied: Iterable[str], where: str) -> None:
    """StoreError when the schema has a step that this code does not know and cannot overlook."""
    ours = {name_of(migration) for migration in MIGRATIONS}
    unknown = sorted(
        name for name in applied if name not in ours and not name[4:].startswith("_expand_")
    )
    if unknown:
        raise StoreError(
            f"{where} was written by a newer sopbot ({', '.join(unknown)}).",
            permanent=True,
            remedy="Run that version, or restore a backup made before the upgrade.",
        )


_M001 = """
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

_M002 = """
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

_M003 = """
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

_M004 = """
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

_M005 = """
CREATE TABLE store_identity (
    name TEXT PRIMARY KEY,              -- 'store': the one there is
    id TEXT NOT NULL                    -- random, made by the first bot that runs on the store
) WITHOUT ROWID;
"""

_M006 = """
-- Compared with what blocks it now: the card is drawn again when that differs.
ALTER TABLE approvals ADD COLUMN drawn TEXT NOT NULL DEFAULT '';
"""

_M007 = """
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

_M008 = """
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

_M009 = """
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

_M010 = """
CREATE TABLE shared_parts (
    digest TEXT PRIMARY KEY,            -- SHA-256 of the body
    body TEXT NOT NULL,                 -- JSON, as it arrived beside the alerts
    seen_at TEXT NOT NULL
);
-- '' where an alert shares nothing. Alerts of before have the shared part in their own body.
ALTER TABLE alerts ADD COLUMN shared TEXT NOT NULL DEFAULT '';
CREATE INDEX alerts_shared ON alerts (shared) WHERE shared != '';
"""

_M011 = """
-- 'slack:<bot id>' or 'http:<source>'; '' is of before this: any sender may clear it.
ALTER TABLE alerts ADD COLUMN sender TEXT NOT NULL DEFAULT '';
ALTER TABLE firing ADD COLUMN sender TEXT NOT NULL DEFAULT '';
"""

_M012 = """
-- Of whom the alerts are that it is about ('' for the bot's own words), and its turn in its rank.
ALTER TABLE outbox ADD COLUMN sender TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
CREATE INDEX outbox_by_turn ON outbox (channel, rank, turn, not_before, id)
    WHERE sent < wanted AND failed = 0;
CREATE INDEX outbox_of_sender ON outbox (channel, rank, sender, turn)
    WHERE sent < wanted AND failed = 0 AND ts IS NULL;
DROP INDEX outbox_in_turn;
"""

_M013 = """
ALTER TABLE executions ADD COLUMN attempt INTEGER NOT NULL DEFAULT 1;
-- Until when it can be tried again; NULL where it ran, may have run, or its approval is too old.
ALTER TABLE executions ADD COLUMN retry_until TEXT;
CREATE INDEX executions_retried ON executions (retry_until) WHERE retry_until IS NOT NULL;
"""

_M014 = """
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

_M015 = """
-- When another process took it over; NULL once that one sends it. `started_at` stays as it was.
ALTER TABLE executions ADD COLUMN taken_over_at TEXT;
-- When the gateway first said that it still runs; NULL before, and for another attempt.
ALTER TABLE executions ADD COLUMN running_at TEXT;
"""

_M016 = """
CREATE TABLE watched (
    execution_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,          -- as in firing
    sender TEXT NOT NULL,
    cleared_at TEXT,                    -- when its own sender cleared it
    PRIMARY KEY (execution_id, fingerprint)
) WITHOUT ROWID;
CREATE INDEX watched_alert ON watched (fingerprint);
"""

_M017 = """
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

_M018 = """
CREATE INDEX audit_requests ON audit (at) WHERE kind = 'request';
"""
