"""The migrations for evidence about incidents: facts, and deploys of services."""

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
