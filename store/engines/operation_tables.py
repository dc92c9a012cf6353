"""The tables and indexes for operators. Never edited."""

from __future__ import annotations

SIZES = """
-- How large the store was, once a day: its growth follows from them.
CREATE TABLE store_sizes (
    engine TEXT NOT NULL,               -- a copy on the other engine has another size
    day TEXT NOT NULL,                  -- 2026-11-21
    at TEXT NOT NULL,                   -- of the day's last measurement
    bytes INTEGER NOT NULL,             -- without free pages
    PRIMARY KEY (engine, day)
) WITHOUT ROWID;
CREATE INDEX ended_silences ON silences (ended_at) WHERE ended_at IS NOT NULL;
"""

EVIDENCE_BY_TIME = """
CREATE INDEX evidence_by_time ON evidence (at);
"""
