"""The migrations for evidence about incidents: facts, deploys of services, wrong runbooks."""

M037 = """
CREATE TABLE evidence (
    incident_id INTEGER PRIMARY KEY REFERENCES incidents (id),
    body TEXT NOT NULL,                 -- JSON, see bot/enrichment/model.py: Evidence
    at TEXT NOT NULL
);
"""

M041 = """
CREATE TABLE deploys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    service TEXT NOT NULL,              -- in the form of incidents.scope_service
    name TEXT NOT NULL,                 -- the service as people write it
    env TEXT NOT NULL,                  -- in the form of incidents.scope_env
    version TEXT NOT NULL,
    at TEXT NOT NULL,
    author TEXT NOT NULL,
    url TEXT NOT NULL,
    source TEXT NOT NULL,               -- who reported it: http, or a sender of alerts
    received_at TEXT NOT NULL,
    UNIQUE (service, env, version, at)
);
CREATE INDEX deploys_by_service ON deploys (service, at);
CREATE INDEX deploys_by_time ON deploys (received_at);
"""

WRONG_RUNBOOKS = """
CREATE TABLE wrong_runbooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sop_id TEXT NOT NULL,
    alert_name TEXT NOT NULL,
    passage TEXT NOT NULL,              -- its heading and path
    user_id TEXT NOT NULL,
    incident_id INTEGER NOT NULL REFERENCES incidents (id),
    at TEXT NOT NULL,
    UNIQUE (sop_id, alert_name, passage, user_id)
);
CREATE INDEX wrong_runbooks_by_name ON wrong_runbooks (alert_name);
"""
