"""The table of the gateway's offers. Never edited."""

from __future__ import annotations

OFFERS = """
-- The gateway's actions and targets as it last listed them, so that a bot knows them without it.
CREATE TABLE gateway_offers (
    gateway TEXT PRIMARY KEY,           -- which one; '' is the one of the settings
    body TEXT NOT NULL,                 -- the list as JSON
    listed_at TEXT NOT NULL
) WITHOUT ROWID;
"""
